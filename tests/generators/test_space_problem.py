import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch

from gensynth.errors import InputError
from gensynth.evaluation.constraint import Candidate, Indicator, Rule, Stage, Verdict
from gensynth.evaluation.evaluator import Evaluator
from gensynth.evaluation.measurement import Measurement
from gensynth.evaluation.score import NetScore
from gensynth.generators.space_problem import SpaceProblem
from gensynth.generators.synthesis.probe import Stimuli
from gensynth.genome import Decisions
from gensynth.space import Task
from tests.support.toy_space import ToySpace

TASK = Task(1, 8, 8, 10)
SMALL: Decisions = {"width": 4, "depth": 1, "stride.1": 1}
LARGE: Decisions = {"width": 16, "depth": 3}


@dataclass(frozen=True)
class Few:
    """At most so many parameters."""

    needs: ClassVar[Stage] = "profile"
    limit: float = 1000

    def __call__(self, candidate: Candidate, /) -> Verdict:
        return Verdict.at_most(candidate.profile.params, self.limit, "parameters")


@dataclass(frozen=True)
class Right:
    """At least so much top-1."""

    needs: ClassVar[Stage] = "proxy"
    limit: float = 90.0

    def __call__(self, candidate: Candidate, /) -> Verdict:
        if candidate.measurement is None:
            return Verdict.not_judged("untrained")
        return Verdict.at_least(candidate.measurement.top1, self.limit, "%")


INDICATOR = Indicator(
    (
        Rule("few", Few()),
        Rule("right", Right()),
        Rule("fewer", Few(limit=10.0), mode="prefer", weight=0.1),
    )
)
IMAGES = torch.randn(8, 1, 8, 8, generator=torch.Generator().manual_seed(0))


def evaluator() -> Evaluator:
    return Evaluator(ToySpace(), TASK, INDICATOR, NetScore())


def problem(**options: object) -> SpaceProblem:
    return SpaceProblem(evaluator(), **options)  # type: ignore[arg-type]


def test_what_is_known_before_training_is_exact() -> None:
    task = problem()
    small, large = task.foresee(SMALL), task.foresee(LARGE)
    params = evaluator().described(SMALL).candidate.profile.params
    assert small.violations == {"few": params / 1000 - 1} and small.feasible
    assert not large.feasible
    assert small.features["params"] == pytest.approx(math.log10(params))
    assert task.enforced == ("few", "right")


def test_foresight_is_remembered() -> None:
    task = problem()
    assert task.foresee(SMALL) is task.foresee(dict(reversed(list(SMALL.items()))))


def test_prospects_agree_with_what_a_training_would_give() -> None:
    task = problem()
    prospect = task.prospect(task.foresee(SMALL), np.array([95.0, 45.0, 0.0]))
    described = evaluator().described(SMALL)
    judged = evaluator().evaluate(described.candidate, Measurement(1, 95.0, 0.1, 1.0))
    assert prospect.value[0] == pytest.approx(judged.value)
    assert prospect.violation.tolist() == [0.0, 0.5, 1.0]
    assert math.isnan(prospect.value[2])
    assert prospect.decided == ("right",)


def test_prospects_survive_that_the_graph_is_forgotten() -> None:
    task = problem()
    foresight = task.foresee(SMALL)
    once = task.prospect(foresight, np.array([95.0])).value
    task.evaluator.memory.clear()
    assert task.prospect(foresight, np.array([95.0])).value == once


def test_decisions_that_are_none_are_refused() -> None:
    with pytest.raises(InputError):
        problem().foresee({"width": 5, "depth": 1, "stride.1": 1})


def test_probing_needs_stimuli_and_leaves_random_numbers_alone() -> None:
    assert problem().probe(SMALL) == {}
    probed = problem(stimuli=Stimuli(IMAGES, torch.zeros(8, dtype=torch.long)))
    before = torch.get_rng_state()
    reactions = probed.probe(SMALL)
    torch.rand(3)
    assert reactions == probed.probe(SMALL) and len(reactions) == 7
    torch.set_rng_state(before)
    probed.foresee(SMALL)
    assert torch.equal(torch.get_rng_state(), before)
