"""Starting and joining Ray, and leaving no traces; drivers run in their own processes."""

import ipaddress
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from gensynth.campaign.experiment_tables import Resources
from gensynth.errors import InputError
from gensynth.executors.ray import run_on_ray
from gensynth.executors.ray.cluster import (
    PREFIX,
    connected,
    require_answer,
    require_room,
    short_folder,
    slots,
)
from tests.support.campaigns import campaign
from tests.support.ray_nodes import cluster, ray_node
from tests.support.systems import linux
from tests.support.unruly_campaigns import (
    CORES,
    assert_finished,
    assert_nothing_lost_or_doubled,
    recorded,
    unruly,
)

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def own_ray() -> Iterator[None]:
    import ray  # noqa: F401 - before gensynth sets how Ray is imported, as a user's program may do

    with connected(None):
        yield


@pytest.mark.usefixtures("own_ray")
def test_room_is_counted_and_missing_room_is_named() -> None:
    assert slots(Resources()) == CORES
    assert slots(Resources(cpus_per_trial=0.1)) == 10 * CORES
    with pytest.raises(InputError, match=r"resources\.cpus_per_trial: must be at most"):
        require_room(Resources(cpus_per_trial=CORES + 1))
    with pytest.raises(InputError, match=r"resources\.gpus_per_trial: must be at most"):
        require_room(Resources(gpus_per_trial=99))


@linux
@pytest.mark.usefixtures("own_ray")
def test_ray_listens_on_loopback_only_and_sends_no_statistics() -> None:
    """Every port of every Ray process, including its dashboard's."""
    ours = descendants(os.getpid())
    titles = {pid: readable(Path(f"/proc/{pid}/cmdline")) for pid in ours}
    rays = [pid for pid, title in titles.items() if b"/ray/" in title or b"ray::" in title]
    assert any(b"gcs_server" in titles[pid] for pid in rays)
    places = [place for pid in rays for place in listening(pid)]
    assert places and all(place.startswith("127.") for place in places), places
    settings = [readable(Path(f"/proc/{pid}/environ")).split(b"\0") for pid in rays]
    # A process that gave itself a title has written it over the first of the words that it was
    # started with, in whichever order these stand: what is left of them says nothing.
    told = [words for words in settings if words[0]]
    sends = [words for words in told if b"RAY_USAGE_STATS_ENABLED=0" not in words]
    assert told and not sends, sends


def descendants(pid: int) -> list[int]:
    found = []
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, readable(tasks).split()):
            found += [child, *descendants(child)]
    return found


def sockets_of(pid: int) -> set[str]:
    """Return the names of a process's files; it may close some, or end, at any moment."""
    found = set()
    with suppress(OSError):
        for file in list(Path(f"/proc/{pid}/fd").iterdir()):
            with suppress(OSError):
                found.add(os.readlink(file))
    return found


def listening(pid: int) -> list[str]:
    """Return the addresses on which a process listens for TCP, as ADDRESS:PORT."""
    sockets = sockets_of(pid)
    places = []
    for table, size in (("tcp", 4), ("tcp6", 16)):
        for line in readable(Path(f"/proc/{pid}/net/{table}")).decode().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A" and f"socket:[{words[9]}]" in sockets:
                address, port = words[1].split(":")
                packed = b"".join(
                    bytes.fromhex(address[i : i + 8])[::-1] for i in range(0, 2 * size, 8)
                )
                host = ipaddress.ip_address(packed)
                mapped = getattr(host, "ipv4_mapped", None)
                places.append(f"{mapped or host}:{int(port, 16)}")
    return places


@pytest.mark.parametrize(
    "address, words",
    [
        ("127.0.0.1:1", "nothing answers at 127.0.0.1:1"),
        ("ray://127.0.0.1:10001", "must be HOST:PORT or auto"),
        ("nonsense", "must be HOST:PORT or auto"),
    ],
)
def test_a_wrong_address_is_named_at_once(address: str, words: str) -> None:
    with pytest.raises(InputError, match=f"--address: {words}"):
        require_answer(address)


def test_the_folder_of_a_killed_process_is_removed_by_the_next() -> None:
    with short_folder() as mine:
        abandoned = mine.with_name(f"{PREFIX}abandoned")
        abandoned.mkdir()
        (abandoned / "lock").touch()
        with short_folder() as other:
            assert mine.exists() and other.exists() and not abandoned.exists()
    assert not mine.exists() and not other.exists()


DRIVER = """
import sys
from pathlib import Path
from tests.support.campaigns import campaign
from tests.support.unruly_campaigns import unruly
from gensynth.executors.ray import run_on_ray

with unruly(Path(sys.argv[1]), [("slow", w) for w in range(20, 26)], proxy={"epochs": 2}) as opened:
    run_on_ray(opened, *sys.argv[2:])
"""


@pytest.mark.slow
def test_a_killed_driver_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    driver = subprocess.Popen([sys.executable, "-c", DRIVER, str(tmp_path)], cwd=ROOT)
    try:
        deadline = time.monotonic() + 900
        while len(recorded(tmp_path)) < 3:
            assert driver.poll() is None and time.monotonic() < deadline
            time.sleep(0.1)
        driver.send_signal(signal.SIGKILL)
    finally:
        driver.kill()
        driver.wait()
    before = recorded(tmp_path)
    proposals = [("slow", width) for width in range(20, 26)]
    with unruly(tmp_path, proposals, proxy={"epochs": 2}) as opened:
        assert_finished(run_on_ray(opened), opened.outcomes)
        assert opened.outcomes[: len(before)] == before
        assert_nothing_lost_or_doubled(opened.outcomes, trials=6)


@linux
@pytest.mark.slow
def test_a_cluster_of_several_nodes_is_joined_and_left_alone(tmp_path: Path) -> None:
    with (
        cluster() as head,
        ray_node([f"--address={head.address}", "--node-ip-address=127.0.0.3"]),
    ):
        command = [sys.executable, "-c", DRIVER, str(tmp_path), head.address]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert not list(head.folder.glob("session_*/artifacts/*/*"))
    assert_nothing_lost_or_doubled(recorded(tmp_path), trials=6)


MEASURED = """
import sys
from pathlib import Path
from gensynth.executors.ray import run_on_ray
from tests.support.campaigns import campaign

rule = {"limit": 1e6, "runtime": "torch", "resource": sys.argv[3]}
rules = {"max_latency_ms": rule}
with campaign(Path(sys.argv[1]), executor="ray", trials=2, constraints=rules) as c:
    run_on_ray(c, sys.argv[2])
"""


@linux
@pytest.mark.slow
def test_latencies_are_measured_on_the_node_that_offers_the_resource(tmp_path: Path) -> None:
    """The second of two nodes trains nothing; a measurement names the node that it was made on."""
    board = ["--node-ip-address=127.0.0.3", "--num-cpus=0", '--resources={"cortex-a72": 1}']
    with cluster() as head, ray_node([f"--address={head.address}", *board]):
        done = measured_on(tmp_path / "board", head.address, "cortex-a72")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        unknown = measured_on(tmp_path / "none", head.address, "cortex-a53")
        assert "resource: no node of the cluster offers 'cortex-a53'" in unknown.stderr
    with campaign(tmp_path / "board", executor="ray", trials=2) as opened:
        trained = [o for o in opened.outcomes if o.purpose == "search" and o.curve]
        assert len(trained) == 2
        for outcome in trained:
            (words,) = outcome.latencies
            assert words == "torch, 1 thread, batch 1 on cortex-a72"
            assert outcome.latencies[words].machine.endswith("on node 127.0.0.3")


def measured_on(folder: Path, address: str, resource: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", MEASURED, str(folder), address, resource]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


@linux
@pytest.mark.slow
def test_ray_leaves_nothing_behind(tmp_path: Path) -> None:
    """A campaign in its own process, with its own Ray, leaves no file, no process and no output."""
    with short_folder() as place:
        command = [sys.executable, "-c", DRIVER, str(tmp_path)]
        environment = dict(os.environ, TMPDIR=str(place))
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert not list(place.glob("gensynth-*"))
        mark = f"TMPDIR={place}".encode()
        assert not [p for p in Path("/proc").glob("[0-9]*/environ") if mark in readable(p)]


def readable(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
