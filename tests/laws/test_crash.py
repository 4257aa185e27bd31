"""A handful of the crash benchmark: nothing is lost, doubled, left running or left behind."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.record.test_database import has_server
from tests.support.systems import linux

ROOT = Path(__file__).parents[2]


@linux
@pytest.mark.slow
@pytest.mark.parametrize(
    ("executor", "storage", "kills"),
    [("inline", None, 8), ("inline", "postgresql", 4), ("ray", None, 4), ("ray", "postgresql", 3)],
)
def test_a_campaign_that_is_killed_again_and_again_loses_nothing(
    executor: str, storage: str | None, kills: int
) -> None:
    from experiments.benchmarks.crash import HARM

    if storage == "postgresql" and not has_server():
        pytest.skip("no PostgreSQL server programs here")
    words = ["--kills", str(kills), "--executor", executor, "--seed", "7"]
    words += ["--storage", storage] if storage else []
    command = [sys.executable, "-m", "experiments.benchmarks.crash", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout[done.stdout.index("{") :])
    assert found["kills"] == kills
    assert found["outcomes"] == found["outcomes asked for"]
    assert {name: found[name] for name in HARM} == dict.fromkeys(HARM, 0)
