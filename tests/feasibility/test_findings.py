"""A preflight says the truth: compared with every candidate of a space that can be counted."""

from dataclasses import dataclass
from math import log10
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from gensynth.campaign.context import make_context
from gensynth.campaign.experiment import Experiment, embedded_experiment, parse_experiment
from gensynth.errors import InputError
from gensynth.evaluation.constraint import Candidate, Stage, Verdict, broken
from gensynth.feasibility.findings import Findings, look, look_ahead
from gensynth.feasibility.sample import sampled
from gensynth.feasibility.size import Size, all_decisions, estimated
from gensynth.space import Draw, Recording, enumerate_decisions
from tests.support.campaigns import experiment
from tests.support.toy_space import ToySpace


@dataclass(frozen=True)
class AtLeastParams:
    needs: ClassVar[Stage] = "profile"
    limit: int = 0

    def __call__(self, candidate: Candidate) -> Verdict:
        return Verdict.at_least(candidate.profile.params, self.limit, "parameters")


@dataclass(frozen=True)
class Raises:
    needs: ClassVar[Stage] = "graph"

    def __call__(self, candidate: Candidate) -> Verdict:
        raise ZeroDivisionError("by zero")


TOYS = 6 * (2 + 2 + 1)
"""Sequences of decisions of the toy space: six widths; a stride at depths 1 and 2 only."""


def rule(name: str, **table: Any) -> dict[str, Any]:
    return {"constraints": {name: table}}


EASY = {
    "no rule": {"constraints": {}},
    "wide open": rule("max_params", limit=10_000_000),
    "structure only": rule("strided_pointwise"),
}
TIGHT = {
    "few parameters": rule("max_params", limit=60),
    "few MACs": rule("max_macs", limit=1500),
    "two limits": {"constraints": {"max_params": {"limit": 400}, "max_macs": {"limit": 9000}}},
}
IMPOSSIBLE = {
    "no network is so small": rule("max_params", limit=10),
    "limits that exclude each other": {
        "constraints": {
            "max_macs": {"limit": 700},
            "at_least": {"use": "tests.feasibility.test_findings:AtLeastParams", "limit": 2000},
        }
    },
}


def truth(settings: Experiment) -> tuple[int, int]:
    """Judge every candidate of the space: how many keep the rules, of how many."""
    evaluator = make_context(settings).evaluator
    everyone = [
        sampled(evaluator, Path(), decisions) for decisions in enumerate_decisions(evaluator.space)
    ]
    return sum(candidate.open for candidate in everyone), len(everyone)


def found(settings: Experiment, count: int = 200) -> Findings:
    return look(make_context(settings), count, steps=200)


@pytest.mark.parametrize("changes", [*EASY.values(), *TIGHT.values(), *IMPOSSIBLE.values()],
                         ids=[*EASY, *TIGHT, *IMPOSSIBLE])  # fmt: skip
def test_a_small_space_is_counted_out(changes: dict[str, Any]) -> None:
    settings = experiment(**changes)
    told = found(settings)
    assert told.sample.whole and str(told.sample.size) == f"{TOYS} sequences of decisions"
    assert (told.open, len(told.sample.candidates)) == truth(settings)
    assert told.impossible == (told.open == 0)


@pytest.mark.parametrize("changes", EASY.values(), ids=EASY)
def test_an_easy_experiment_has_no_binding_rule(changes: dict[str, Any]) -> None:
    assert found(experiment(**changes)).binding is None


@pytest.mark.parametrize("changes", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_the_impossible_is_called_so_with_the_nearest_candidate(changes: dict[str, Any]) -> None:
    told = found(experiment(**changes))
    assert told.impossible and told.nearest is not None
    assert told.nearest.excess == min(c.excess for c in told.sample.candidates) > 0


@pytest.mark.parametrize("changes", [*EASY.values(), *TIGHT.values()], ids=[*EASY, *TIGHT])
def test_what_random_draws_say_agrees_with_the_whole_space(changes: dict[str, Any]) -> None:
    """20 draws of the 30 are a sample: uniform over decisions, not over candidates."""
    settings = experiment(**changes)
    context = make_context(settings)
    told = look(context, 29, steps=500)
    assert not told.sample.whole and told.sample.drawn == 29
    assert not told.impossible
    if told.open == 0:
        assert told.nearest is not None and told.nearest.open


def test_the_binding_rule_is_the_one_whose_removal_lets_in_most() -> None:
    both = {"max_params": {"limit": 400}, "max_macs": {"limit": 9000}}
    without = {
        name: found(experiment(constraints={k: v for k, v in both.items() if k != name})).open
        for name in both
    }
    told = found(experiment(constraints=both))
    assert told.binding is not None
    assert without[told.binding.rule] == max(without.values())
    for rate in told.rates:
        assert told.open + rate.alone == without[rate.rule]


def test_a_rule_that_training_decides_is_judged_by_nobody() -> None:
    told = found(experiment(**rule("top1", min=98.0)))
    (rate,) = told.rates
    assert rate.share is None and told.binding is None and told.open == TOYS


def test_the_walk_finds_what_random_draws_miss() -> None:
    """Hardly any network of the digits space has so few parameters."""
    tables = {"max_params": {"limit": 140}}
    whole = embedded_experiment("digits")
    settings = parse_experiment(
        {"name": "rare", "space": {"use": whole.space.use, **whole.space.options},
         "constraints": tables}, "rare.toml")  # fmt: skip
    told = look(make_context(settings), 100, steps=1500)
    assert told.open == 0, "the draws were to miss it"
    assert not told.impossible and told.nearest is not None
    assert told.nearest.profile.params <= 140


def test_the_size_of_a_space_is_estimated_without_bias() -> None:
    rng, met = np.random.default_rng(1), []
    for _ in range(4000):
        record = Recording(Draw(rng))
        ToySpace().sample(record)
        met.append([len(options) for options in record.options.values()])
    size = estimated(met)
    assert abs(log10(size.count / TOYS)) < 0.05 and size.error < 0.05
    assert all_decisions(ToySpace(), TOYS - 1) is None
    assert len(all_decisions(ToySpace(), TOYS) or []) == TOYS
    assert str(Size(12, True)) == "12 sequences of decisions"


@pytest.mark.slow
def test_a_preflight_predicts_times() -> None:
    told = look_ahead(make_context(experiment()), 20, time_s=0.05)
    assert told.plan is not None and told.plan.workers == 1
    assert all(seconds > 0 for seconds in told.plan.proxy_s) and told.plan.hours > 0
    assert told.plan.trainings == 6 and told.plan.finals == 2
    assert told.latency is not None and told.latency.range_ms.least > 0


def test_a_rule_that_raises_is_told_and_not_hidden() -> None:
    settings = experiment(constraints={"bad": {"use": "tests.feasibility.test_findings:Raises"}})
    with pytest.raises(InputError, match="constraint bad: "):
        found(settings)


REAL = {
    "open": {},
    "structure": {"strided_pointwise": {}},
    "half": {"max_params": {"limit": 5000}},
    "tight": {"max_params": {"limit": 1500}, "max_macs": {"limit": 20_000}},
    "rare": {"max_params": {"limit": 260}, "strided_pointwise": {}},
    "impossible": {"max_params": {"limit": 50}},
}


@pytest.mark.slow
@pytest.mark.parametrize("rules", REAL.values(), ids=REAL)
def test_rates_agree_with_2000_other_candidates_of_a_large_space(rules: dict[str, Any]) -> None:
    whole = embedded_experiment("digits")
    space = {"use": whole.space.use, **whole.space.options}
    settings = parse_experiment({"name": "x", "space": space, "constraints": rules}, "x.toml")
    told = look(make_context(settings), 2000, steps=2000)
    evaluator, rng = make_context(settings).evaluator, np.random.default_rng(99)
    kept, least = 0, float("inf")
    for _ in range(2000):
        record = Recording(Draw(rng))
        evaluator.space.sample(record)
        verdicts = evaluator.judge_untrained(evaluator.described(record.decisions).candidate)
        kept += not broken(verdicts)
        least = min(least, sum(max(j.violation or 0.0, 0.0) for j in verdicts))
    both = (told.open + kept) / 4000
    margin = 3.3 * (2 * both * (1 - both) / 2000) ** 0.5 + 1 / 2000
    assert abs(told.open - kept) / 2000 <= margin
    assert told.impossible == (rules == REAL["impossible"])
    if told.open == 0:
        assert told.nearest is not None and told.nearest.excess <= least
