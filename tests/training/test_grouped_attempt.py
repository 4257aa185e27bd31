"""Attempts at several jobs at once: curves, stops, time limits, and crashes at any moment."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gensynth.evaluation.measurement import Measurement
from gensynth.space import Source
from gensynth.training import checkpoint
from gensynth.training.attempt import Result, attempt
from gensynth.training.group.training import GroupTraining
from gensynth.training.grouped_attempt import alike, attempt_together
from gensynth.training.job import WEIGHTS, Job
from gensynth.training.loop import identity_of
from tests.support.trainings import QUICK, job, timeless

Watch = Callable[[Job, Measurement], bool]


def jobs(folder: Path, count: int = 3, **changes: Any) -> list[Job]:
    recipe = replace(QUICK, ema_decay=0.5)
    for n in range(count):
        (folder / str(n)).mkdir(parents=True, exist_ok=True)
    return [
        replace(job(folder / str(n), recipe, **changes), number=n, training_seed=n)
        for n in range(count)
    ]


def on(job: Job, measurement: Measurement) -> bool:
    return True


def facts(results: Sequence[Result]) -> list[tuple[str, list[Measurement]]]:
    return [(result.ending, timeless(list(result.curve))) for result in results]


def test_results_are_those_of_trainings_alone(tmp_path: Path) -> None:
    together = attempt_together(jobs(tmp_path / "together", keep_weights=True), on)
    for number, each in enumerate(jobs(tmp_path / "alone")):
        alone = attempt(each, lambda measurement: True)
        assert together[number].ending == alone.ending == "completed"
        assert len(together[number].curve) == len(alone.curve)
        for found, expected in zip(together[number].curve, alone.curve, strict=True):
            assert found.loss == pytest.approx(expected.loss, abs=0.05)
            assert found.top1 == pytest.approx(expected.top1, abs=3)
        assert together[number].curve[0].loss == pytest.approx(alone.curve[0].loss, abs=1e-4)
        assert (tmp_path / "together" / str(number) / WEIGHTS).exists()


def test_a_member_that_is_stopped_leaves_and_may_be_resumed(tmp_path: Path) -> None:
    def stop_the_first(job: Job, measurement: Measurement) -> bool:
        return job.number != 0 or measurement.epoch < 2

    three = jobs(tmp_path)
    results = attempt_together(three, stop_the_first)
    assert [len(result.curve) for result in results] == [2, 4, 4]
    assert [result.ending for result in results] == ["stopped", "completed", "completed"]
    resumed = attempt(three[0], lambda measurement: True)
    assert timeless(list(resumed.curve))[:2] == timeless(list(results[0].curve))
    assert resumed.ending == "completed"


def test_all_but_one_may_be_stopped(tmp_path: Path) -> None:
    results = attempt_together(jobs(tmp_path), lambda job, measured: job.number == 1)
    assert [len(result.curve) for result in results] == [1, 4, 1]


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("moment", range(1, 9))
def test_a_crash_at_any_moment_changes_nothing(
    moment: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also between the files of two members; one member is stopped by then or not."""

    def stop_one(job: Job, measurement: Measurement) -> bool:
        return job.number != 2 or measurement.epoch < 2

    whole = facts(attempt_together(jobs(tmp_path / "whole"), stop_one))
    real, calls = Path.replace, [0]

    def killed(self: Path, target: Path) -> Path:
        calls[0] += 1
        if calls[0] == moment:
            raise Killed
        return real(self, target)

    three = jobs(tmp_path / "parts")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", killed)
        with pytest.raises(Killed):
            attempt_together(three, stop_one)
    assert facts(attempt_together(three, stop_one)) == whole


def test_what_was_complete_is_not_trained_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    three = jobs(tmp_path)
    first = facts(attempt_together(three, on))
    monkeypatch.setattr(GroupTraining, "__init__", _never)
    assert facts(attempt_together(three, on)) == first


def _never(*_: Any) -> None:
    raise AssertionError("nothing is left to train")


def test_members_with_checkpoints_of_different_epochs_begin_where_all_have_been(
    tmp_path: Path,
) -> None:
    three = jobs(tmp_path)
    whole = facts(attempt_together(three, on))
    checkpoint.discard(tmp_path / "1")
    assert checkpoint.load(tmp_path / "0", identity_of(three[0])) is not None
    assert facts(attempt_together(three, on)) == whole


def test_a_time_limit_counts_for_all(tmp_path: Path) -> None:
    results = attempt_together(jobs(tmp_path, time_limit_s=1e-9), on)
    assert [result.ending for result in results] == ["timed_out"] * 3
    assert [len(result.curve) for result in results] == [1] * 3


def test_a_network_that_cannot_be_grouped_trains_alone(tmp_path: Path) -> None:
    source = Source("tests.support.unruly_networks", {"classes": 10}, (1, 8, 8))
    seen: list[tuple[int, int]] = []

    def watch(job: Job, measurement: Measurement) -> bool:
        seen.append((job.number, measurement.epoch))
        return True

    results = attempt_together(jobs(tmp_path, 2, source=source), watch)
    assert [result.ending for result in results] == ["completed"] * 2
    assert seen == [(number, epoch) for number in (0, 1) for epoch in (1, 2, 3, 4)]


def test_a_failure_is_reported_by_each_job(tmp_path: Path) -> None:
    source = Source("tests.support.toy_blocks", {"nonsense": 1}, (1, 8, 8))
    results = attempt_together(jobs(tmp_path, 2, source=source), on)
    assert [result.ending for result in results] == ["crashed"] * 2
    assert all("nonsense" in result.detail for result in results)


def test_jobs_are_alike_if_only_their_seeds_differ(tmp_path: Path) -> None:
    one, other = jobs(tmp_path, 2)
    assert alike(one, other)
    assert not alike(one, replace(other, attempt=2))
    assert not alike(one, replace(other, recipe=replace(other.recipe, batch_size=64)))
