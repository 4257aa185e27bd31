"""A search space under its rules and score, as a generator sees it."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import log10
from pathlib import Path
from typing import Any

import numpy as np
from numpy import float64
from numpy.typing import NDArray

from gensynth.evaluation.constraint import (
    Candidate,
    ConstraintError,
    Indicator,
    Stage,
    price,
    with_top1,
)
from gensynth.evaluation.evaluator import Described, Judge
from gensynth.evaluation.latency import AsksLatency
from gensynth.evaluation.measurement import Measurement
from gensynth.evaluation.score import Score, score_of
from gensynth.generators.problem import Foresight, Prospect
from gensynth.generators.synthesis.probe import Stimuli, react
from gensynth.genome import Decision, Decisions
from gensynth.graph.profile import Profile
from gensynth.latency.suppose import foreseen, supposed
from gensynth.space import Choose, Replay, SearchSpace, Task, make

REMEMBERED = 2048
"""Graphs kept in memory (some 50 kB each); others are made again when asked for."""


@dataclass
class SpaceProblem:
    """The problem of a search: everything known of a genome before it is trained."""

    space: SearchSpace[Any]
    task: Task
    indicator: Indicator
    score: Score
    prototype: Decisions = field(default_factory=dict)
    stimuli: Stimuli | None = None
    """What untrained networks are probed with; None switches probing off."""
    references: Mapping[str, Measurement] = field(default_factory=dict)
    folder: Path = Path()
    """Where a MODEL that the score refers to is looked up."""

    def __post_init__(self) -> None:
        """Begin with nothing foreseen."""
        self._judge = Judge(self.space, self.task, self.indicator, self.score, self.references)
        self._foresights: dict[tuple[tuple[str, Decision], ...], Foresight] = {}
        self._decisions: dict[str, Decisions] = {}
        self._prices: dict[str, float] = {}
        self._candidates: OrderedDict[str, Candidate] = OrderedDict()

    @property
    def enforced(self) -> Sequence[str]:
        """Names of the rules that make up 1_r."""
        return tuple(rule.name for rule in self.indicator.rules if rule.mode == "enforce")

    def sample(self, choose: Choose, /) -> object:
        """Ask `choose` for every decision that is reached; give the genome."""
        return self.space.sample(choose)

    def foresee(self, decisions: Decisions) -> Foresight:
        """Count the network's costs and judge every rule that needs no more than them.

        Raises `InputError` where the decisions are no genome or no network can be built.
        """
        key = tuple(sorted(decisions.items(), key=lambda item: item[0]))
        if key not in self._foresights:
            self._foresights[key] = self._foresee(decisions)
        return self._foresights[key]

    def prospect(self, foresight: Foresight, top1: NDArray[float64]) -> Prospect:
        """Suppose top-1 values (percent) for a candidate and say what it would be worth."""
        candidate = self._with_latency(self._candidate(foresight.genome_id))
        settled = self._prices[foresight.genome_id]
        late = Indicator(tuple(r for r in self.indicator.rules if r.constraint.needs == "proxy"))
        values, violations = np.full(top1.shape, np.nan), np.zeros(top1.shape)
        decided: set[str] = set()
        for index, percent in enumerate(top1):
            measured = with_top1(candidate, float(percent))
            judgements = late.judge(measured)
            enforced = {j.constraint: j.violation for j in judgements if j.mode == "enforce"}
            known = {name: v for name, v in enforced.items() if v is not None}
            decided |= known.keys()
            violations[index] = sum(max(v, 0.0) for v in known.values())
            values[index] = self._worth(measured) - settled - price(judgements)
        return Prospect(values, violations, tuple(sorted(decided)))

    def probe(self, decisions: Mapping[str, Decision]) -> Mapping[str, float]:
        """Stimulate the built, untrained network and name its reactions."""
        if self.stimuli is None:
            return {}
        import torch

        source = self.space.source(self.space.sample(Replay(decisions)), self.task)
        stimuli = self.stimuli.resized(*source.input_shape[1:])
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return react(make(source), stimuli)

    def _foresee(self, decisions: Decisions) -> Foresight:
        described = self._describe(decisions)
        self._decisions[described.genome_id] = dict(decisions)
        questions = self.indicator.questions
        candidate = foreseen(described.candidate, questions, self.task, self.folder)
        stage: Stage = "latency" if candidate.latencies else "profile"
        judgements = self.indicator.judge(candidate, up_to=stage)
        self._prices[described.genome_id] = price(judgements)
        enforced = {j.constraint: j.violation for j in judgements if j.mode == "enforce"}
        return Foresight(
            genome_id=described.genome_id,
            fingerprint=described.fingerprint,
            violations={key: v for key, v in enforced.items() if v is not None},
            features=_features(described.candidate.profile),
        )

    def _candidate(self, name: str) -> Candidate:
        if name not in self._candidates:
            return self._describe(self._decisions[name]).candidate
        self._candidates.move_to_end(name)
        return self._candidates[name]

    def _with_latency(self, candidate: Candidate) -> Candidate:
        """Suppose the latency that the score asks for: nothing is measured before it is needed."""
        if not isinstance(self.score, AsksLatency):
            return candidate
        question = self.score.latency_question()
        guess = supposed(question, candidate.graph, candidate.profile, self.task, self.folder)
        return replace(candidate, latencies={str(question): guess})

    def _describe(self, decisions: Decisions) -> Described:
        described = self._judge.describe(decisions)
        self._candidates[described.genome_id] = described.candidate
        if len(self._candidates) > REMEMBERED:
            self._candidates.popitem(last=False)
        return described

    def _worth(self, candidate: Candidate) -> float:
        try:
            score = score_of(self.score, candidate)
        except ConstraintError:  # Its row says so once it is trained; a proposal needs no score.
            score = None
        return float("nan") if score is None else score


def _features(costs: Profile) -> dict[str, float]:
    """Take logarithms of the costs, as numbers that may tell something of the accuracy."""
    numbers = {
        "params": costs.params,
        "macs": costs.macs,
        "peak_activation_bytes": costs.peak_activation_bytes,
    }
    return {name: log10(max(number, 1)) for name, number in numbers.items()}
