"""The evaluator's memory: each distinct network is described once while it is remembered."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from gensynth.campaign.campaign import Done
from gensynth.campaign.status import status_of
from gensynth.errors import InputError
from gensynth.evaluation.constraint import Indicator
from gensynth.evaluation.evaluator import Description, Evaluator, Memory
from gensynth.evaluation.measurement import Measurement
from gensynth.evaluation.score import NetScore
from gensynth.genome import Decisions
from gensynth.serialization import dumps
from gensynth.space import Task
from gensynth.training.attempt import Result
from gensynth.training.job import Job
from tests.support.campaigns import campaign, measurement
from tests.support.toy_space import ToySpace

SMALL: Decisions = {"width": 4, "depth": 1, "stride.1": 1}
LARGE: Decisions = {"width": 16, "depth": 3}
Counted = Counter[str]


def evaluator(**changes: Any) -> Evaluator:
    return Evaluator(ToySpace(), Task(1, 8, 8, 10), Indicator(), NetScore(), **changes)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    """Count the descriptions that are made, by decisions."""
    counts: Counted = Counter()
    describe = Evaluator.describe

    def counting(self: Evaluator, decisions: Decisions) -> Description:
        counts[dumps(decisions)] += 1
        return describe(self, decisions)

    monkeypatch.setattr(Evaluator, "describe", counting)
    return counts


@pytest.mark.parametrize("generator", ["random", "gensynth"])
def test_a_campaign_with_a_live_view_describes_each_network_once(
    tmp_path: Path, counted: Counted, generator: str
) -> None:
    limits = {"max_params": {"limit": 3000}, "top1": {"min": 60.0}}
    with campaign(tmp_path, trials=8, generator=generator, constraints=limits) as opened:
        while not isinstance(job := opened.ask(), Done):
            assert isinstance(job, Job)
            status_of(opened)
            curve = (measurement(job.recipe.epochs, 61.0 + job.number),)
            opened.tell(job, Result("completed", curve))
            status_of(opened)
        trained = {o.fingerprint for o in opened.outcomes if o.attempt > 0}
    assert len(trained) == 8 <= len(counted)
    assert set(counted.values()) == {1}


def test_what_was_measured_is_not_remembered_with_the_network(counted: Counted) -> None:
    first = evaluator()
    second = first.with_references({"r": Measurement(1, 90.0, 0.1, 1.0)})
    assert first.described(SMALL).candidate.references == {}
    assert second.described(SMALL).candidate.references == second.references
    assert set(counted.values()) == {1}


def test_the_memory_is_bounded_and_forgets_the_oldest(counted: Counted) -> None:
    small = evaluator(memory=Memory(1))
    for decisions in (SMALL, SMALL, LARGE, SMALL):
        small.described(decisions)
    assert counted == {dumps(SMALL): 2, dumps(LARGE): 1}


def test_decisions_of_another_type_are_other_decisions() -> None:
    known = evaluator()
    known.described(SMALL)
    with pytest.raises(InputError, match="not an option"):
        known.described({**SMALL, "width": 4.0})
    with pytest.raises(InputError, match="not an option"):
        known.described({**SMALL, "stride.1": True})
