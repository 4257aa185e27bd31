"""Real Ray and short, real trainings; one cluster on this machine serves the whole module."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gensynth.campaign.campaign import CampaignDriver, Done
from gensynth.evaluation.outcome import Outcome
from gensynth.executors.ray import run_on_ray
from gensynth.executors.ray.cluster import connected
from tests.support.unruly_campaigns import (
    ONE_AT_A_TIME,
    assert_finished,
    assert_nothing_lost_or_doubled,
    unruly,
)


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    with connected(None):
        yield


@dataclass(frozen=True)
class Played:
    done: Done
    outcomes: list[Outcome]

    def of(self, width: int) -> Outcome:
        (found,) = (
            o for o in self.outcomes if o.purpose == "search" and o.decisions["width"] == width
        )
        return found


def play(opened: CampaignDriver) -> Played:
    return Played(run_on_ray(opened), opened.outcomes)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """One campaign with every kind of candidate; the last one is far behind all others."""
    proposals = [("fine", 30), ("dies once", 31), ("fine", 13), ("raises", 32), ("diverges", 33)]
    proposals += [("leaves", 34), *(("fine", width) for width in (35, 36, 37)), ("slows down", 1)]
    constraints = {
        "omens": {"use": "tests.support.unruly:Superstitious"},
        "half": {"use": "tests.support.unruly:HalfRight"},
    }
    stopping = {"rule": "halving", "first": 1, "reduction": 2}
    folder = tmp_path_factory.mktemp("mixed")
    changes: dict[str, Any] = {"constraints": constraints, "stopping": stopping}
    with unruly(folder, proposals, trials=len(proposals) - 1, **changes) as opened:
        return play(opened)


def test_a_campaign_ends_with_what_was_asked_for(mixed: Played) -> None:
    assert_finished(mixed.done, mixed.outcomes)
    assert_nothing_lost_or_doubled(mixed.outcomes, trials=9)
    fine = [mixed.of(width) for width in (30, 35, 36, 37)]
    assert all(o.ending in ("completed", "stopped") and o.attempt == 1 for o in fine)
    assert all([m.epoch for m in o.curve] == list(range(1, len(o.curve) + 1)) for o in fine)


def test_a_killed_worker_costs_one_attempt_and_leaves_one_row(mixed: Played) -> None:
    assert mixed.of(31).attempt == 2
    assert mixed.of(31).ending in ("completed", "stopped")


def test_a_rule_that_raises_ends_its_candidate_only(mixed: Played) -> None:
    rejected = mixed.of(13)
    assert rejected.ending == "crashed" and rejected.attempt == 0
    assert "constraint omens: ValueError: not this one" in rejected.detail


@pytest.mark.parametrize(
    "width, ending, words",
    [
        (32, "crashed", "ZeroDivisionError: an unruly network"),
        (33, "diverged", "nan"),
        (34, "crashed", "SystemExit"),
    ],
)
def test_endings_have_their_names(mixed: Played, width: int, ending: str, words: str) -> None:
    outcome = mixed.of(width)
    assert outcome.ending == ending and words in outcome.detail and outcome.attempt == 1
    assert outcome.value is None and outcome.curve


def test_a_training_far_behind_is_stopped_with_its_curve(mixed: Played) -> None:
    stopped = mixed.of(1)
    assert stopped.ending == "stopped" and stopped.value is None
    assert 1 <= len(stopped.curve) < 8
    assert [m.epoch for m in stopped.curve] == list(range(1, len(stopped.curve) + 1))


def test_the_campaigns_own_error_is_raised_and_running_jobs_stay(tmp_path: Path) -> None:
    proposals = [("slows down", 5), ("error", 0)]
    with unruly(tmp_path, proposals, resources=ONE_AT_A_TIME) as opened:
        with pytest.raises(ArithmeticError, match="the generator is broken"):
            run_on_ray(opened)
        assert opened.outcomes == []
    assert len(list(tmp_path.glob("candidates/*/job.json"))) == 1


def test_an_interrupted_campaign_goes_on_where_it_was(tmp_path: Path) -> None:
    proposals = [("fine", width) for width in range(20, 25)]
    with unruly(tmp_path, proposals, resources=ONE_AT_A_TIME) as opened:

        def interrupt() -> None:
            if len(opened.outcomes) == 2:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run_on_ray(opened, changed=interrupt)
        before, left = list(opened.outcomes), len(opened.ledger.running)
    assert len(list(tmp_path.glob("candidates/*/job.json"))) == left
    with unruly(tmp_path, proposals, resources=ONE_AT_A_TIME) as opened:
        assert opened.outcomes == before
        assert_finished(run_on_ray(opened), opened.outcomes)
        assert opened.outcomes[: len(before)] == before
        assert_nothing_lost_or_doubled(opened.outcomes, trials=5)
    assert not list(tmp_path.glob("candidates/*/job.json"))


def test_trainings_past_their_time_end_as_timed_out(tmp_path: Path) -> None:
    """One training takes too long; another hangs and blocks its whole process."""
    resources = {"time_limit_s": 2.0}
    proposals = [("slow", 6), ("hangs", 7)]
    with unruly(tmp_path, proposals, resources=resources, proxy={"epochs": 999}) as opened:
        played = play(opened)
    assert [played.of(width).ending for width in (6, 7)] == ["timed_out", "timed_out"]
    assert played.done.reason == "no candidate was feasible"


@pytest.mark.slow
def test_a_worker_that_always_dies_is_given_up(tmp_path: Path) -> None:
    with unruly(tmp_path, [("dies", 6)]) as opened:
        played = play(opened)
    assert (played.of(6).ending, played.of(6).attempt) == ("lost", 3)
    assert "worker process has died" in played.of(6).detail
