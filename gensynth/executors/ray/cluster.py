"""The Ray cluster to run on: an existing one, or one on this machine that leaves no traces."""

import logging
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from gensynth.campaign.experiment_tables import Resources
from gensynth.errors import InputError
from gensynth.process import deaf_to_hangups, usable_cores

OBJECT_STORE_BYTES = 100 * 2**20
"""About the least that Ray accepts; jobs and measurements are a few kilobytes of JSON."""
PREFIX = "gensynth-"
LONGEST_FOLDER = 22
"""Characters. Ray and we add up to 85 to the paths of its sockets, which are limited to 107."""
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",  # Without a GPU share, a training sees no GPU.
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",  # Ray would print dead workers to our output.
    "RAY_AIR_NEW_OUTPUT": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_MAX_PENDING_TRIALS_PG": "1000",  # Room limits them; else first actors start in turn.
    "RAY_gcs_rpc_server_reconnect_timeout_s": "600",  # After that, Ray would end this process.
    "TUNE_GLOBAL_CHECKPOINT_S": "1e9",  # The campaign's folder holds everything to be kept.
}
CONNECT_S = 10.0
"""How long the head of a cluster may take to accept a connection."""
LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
"""Makes a cluster listen on 127.0.0.1 only, so that no other machine can join it.

Ray reads this when it is first imported."""


class NodesGone(RuntimeError):
    """No node of the cluster has had room for a training for too long."""

    restarts = 0
    """How often a Ray of our own is started anew, if nothing has been recorded in between."""


class ControlGone(NodesGone):
    """The control server of the cluster has died, and with it the cluster."""

    restarts = 2


class NotStarted(NodesGone):
    """A Ray of our own did not start, as happens on a machine that is very busy."""

    restarts = 2


@contextmanager
def connected(address: str | None) -> Iterator[None]:
    """Connect to the Ray cluster at `address` (`HOST:PORT`), or start one for the duration.

    An existing connection is used and stays open. Raises `InputError` if nothing answers at
    `address`.
    """
    with _environment(_settings(address)):
        import ray

        if ray.is_initialized():
            yield
            return
        with _started() if address is None else _joined(address):
            try:
                yield
            finally:
                ray.shutdown()


def slots(resources: Resources) -> int:
    """Return the number of trainings that the cluster's nodes can run at once."""
    needs = {kind: need for kind, need in _needs(resources).items() if need > 0}
    # Fractions of a CPU or GPU add up to a whole only up to a rounding error.
    fits = (
        min((node.get(kind, 0) / needs[kind] for kind in needs), default=1) for node in _nodes()
    )
    return sum(int(fit + 1e-6) for fit in fits)


def require_room(resources: Resources) -> None:
    """Raise `InputError` if no node of the cluster is large enough for one training."""
    if slots(resources) > 0:
        return
    for kind, need in _needs(resources).items():
        most = max((node.get(kind, 0) for node in _nodes()), default=0)
        if most < need:
            place = f"resources.{kind.lower()}s_per_trial"
            problem = f"must be at most {most:g}, as the largest node offers, got {need:g}"
            raise InputError(place, problem)
    raise InputError("resources", "no node has both the CPUs and the GPUs that a training needs")


def _needs(resources: Resources) -> dict[str, float]:
    return {"CPU": resources.cpus_per_trial, "GPU": resources.gpus_per_trial}


def _nodes() -> list[dict[str, float]]:
    import ray

    nodes = ray.nodes()  # type: ignore[no-untyped-call]
    return [node["Resources"] for node in nodes if node["Alive"]]


@contextmanager
def _started() -> Iterator[None]:
    """Start Ray on this machine's cores, in a folder that is deleted afterwards."""
    import ray

    with short_folder() as folder, _on_loopback_only(), deaf_to_hangups():
        try:
            ray.init(
                address="local",
                num_cpus=usable_cores(),
                include_dashboard=False,
                object_store_memory=OBJECT_STORE_BYTES,
                log_to_driver=False,
                logging_level=logging.CRITICAL,
                _node_ip_address="127.0.0.1",
                _temp_dir=str(folder / "r"),  # Ray lets all into it, but nobody into `folder`.
            )
        except OSError:  # A full disk, for example, which whoever catches it explains better.
            raise
        except Exception as error:  # Ray raises no class of its own.
            ray.shutdown()
            cause = " ".join(str(error).split()) or type(error).__name__
            raise NotStarted(f"Ray did not start ({cause})") from error
        yield


@contextmanager
def _on_loopback_only() -> Iterator[None]:
    """Apply `LOOPBACK` to a Ray that the user's program has imported before, without it."""
    from ray._private import ray_constants

    before = ray_constants.ENABLE_RAY_CLUSTER
    ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = before


@contextmanager
def _joined(address: str) -> Iterator[None]:
    import ray

    require_answer(address)
    try:
        ray.init(
            address=address,
            log_to_driver=False,
            logging_level=logging.CRITICAL,
            _node_ip_address=_host(address) if _is_loopback(address) else None,
        )
    except (ConnectionError, ValueError, RuntimeError) as error:
        cause = " ".join(str(error).split()) or "no answer"
        hint = "if the cluster requires a token, set RAY_AUTH_MODE=token"
        problem = f"cannot use a Ray cluster at {address} ({cause}; {hint})"
        raise InputError("--address", problem) from error
    yield


def require_answer(address: str) -> None:
    """Raise `InputError` if nothing listens there; Ray itself would try for twenty minutes."""
    if address == "auto":
        return
    host, port = _host(address), address.rpartition(":")[2]
    if not host or not port.isdigit() or "/" in host:
        raise InputError("--address", f"must be HOST:PORT or auto, got {address!r}")
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_S).close()
    except (OSError, OverflowError) as error:
        raise InputError("--address", f"nothing answers at {address} ({error})") from None


def _settings(address: str | None) -> dict[str, str]:
    """Return the environment variables with which Ray is imported and runs."""
    settings = dict(QUIET)
    if address is None or _host(address) in ("127.0.0.1", "localhost"):
        settings |= LOOPBACK
    # Ray sends the token to no explicit address; sending it to this machine itself is safe.
    token = Path.home() / ".ray" / "auth_token"
    if address and _is_loopback(address) and token.exists():
        settings["RAY_AUTH_MODE"] = os.environ.get("RAY_AUTH_MODE", "token")
    return settings


def _host(address: str) -> str:
    return address.rpartition(":")[0]


def _is_loopback(address: str) -> bool:
    return _host(address) == "localhost" or _host(address).startswith("127.")


@contextmanager
def short_folder() -> Iterator[Path]:
    """Make a temporary folder with a short name, and delete it with its contents.

    Folders that killed processes left behind are deleted too.
    """
    usual = Path(tempfile.gettempdir())
    parent = usual if len(str(usual)) <= LONGEST_FOLDER else Path("/tmp")
    for lock in parent.glob(f"{PREFIX}*/lock"):
        _remove_abandoned(lock)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    with FileLock(folder / "lock"):
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _remove_abandoned(lock: Path) -> None:
    try:
        with FileLock(lock, timeout=0):
            shutil.rmtree(lock.parent, ignore_errors=True)
    except (Timeout, OSError):
        pass  # In use, or owned by another user.


@contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables, and restore them afterwards."""
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
