"""A search space under its constraints and score, as a generator sees it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import log10
from pathlib import Path

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
from gensynth.evaluation.evaluator import Evaluator
from gensynth.evaluation.latency import AsksLatency
from gensynth.evaluation.score import score_of
from gensynth.generators.problem import Confirmation, EarlierCampaign, Foresight, Prospect
from gensynth.generators.synthesis.probe import Stimuli, react
from gensynth.genome import Decision, Decisions
from gensynth.graph.profile import Profile
from gensynth.latency.estimate import foreseen, supposed
from gensynth.space import Choose, Replay, build_source

Key = tuple[tuple[str, Decision], ...]


@dataclass
class SpaceProblem:
    """The problem that a search solves: everything known of a genome before it is trained."""

    evaluator: Evaluator
    prototype: Decisions = field(default_factory=dict)
    stimuli: Stimuli | None = None
    """The images that untrained networks are probed with; None turns probing off."""
    folder: Path = Path()
    """Folder in which a model that the score refers to is looked up."""
    confirmation: Confirmation | None = None
    """How the winner is confirmed; None if the first training counts."""
    front: Sequence[str] = ()
    """Costs of a profile that requirements limit; none if one network is wanted."""
    earlier: Sequence[EarlierCampaign] = ()
    """Campaigns to learn from before the first training."""

    def __post_init__(self) -> None:
        """Start without foresights."""
        self._foresights: dict[Key, Foresight] = {}

    @property
    def enforced(self) -> Sequence[str]:
        """Names of the constraints that make up 1_r."""
        rules = self.evaluator.indicator.rules
        return tuple(rule.name for rule in rules if rule.mode == "enforce")

    def sample(self, choose: Choose, /) -> object:
        """Return the genome that results from the answers of `choose`."""
        return self.evaluator.space.sample(choose)

    def foresee(self, decisions: Decisions) -> Foresight:
        """Profile a network and judge every constraint that needs no training, once per network.

        Raises `InputError` if the decisions are not those of a genome or no network can be built.
        """
        key = tuple(sorted(decisions.items(), key=lambda item: item[0]))
        if key not in self._foresights:
            self._foresights[key] = self._foresee(decisions)
        return self._foresights[key]

    def prospect(self, foresight: Foresight, top1: NDArray[float64]) -> Prospect:
        """Return what a candidate would be worth at each assumed top-1 (percent)."""
        indicator = self.evaluator.indicator
        described = self.evaluator.described(foresight.decisions)
        candidate = self._with_latency(described.candidate)
        late = Indicator(tuple(r for r in indicator.rules if r.constraint.needs == "proxy"))
        values, violations = np.full(top1.shape, np.nan), np.zeros(top1.shape)
        decided: set[str] = set()
        for index, percent in enumerate(top1):
            measured = with_top1(candidate, float(percent))
            judgements = late.judge(measured)
            enforced = {j.constraint: j.violation for j in judgements if j.mode == "enforce"}
            known = {name: v for name, v in enforced.items() if v is not None}
            decided |= known.keys()
            violations[index] = sum(max(v, 0.0) for v in known.values())
            values[index] = self._worth(measured) - foresight.cost - price(judgements)
        return Prospect(values, violations, tuple(sorted(decided)))

    def probe(self, decisions: Mapping[str, Decision]) -> Mapping[str, float]:
        """Stimulate the built, untrained network and return its reactions by name."""
        if self.stimuli is None:
            return {}
        import torch

        space = self.evaluator.space
        source = space.source(space.sample(Replay(decisions)), self.evaluator.task)
        stimuli = self.stimuli.resized(*source.input_shape[1:])
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return react(build_source(source), stimuli)

    def _foresee(self, decisions: Decisions) -> Foresight:
        described, indicator = self.evaluator.described(decisions), self.evaluator.indicator
        candidate = described.candidate
        if indicator.questions:
            candidate = foreseen(candidate, indicator.questions, self.evaluator.task, self.folder)
        stage: Stage = "latency" if candidate.latencies else "profile"
        judgements = indicator.judge(candidate, up_to=stage)
        enforced = {j.constraint: j.violation for j in judgements if j.mode == "enforce"}
        return Foresight(
            genome_id=described.genome_id,
            fingerprint=described.fingerprint,
            violations={key: v for key, v in enforced.items() if v is not None},
            features=_features(described.candidate.profile),
            decisions=dict(decisions),
            costs={name: float(getattr(candidate.profile, name)) for name in self.front},
            cost=price(judgements),
        )

    def _with_latency(self, candidate: Candidate) -> Candidate:
        """Assume a latency for the score, since none is measured before the candidate is chosen."""
        if not isinstance(self.evaluator.score, AsksLatency):
            return candidate
        question, task = self.evaluator.score.latency_question(), self.evaluator.task
        guess = supposed(question, candidate.graph, candidate.profile, task, self.folder)
        return replace(candidate, latencies={str(question): guess})

    def _worth(self, candidate: Candidate) -> float:
        try:
            score = score_of(self.evaluator.score, candidate)
        except ConstraintError:  # Reported once it is trained; a proposal needs no score.
            score = None
        return float("nan") if score is None else score


def _features(costs: Profile) -> dict[str, float]:
    """Return the logarithms of the costs, which may help to predict the accuracy."""
    numbers = {
        "params": costs.params,
        "macs": costs.macs,
        "peak_activation_bytes": costs.peak_activation_bytes,
    }
    return {name: log10(max(number, 1)) for name, number in numbers.items()}
