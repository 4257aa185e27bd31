"""Nodes of a Ray cluster that die, join, share no disk, or run out of memory; all on loopback."""

import os
import signal
from pathlib import Path

import pytest

from gensynth.campaign import Done
from gensynth.ray_executor import run
from tests.unruly_campaigns import assert_nothing_lost_or_doubled, unruly

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parent.parent


def children(name: bytes) -> list[int]:
    """Find the processes that this one has started, directly, by their command line."""
    found = []
    for task in Path(f"/proc/{os.getpid()}/task").iterdir():
        for pid in (task / "children").read_text().split():
            if name in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(int(pid))
    return found


def test_a_ray_of_our_own_that_dies_is_started_anew(tmp_path: Path) -> None:
    with unruly(tmp_path, [("slow", w) for w in range(20, 26)], proxy={"epochs": 2}) as opened:
        killed: list[int] = []

        def kill_the_node() -> None:
            if len(opened.outcomes) == 2 and not killed:
                killed.extend(children(b"raylet/raylet"))
                os.kill(killed[0], signal.SIGKILL)

        assert run(opened, changed=kill_the_node) == Done("finished")
        assert killed
        assert_nothing_lost_or_doubled(opened.outcomes, trials=6)
