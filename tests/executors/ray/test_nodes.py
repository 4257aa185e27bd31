"""Nodes that die, join late, share no disk, or run out of memory; all on loopback addresses."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gensynth.executors.ray import run_on_ray
from tests.support.ray_nodes import Cluster, cluster, kill_node, ray_node
from tests.support.systems import linux
from tests.support.unruly_campaigns import (
    assert_finished,
    assert_nothing_lost_or_doubled,
    recorded,
    unruly,
)

pytestmark = [pytest.mark.slow, linux]
ROOT = Path(__file__).parents[3]


def children(name: bytes) -> list[int]:
    """Return the child processes of this one whose command line matches."""
    found = []
    for task in Path(f"/proc/{os.getpid()}/task").iterdir():
        for pid in (task / "children").read_text().split():
            if name in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(int(pid))
    return found


DRIVER = """
import sys
from pathlib import Path
from gensynth.executors.ray import run_on_ray
from tests.support.unruly_campaigns import FINALS, assert_finished, unruly

folder, head, marks, behaviour = Path(sys.argv[1]), *sys.argv[2:5]
proposals = [(behaviour, width) for width in range(20, 20 + int(sys.argv[5]))]
space = {"use": "tests.support.unruly:UnrulySpace", "marks": marks}
finals = FINALS | {"epochs_factor": 0.5}
with unruly(folder, proposals, space=space, proxy={"epochs": 2}, finals=finals) as opened:
    assert_finished(run_on_ray(opened, head), opened.outcomes)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The campaign's; beside it, a folder in which networks tell where they are trained."""
    (tmp_path / "marks").mkdir()
    (tmp_path / "run").mkdir()
    return tmp_path / "run"


@contextmanager
def driving(
    folder: Path, head: Cluster, trials: int, behaviour: str = "meets"
) -> Iterator["subprocess.Popen[str]"]:
    """Drive a campaign; trainings that meet wait until each of two nodes has begun one."""
    marks = str(folder.with_name("marks"))
    words = [str(folder), head.address, marks, behaviour, str(trials)]
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, *words], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    try:
        yield driver
    finally:
        driver.kill()
        driver.communicate()


def wait_for_rows(driver: "subprocess.Popen[str]", folder: Path, rows: int) -> None:
    deadline = time.monotonic() + 900
    while len(recorded(folder)) < rows:
        assert driver.poll() is None and time.monotonic() < deadline
        time.sleep(0.2)


def wait_for_training(driver: "subprocess.Popen[str]", folder: Path) -> None:
    deadline = time.monotonic() + 900
    while not trained_on(folder, "127.0.0.2"):
        assert driver.poll() is None and time.monotonic() < deadline
        time.sleep(0.2)


def trained_on(folder: Path, node: str) -> list[str]:
    """Return the widths of the networks that were trained on a node."""
    return [file.name for file in folder.with_name("marks").glob(f"node-{node}-*")]


def node(head: Cluster, address: str) -> list[str]:
    return [f"--address={head.address}", f"--node-ip-address={address}"]


def test_a_node_is_lost_and_its_candidates_are_trained_elsewhere(folder: Path) -> None:
    with cluster() as head, ray_node(node(head, "127.0.0.3")) as second:
        with driving(folder, head, 6) as driver:
            wait_for_rows(driver, folder, 2)
            kill_node(second)
            _, err = driver.communicate(timeout=900)
        assert (driver.returncode, err) == (0, "")
    assert trained_on(folder, "127.0.0.2") and trained_on(folder, "127.0.0.3")
    rows = recorded(folder)
    assert_nothing_lost_or_doubled(rows, trials=6)
    assert {row.ending for row in rows} == {"completed"}


def test_a_node_that_joins_is_used(folder: Path) -> None:
    with cluster() as head, driving(folder, head, 5) as driver:
        wait_for_training(driver, folder)
        assert not trained_on(folder, "127.0.0.3")
        with ray_node(node(head, "127.0.0.3")):
            _, err = driver.communicate(timeout=900)
    assert (driver.returncode, err) == (0, "")
    assert trained_on(folder, "127.0.0.3")
    assert_nothing_lost_or_doubled(recorded(folder), trials=5)


def test_a_node_with_a_disk_of_its_own_is_named_before_anything_is_trained(folder: Path) -> None:
    """Run in a mount namespace in which the campaign's folder is another, empty one."""
    hidden = f"mount -t tmpfs none {folder}"
    with (
        cluster() as head,
        ray_node(node(head, "127.0.0.3"), before=hidden),
        driving(folder, head, 2, "tells") as driver,
    ):
        _, err = driver.communicate(timeout=900)
    words = "is not shared with node 127.0.0.3 of the cluster: choose an --out folder that all"
    assert driver.returncode != 0 and words in err
    assert recorded(folder) == [] and not list(folder.glob(".shared-*"))


def test_a_node_that_joins_with_a_disk_of_its_own_trains_and_says_so(folder: Path) -> None:
    """Its trainings count; other nodes do what needs the folder."""
    hidden = f"mount -t tmpfs none {folder}"
    with cluster() as head, driving(folder, head, 5) as driver:
        wait_for_training(driver, folder)
        with ray_node(node(head, "127.0.0.3"), before=hidden):
            _, err = driver.communicate(timeout=900)
    assert (driver.returncode, err) == (0, "")
    rows = recorded(folder)
    assert_nothing_lost_or_doubled(rows, trials=5)
    told = [r for r in rows if "node 127.0.0.3 does not share the campaign's folder" in r.detail]
    assert told and all(row.ending == "completed" for row in told)
    (export,) = (row for row in rows if row.purpose == "export")
    assert export.ending == "completed"


def test_a_worker_that_takes_too_much_memory_is_tried_again_at_half_the_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ray ends it before the kernel would; the limit is 3 GB more than are in use now."""
    facts = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    total, free = (int(facts[name].split()[0]) for name in ("MemTotal", "MemAvailable"))
    threshold = (total - free + 3 * 2**20) / total
    monkeypatch.setenv("RAY_memory_usage_threshold", f"{threshold:.3f}")
    monkeypatch.setenv("RAY_memory_monitor_refresh_ms", "100")
    with unruly(tmp_path, [("eats", 20)], proxy={"epochs": 2}) as opened:
        assert_finished(run_on_ray(opened), opened.outcomes)
        first = opened.outcomes[0]
    assert (first.ending, first.attempt) == ("completed", 2)
    assert "at batch 32: 64 ran out of memory" in first.detail


def test_a_ray_of_our_own_that_dies_is_started_anew(tmp_path: Path) -> None:
    with unruly(tmp_path, [("slow", w) for w in range(20, 26)], proxy={"epochs": 2}) as opened:
        killed: list[int] = []

        def kill_the_node() -> None:
            if len(opened.outcomes) == 2 and not killed:
                killed.extend(children(b"raylet/raylet"))
                os.kill(killed[0], signal.SIGKILL)

        assert_finished(run_on_ray(opened, changed=kill_the_node), opened.outcomes)
        assert killed
        assert_nothing_lost_or_doubled(opened.outcomes, trials=6)
