"""Trackers: each training once, also after an interruption; one that fails ends no search."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import gensynth
from gensynth.errors import InputError
from gensynth.evaluation.outcome import Outcome
from gensynth.graph.profile import Profile
from tests.support.campaigns import experiment, measurement, outcome

COSTS = Profile(123, 4567, 1, 1)


class Kept:
    """A tracker that keeps what it is called with."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def begin(self, name: str, folder: Path, /) -> None:
        self.told.append(name)

    def __call__(self, outcome: Outcome, /) -> None:
        self.told.append(outcome.number)

    def end(self) -> None:
        self.told.append("end")


class Unreachable(Kept):
    """A tracker whose server is away."""

    def __call__(self, outcome: Outcome, /) -> None:
        raise ConnectionError("no route to the server")


def runs(address: str, name: str) -> dict[str, Any]:
    import mlflow

    client = mlflow.MlflowClient(address)
    found = client.get_experiment_by_name(name)
    assert found is not None
    return {run.info.run_name: run for run in client.search_runs([found.experiment_id])}


@pytest.mark.slow
def test_a_tracker_gets_every_outcome_in_order_and_those_already_recorded(tmp_path: Path) -> None:
    first, second = Kept(), Kept()
    few, more = experiment(trials=1), experiment(trials=2)
    gensynth.search(few, out=tmp_path, track=first, progress=False)
    done = gensynth.search(more, out=tmp_path, track=[second], progress=False)
    numbers = [row.number for row in done.outcomes]
    assert second.told == ["toy", *numbers, "end"]
    assert first.told == ["toy", *numbers[: len(first.told) - 2], "end"]


def test_one_that_fails_is_told_once_and_the_search_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = gensynth.search(experiment(trials=2), out=tmp_path, track=Unreachable(), progress=False)
    assert done.best is not None
    told = " ".join(capsys.readouterr().err.split())
    assert told.count("no route to the server") == 1 and "goes on without it" in told


@pytest.mark.parametrize("name", ["mlfow", "trackio"])
def test_one_that_is_not_there_is_one_line_with_the_remedy(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "trackio", None)
    monkeypatch.setattr("gensynth.report.trackers.find_spec", lambda package: None)
    with pytest.raises(InputError, match=r"did you mean 'mlflow'|pip install .*trackio"):
        gensynth.search(experiment(), out=tmp_path, track=name, progress=False)


@pytest.mark.slow
def test_mlflow_reads_back_what_was_written_each_training_once(tmp_path: Path) -> None:
    import mlflow

    address = f"sqlite:///{tmp_path / 'mlflow.db'}"
    curve = (measurement(1, 50.0), measurement(2, 62.5))
    row = outcome(number=7, curve=curve, value=140.25, profile=COSTS)
    untrained = outcome(number=8, ending="infeasible", attempt=0)
    for _ in range(2):  # As after an interruption.
        tracker = gensynth.MlflowRuns(address)
        tracker.begin("it's mine", tmp_path / "it's")
        for each in (row, untrained, row):
            tracker(each)
        tracker.end()
    (run,) = runs(address, "it's mine").values()
    assert run.info.run_name == "00007-search-g" and run.info.status == "FINISHED"
    assert run.data.metrics == {
        "validation top-1": 62.5,
        "training loss": 0.5,
        "value": 140.25,
        "parameters": 123.0,
        "MACs": 4567.0,
    }
    assert run.data.params["ending"] == "completed"
    history = mlflow.MlflowClient(address).get_metric_history(run.info.run_id, "validation top-1")
    assert [(point.step, point.value) for point in history] == [(1, 50.0), (2, 62.5)]


@pytest.mark.record
def test_trackio_reads_back_what_was_written(tmp_path: Path) -> None:
    """Needs `pip install "trackio>=0.40"`, whose Pillow is older than the tested one."""
    pytest.importorskip("trackio")
    code = f"""
import gensynth
from tests.support.campaigns import experiment
for _ in range(2):
    done = gensynth.search(experiment(trials=2), out={str(tmp_path / "run")!r}, track="trackio")
import trackio
trained = [row for row in done.outcomes if row.curve]
found = list(trackio.Api().runs("toy"))
assert sorted(run.name for run in found) == sorted(
    f"{{row.number:05d}}-{{row.purpose}}-{{row.genome_id[:12]}}" for row in trained
), found
"""
    here = os.environ | {"TRACKIO_DIR": str(tmp_path / "trackio"), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=here, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
