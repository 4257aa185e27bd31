from collections.abc import Callable
from typing import Any

import optuna
import pytest
from optuna.samplers import RandomSampler
from optuna.trial import TrialState

from gensynth.errors import InputError
from gensynth.generators import optuna_samplers
from gensynth.generators.optuna_samplers import OptunaGenerator
from gensynth.generators.protocol import Generator, Proposal
from gensynth.generators.random import RandomGenerator
from tests.support.synthetic import Synthetic, best_of


def make(name: str, problem: Synthetic, seed: int = 0, **options: Any) -> OptunaGenerator:
    maker: Callable[..., Any] = getattr(optuna_samplers, name)
    generator = maker(problem, seed, **options)
    assert isinstance(generator, OptunaGenerator)
    return generator


def test_every_trial_has_every_decision_and_numbers_are_ordered() -> None:
    generator = make("tpe", Synthetic())
    trial = generator.study.ask(generator.distributions)
    assert {"stage2.gate", "stage2.width", "activation"} <= trial.params.keys()
    assert isinstance(trial.distributions["stage0.width"], optuna.distributions.IntDistribution)
    assert generator.encoding["stage0.width"] == (8, 16, 32, 64)


def test_proposals_hold_reached_decisions_only() -> None:
    generator = make("tpe", Synthetic())
    for _ in range(20):
        decisions = generator.ask().decisions
        assert ("stage2.kind" in decisions) == (decisions["depth"] == 3)


def test_infeasible_and_stopped_outcomes_reach_the_sampler() -> None:
    problem = Synthetic()
    generator = make("tpe", problem)
    endings = ("completed", "stopped", "crashed", "completed")
    outcomes = [problem.train(generator.ask(), n, endings[n % 4]) for n in range(24)]  # type: ignore[arg-type]
    for outcome in reversed(outcomes):
        generator.tell(outcome)
    trials = {trial.number: trial for trial in generator.study.trials}
    for outcome in outcomes:
        trial = trials[outcome.seed]
        assert trial.state == TrialState.COMPLETE
        broken = any(j.ok is False for j in outcome.judgements)
        if outcome.ending in ("infeasible", "completed"):
            assert any(v > 0 for v in trial.constraints.values()) == broken
        if outcome.value is not None:
            assert trial.value == outcome.value


def test_an_outcome_that_was_never_asked_for_is_passed_over() -> None:
    problem = Synthetic()
    generator = make("nsgaii", problem)
    stranger = RandomGenerator(problem, 9).ask()
    generator.tell(problem.train(Proposal(stranger.decisions), 0))
    assert generator.study.trials == []


def test_tpe_beats_random_draws() -> None:
    problem = Synthetic()
    seeds = range(5)
    found = [best_of(make("tpe", problem, s), problem, 60) for s in seeds]
    drawn = [best_of(RandomGenerator(problem, s), problem, 60) for s in seeds]
    assert sum(found) > sum(drawn)


def test_any_sampler_class_serves_and_other_makers_pass() -> None:
    maker = optuna_samplers.adapt(optuna.samplers.RandomSampler)
    generator: Generator = maker(Synthetic(), 0)
    assert isinstance(generator, OptunaGenerator)
    assert optuna_samplers.adapt(RandomGenerator) is RandomGenerator


class NeedsMore(RandomSampler):
    """Imports a package when it is asked, as Optuna's samplers do."""

    def sample_relative(self, *_: Any) -> dict[str, Any]:
        raise ModuleNotFoundError("No module named 'more'", name="more")


def test_a_sampler_whose_package_is_missing_says_which() -> None:
    generator = OptunaGenerator(Synthetic(), NeedsMore())
    with pytest.raises(InputError, match="generator: NeedsMore needs more: install it"):
        generator.ask()
