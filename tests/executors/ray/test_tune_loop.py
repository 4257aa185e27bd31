"""The result of a job whose process is gone; neither Ray nor Tune is started."""

from dataclasses import replace
from pathlib import Path

import pytest

from gensynth.campaign.experiment_tables import Resources
from gensynth.executors.ray.exchange import Ended, Exchange
from gensynth.executors.ray.tune_loop import LOW_MEMORY, Jobs, Room
from gensynth.serialization import dumps
from gensynth.training.background import News
from tests.support.trainings import job

NO_TIME, AMPLE_TIME = 1e-9, 1e9


class OneSlot(Room):
    def count(self) -> int:
        return 1


def end_of_a_lost_worker(
    folder: Path,
    time_limit_s: float | None,
    started: bool = True,
    row: bool = False,
    error: str = "",
) -> str:
    """Return the ending of a job whose worker dies, perhaps before it has sent a row."""
    exchange = Exchange()
    exchange.hand_out((replace(job(folder), time_limit_s=time_limit_s),))
    jobs = Jobs(exchange, OneSlot(Resources(), 1.0))
    jobs.suggest("trial")
    if started:
        jobs.started("trial")
    if row:
        jobs.take("trial", {"news": dumps((News(),))})
    jobs.failed("trial", error)
    jobs.on_trial_complete("trial", None, error=True)
    *_, ended = exchange.messages()
    assert isinstance(ended, Ended)
    return ended.result.ending


@pytest.mark.parametrize("row", [True, False], ids=["after a row", "before its first row"])
def test_a_process_that_ends_after_its_time_limit_was_hanging(tmp_path: Path, row: bool) -> None:
    """A training that hangs at once blocks the thread that would send a row."""
    assert end_of_a_lost_worker(tmp_path, NO_TIME, row=row) == "timed_out"


@pytest.mark.parametrize("limit", [None, AMPLE_TIME])
def test_a_process_that_ends_before_its_time_limit_is_lost(
    tmp_path: Path, limit: float | None
) -> None:
    assert end_of_a_lost_worker(tmp_path, limit) == "lost"


def test_a_process_that_never_started_is_lost(tmp_path: Path) -> None:
    assert end_of_a_lost_worker(tmp_path, NO_TIME, started=False) == "lost"


def test_a_process_that_ray_ended_for_its_memory_is_out_of_memory(tmp_path: Path) -> None:
    error = f"Failure # 1\nThe node was {LOW_MEMORY}"
    assert end_of_a_lost_worker(tmp_path, NO_TIME, error=error) == "out_of_memory"
