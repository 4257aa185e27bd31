"""Curves for TensorBoard, read back by TensorBoard itself."""

from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from gensynth.cli import main
from gensynth.errors import InputError
from gensynth.executors.inline import run_inline
from gensynth.graph.profile import Profile
from gensynth.report.tensorboard import Curves
from tests.support.campaigns import campaign, measurement, outcome


def read(run: Path) -> dict[str, list[tuple[int, float]]]:
    events = EventAccumulator(str(run))
    events.Reload()
    tags = events.Tags()["scalars"]
    return {tag: [(e.step, round(e.value, 3)) for e in events.Scalars(tag)] for tag in tags}


def test_a_training_becomes_a_run_with_its_curve(tmp_path: Path) -> None:
    curve = (measurement(1, 50.0), measurement(2, 62.5))
    profile = Profile(123, 4567, 1, 1)
    row = outcome(number=7, attempt=1, curve=curve, value=140.25, profile=profile)
    Curves(tmp_path)([row, outcome(number=8, ending="infeasible")])
    (run,) = (tmp_path / "tensorboard").iterdir()
    assert run.name == "00007-search-g"
    assert read(run) == {
        "validation top-1": [(1, 50.0), (2, 62.5)],
        "training loss": [(1, 0.5), (2, 0.5)],
        "value": [(2, 140.25)],
        "parameters": [(2, 123.0)],
        "MACs": [(2, 4567.0)],
    }


def test_each_training_is_written_once_also_after_a_restart(tmp_path: Path) -> None:
    rows = [outcome(number=n, attempt=1, curve=(measurement(),)) for n in range(3)]
    curves = Curves(tmp_path)
    curves(rows[:1])
    curves(rows[:2])
    Curves(tmp_path)(rows)
    runs = sorted((tmp_path / "tensorboard").iterdir())
    assert [run.name[:5] for run in runs] == ["00000", "00001", "00002"]
    assert all(len(list(run.iterdir())) == 1 for run in runs)


def test_the_last_training_has_no_validation_top1(tmp_path: Path) -> None:
    Curves(tmp_path)([outcome(attempt=1, purpose="export", curve=(measurement(),))])
    (run,) = (tmp_path / "tensorboard").iterdir()
    assert "training top-1" in read(run) and "validation top-1" not in read(run)


def test_without_tensorboard_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "tensorboard", None)
    with pytest.raises(InputError, match=r'pip install "tensorboard'):
        Curves(tmp_path)


def test_the_command_writes_them_and_says_how_to_look(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with campaign(tmp_path / "run", trials=2) as small:
        run_inline(small)
    with pytest.raises(SystemExit) as ended:
        main(["show", str(tmp_path / "run"), "--tensorboard"])
    assert ended.value.code == 0
    assert f"tensorboard --logdir {tmp_path / 'run' / 'tensorboard'}" in capsys.readouterr().out
    assert len(list((tmp_path / "run" / "tensorboard").iterdir())) == 2 + 2 + 1
