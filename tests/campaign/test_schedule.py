"""The clock of a campaign on fabricated trainings, and a search that is told to finish."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

import gensynth
from gensynth.campaign.campaign import CampaignDriver, Done
from gensynth.campaign.schedule import FINISH, Clock, Schedule, fitted, needed_s
from gensynth.errors import InputError
from gensynth.evaluation.measurement import Measurement
from gensynth.evaluation.outcome import Outcome
from gensynth.training.attempt import Result
from gensynth.training.job import Job
from tests.support.campaigns import campaign, experiment, outcome

EPOCH_S = 5.0
MANY = {"use": "tests.support.toy_space:ToySpace", "widths": list(range(2, 400))}
FINALS = {"candidates": 2, "most": 3, "replicas": 2, "epochs_factor": 2.0, "confidence": 0.6}
LONGER = {"finals": FINALS, "last_training": {"epochs_factor": 4.0, "ema_decay": 0.0}}


@dataclass
class FakeTime:
    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


def trained(job: Job, time: FakeTime) -> Result:
    """Pretend to train: every epoch takes `EPOCH_S`."""
    epochs = job.recipe.epochs
    time.seconds += epochs * EPOCH_S
    top1 = 50.0 + job.number % 7
    curve = tuple(Measurement(n, top1, 1.0, n * EPOCH_S) for n in range(1, epochs + 1))
    return Result("completed", curve, seconds=epochs * EPOCH_S)


def driven(opened: CampaignDriver, time: FakeTime) -> Done:
    while isinstance(job := opened.ask(), Job):
        opened.tell(job, trained(job, time))
    assert isinstance(job, Done)
    return job


@pytest.mark.parametrize("minutes", [6, 20])
def test_a_campaign_ends_when_its_time_is_over(minutes: int, tmp_path: Path) -> None:
    """Neither much earlier nor later, with an exported network, whatever its `trials`."""
    time = FakeTime()
    with campaign(tmp_path, trials=1, space=MANY, **LONGER) as opened:
        opened.schedule = Schedule(tmp_path, Clock(minutes, 1, time, 0.0), counts=False)
        assert driven(opened, time) == Done("finished")
        assert opened.exported() is not None
        assert opened.ledger.trainings() > 3
    assert 0.9 * 60 * minutes <= time.seconds <= 1.1 * 60 * minutes


def test_the_search_may_end_by_its_trials_before_the_time_is_over(tmp_path: Path) -> None:
    time = FakeTime()
    with campaign(tmp_path, trials=2, **LONGER) as opened:
        opened.schedule = Schedule(tmp_path, Clock(600, 1, time, 0.0))
        driven(opened, time)
        assert opened.ledger.trainings() == 2


def test_finals_and_last_training_are_shortened_only_as_far_as_necessary() -> None:
    plain = experiment(proxy={"epochs": 10}, finals={}, last_training={})
    assert fitted(plain, Clock(10_000, 2), 10.0) == plain
    short = fitted(plain, Clock(10, 2), 30.0)
    assert (short.finals.candidates, short.finals.replicas) == (3, 2)
    assert short.last_training.epochs_factor * 30 <= 0.25 * 600
    assert needed_s(short, [ended(30.0)], None, 2) < 0.7 * 600
    least = fitted(plain, Clock(0.1), 30.0).finals
    assert (least.candidates, least.replicas) == (1, 2)


def ended(seconds: float, purpose: str = "search") -> Outcome:
    curve = (Measurement(10, 50.0, 1.0, seconds),)
    made = outcome(purpose=purpose, curve=curve * 10, seconds=seconds)
    return replace(made, attempt=1)


def test_the_finals_that_are_left_are_what_is_reckoned_with() -> None:
    plain = experiment(proxy={"epochs": 10}, finals={}, last_training={})
    begun = [ended(30.0), ended(60.0, "final")]
    assert needed_s(plain, begun, 1, 1) < needed_s(plain, begun, 5, 1)
    assert needed_s(plain, [], None, 1) == 0.0


def test_a_time_is_more_than_nothing() -> None:
    with pytest.raises(InputError, match="minutes: must be greater than 0"):
        Clock(0)


def test_a_search_that_is_told_to_finish_ends_with_what_it_has(tmp_path: Path) -> None:
    folder = tmp_path / "run"

    def finish(outcome: Outcome) -> None:
        if outcome.purpose == "search":
            assert gensynth.finish(folder, progress=False).ended == ""

    settings = experiment(trials=50)
    found = gensynth.search(settings, out=folder, on_outcome=finish, progress=False)
    assert found.ended == "finished" and found.published is not None
    assert [o.purpose for o in found.outcomes] == ["search", "final", "final", "export"]
    assert (folder / FINISH).exists()
    again = gensynth.search(settings, out=folder, trials=2, progress=False)
    assert sum(o.purpose == "search" for o in again.outcomes) == 2
    assert not (folder / FINISH).exists()


def test_a_campaign_that_nobody_runs_is_finished_here(tmp_path: Path) -> None:
    with campaign(tmp_path, trials=5) as opened:
        time = FakeTime()
        for _ in range(2):
            job = opened.ask()
            assert isinstance(job, Job)
            opened.tell(job, trained(job, time))
    ended = gensynth.finish(tmp_path, progress=False)
    assert ended.published is not None
    assert sum(o.purpose == "search" for o in ended.outcomes) == 2
