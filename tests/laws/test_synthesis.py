"""What generative synthesis promises of its searches."""

import math
from typing import Any

import numpy as np
import pytest

from gensynth.errors import InputError
from gensynth.evaluation.constraint import ConstraintError
from gensynth.generators.problem import Foresight
from gensynth.generators.random import RandomGenerator
from gensynth.generators.synthesis.candidates import trace_decisions
from gensynth.generators.synthesis.generator import Synthesis, make_synthesis
from gensynth.genome import Decisions
from gensynth.space import Choose, Replay
from tests.support.synthetic import Synthetic, best_of

TRAININGS = 14
RUNS = 20
SURELY = 16
"""Wins of 20 that a fair coin has in 0.6 % of all cases (one-sided sign test; 9 of 10: 1.1 %)."""
LIGHT: dict[str, Any] = {"seeds": 16, "mutants": 12}


def made(problem: Synthetic, seed: int = 0, **options: Any) -> Synthesis:
    return make_synthesis(problem, seed, **{**LIGHT, **options})


@pytest.mark.slow
def test_it_beats_random_draws_and_itself_without_learning() -> None:
    problem = Synthetic()
    learning = [best_of(made(problem, s), problem, TRAININGS) for s in range(RUNS)]
    frozen = [best_of(made(problem, s, learn=False), problem, TRAININGS) for s in range(RUNS)]
    drawn = [best_of(RandomGenerator(problem, s), problem, TRAININGS) for s in range(RUNS)]
    for others in (frozen, drawn):
        wins = sum(mine > theirs for mine, theirs in zip(learning, others, strict=True))
        assert wins >= SURELY
        assert np.median(learning) > np.median(others) + 3.0


def searched(problem: Synthetic, trainings: int, **options: Any) -> Synthesis:
    generator = made(problem, 1, **options)
    for number in range(trainings):
        generator.tell(problem.train(generator.ask(), number))
    return generator


def test_nothing_is_proposed_that_is_known_to_break_a_rule_or_was_proposed_before() -> None:
    problem = Synthetic()
    generator = made(problem)
    seen = set()
    for number in range(20):
        proposal = generator.ask()
        foresight = problem.foresee(proposal.decisions)
        assert foresight.feasible
        seen.add(foresight.fingerprint)
        if number % 3:
            generator.tell(problem.train(proposal, number))
    assert len(seen) == 20
    assert generator.rejections["max_params"] > 0


def test_the_learned_generator_draws_better_networks_for_fresh_seeds() -> None:
    problem = Synthetic()
    generator = searched(problem, 20, rate=0.1)

    def mean_value(learned: bool) -> tuple[float, float]:
        outcomes = [problem.train(proposal, 0) for proposal in generator.generate(100, 5, learned)]
        values = [o.value for o in outcomes if o.value is not None]
        return len(values) / 100, float(np.mean(values or [-math.inf]))

    start, end = mean_value(False), mean_value(True)
    assert end[0] > start[0] and end[1] > start[1]


def test_generating_changes_nothing_and_follows_the_seed() -> None:
    generator = searched(Synthetic(), 8)
    once = [p.decisions for p in generator.generate(6, first=3)]
    assert once == [p.decisions for p in generator.generate(6, first=3)]
    assert once[1:] == [p.decisions for p in generator.generate(5, first=4)]


class Tight(Synthetic):
    """Few random networks, one in thirty or so, keep the limit that is known beforehand."""

    def costs(self, decisions: Decisions) -> tuple[float, float]:
        params, macs = super().costs(decisions)
        return params * 16.2, macs * 16.2


def test_it_finds_its_way_to_where_feasible_networks_are_rare() -> None:
    problem = Tight()
    draws = RandomGenerator(problem, 0)
    assert np.mean([problem.foresee(draws.ask().decisions).feasible for _ in range(500)]) < 0.05
    for seed in range(3):
        assert problem.foresee(made(problem, seed).ask().decisions).feasible


class Impossible(Synthetic):
    """No network keeps the limit."""

    def costs(self, decisions: Decisions) -> tuple[float, float]:
        params, macs = super().costs(decisions)
        return params * 1000, macs * 1000


def test_where_nothing_is_feasible_it_proposes_the_nearest_to_it() -> None:
    problem = Impossible()
    first = made(problem).ask()
    violation = problem.foresee(first.decisions).violations["max_params"]
    draws = RandomGenerator(problem, 0)
    others = [problem.foresee(draws.ask().decisions).violations["max_params"] for _ in range(20)]
    assert 0 < violation < np.median(others)


class Few(Synthetic):
    """Three networks in all."""

    def sample(self, choose: Choose, /) -> tuple[object, ...]:
        fixed: Decisions = {"depth": 1, "stage0.kind": "plain", "stage0.width": 16}
        return super().sample(Replay(fixed, choose))

    def costs(self, decisions: Decisions) -> tuple[float, float]:
        return 3000.0, 3000.0

    def top1(self, decisions: Decisions) -> float:
        return 90.0 + ("relu", "silu", "gelu").index(str(decisions["activation"]))


def test_a_space_that_is_exhausted_gets_repetitions() -> None:
    problem = Few()
    generator = made(problem)
    activations = []
    for number in range(5):
        proposal = generator.ask()
        activations.append(proposal.decisions["activation"])
        generator.tell(problem.train(proposal, number))
    assert set(activations[:3]) == {"relu", "silu", "gelu"}


@pytest.mark.parametrize("option", [{"foresight": False}, {"learn": False}, {"rate": 0.0}])
def test_switches_switch_something_off(option: dict[str, Any]) -> None:
    problem = Synthetic()
    generator = searched(problem, 10, **option)
    if "foresight" in option:
        assert generator.rejections == {}
    if "rate" in option or "learn" in option:
        first = [
            trace_decisions(problem, generator.policy.answerer(s), s).decisions for s in range(5)
        ]
        start = [
            trace_decisions(problem, generator.start.answerer(s), s).decisions for s in range(5)
        ]
        assert first == start


class Refused(Synthetic):
    """A rule of the user's raises for every candidate."""

    def foresee(self, decisions: Decisions) -> Foresight:
        raise ConstraintError("constraint mine: ZeroDivisionError: no (mine.py:3)")


def test_a_rule_that_always_raises_is_told_in_one_line() -> None:
    with pytest.raises(InputError, match=r"constraint mine: .* every candidate that was tried"):
        made(Refused()).ask()
