"""How an attempt at a training ends, and whether another one follows."""

from dataclasses import replace
from pathlib import Path

import pytest

from gensynth.evaluation.outcome import Ending
from gensynth.training.attempt import ATTEMPTS, Result, attempt, next_attempt
from gensynth.training.job import Job
from tests.support.trainings import QUICK, job


def test_it_is_complete_after_the_last_epoch_even_if_it_was_to_stop_there(tmp_path: Path) -> None:
    result = attempt(job(tmp_path), lambda measured: measured.epoch < QUICK.epochs)
    assert result.ending == "completed" and len(result.curve) == QUICK.epochs
    assert result.seconds > 0 and not result.detail


def test_it_stops_when_its_watch_says_so(tmp_path: Path) -> None:
    result = attempt(job(tmp_path), lambda measured: measured.epoch < 2)
    assert result.ending == "stopped" and [m.epoch for m in result.curve] == [1, 2]


def test_it_ends_at_the_end_of_an_epoch_past_its_time(tmp_path: Path) -> None:
    result = attempt(job(tmp_path, time_limit_s=1e-9), lambda measured: True)
    assert result.ending == "timed_out" and len(result.curve) == 1
    assert result.detail == "after 1e-09 s"


def test_errors_are_endings(tmp_path: Path) -> None:
    wild = attempt(job(tmp_path / "wild", replace(QUICK, learning_rate=1e30)), lambda m: True)
    assert wild.ending == "diverged" and "epoch" in wild.detail

    def fail(measured: object) -> bool:
        raise ValueError("a plugin\nfails")

    crashed = attempt(job(tmp_path / "crash"), fail)
    assert crashed.ending == "crashed" and len(crashed.curve) == 1
    assert crashed.detail.startswith("ValueError: a plugin fails (") and __file__ in crashed.detail


@pytest.mark.parametrize(
    ("ending", "number", "batch", "tried"),
    [
        ("lost", 1, 128, (2, 128)),
        ("lost", ATTEMPTS, 128, None),
        ("out_of_memory", 1, 128, (2, 64)),
        ("out_of_memory", 2, 64, None),
        ("crashed", 1, 128, None),
        ("timed_out", 1, 128, None),
        ("completed", 1, 128, None),
    ],
)
def test_a_lost_worker_and_too_little_memory_are_worth_another_attempt(
    ending: Ending, number: int, batch: int, tried: tuple[int, int] | None, tmp_path: Path
) -> None:
    ended = job(tmp_path, replace(QUICK, batch_size=batch), attempt=number)
    again = next_attempt(ended, Result(ending), 128)
    assert facts(again) == tried


def facts(again: Job | None) -> tuple[int, int] | None:
    return None if again is None else (again.attempt, again.recipe.batch_size)
