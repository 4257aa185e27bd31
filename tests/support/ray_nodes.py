"""Clusters of several Ray nodes on this machine, on loopback; each node a process group."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from gensynth.executors.ray.cluster import short_folder

RAY = [sys.executable, "-m", "ray.scripts.scripts"]


@dataclass(frozen=True)
class Cluster:
    """A running cluster: where its head listens, and where Ray keeps its own files."""

    address: str
    folder: Path


@contextmanager
def cluster(*options: str) -> Iterator[Cluster]:
    """Run a head node with one CPU, unless the options say otherwise."""
    with socket.socket() as free, short_folder() as ray_folder:
        free.bind(("127.0.0.2", 0))
        address = f"127.0.0.2:{free.getsockname()[1]}"
    head = [f"--port={address.rpartition(':')[2]}", "--include-dashboard=false"]
    head += ["--head", "--node-ip-address=127.0.0.2", f"--temp-dir={ray_folder}", *options]
    if not (Path.home() / ".ray" / "auth_token").exists():  # A first cluster in an empty home.
        subprocess.run([*RAY, "get-auth-token", "--generate"], check=True, capture_output=True)
    try:
        with ray_node(head):
            yield Cluster(address, ray_folder)
    finally:
        shutil.rmtree(ray_folder, ignore_errors=True)


@contextmanager
def ray_node(options: list[str], before: str = "") -> Iterator["subprocess.Popen[str]"]:
    """Run one node of a cluster, with one CPU, until the block ends.

    `before` is a shell command for a node with mounts of its own.
    """
    command = [*RAY, "start", "--block", "--disable-usage-stats", *options]
    command += [] if any(o.startswith("--num-cpus") for o in options) else ["--num-cpus=1"]
    if before:
        command = ["unshare", "-m", "sh", "-c", f'{before} && exec "$@"', "sh", *command]
    environment = {k: v for k, v in os.environ.items() if k != "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"}
    environment["RAY_AUTH_MODE"] = "token"
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert process.stdout is not None
        assert any("runtime started" in line for line in process.stdout)
        yield process
    finally:
        kill_node(process)


def kill_node(process: "subprocess.Popen[str]") -> None:
    """End a node as a power cut would."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
