"""A small problem with conditional decisions and interactions, for tests of generators."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy import float64
from numpy.typing import NDArray

from gensynth.evaluation.constraint import Judgement
from gensynth.evaluation.measurement import Measurement
from gensynth.evaluation.outcome import Ending, Outcome
from gensynth.evaluation.score import NetScore
from gensynth.generators.problem import Foresight, Prospect
from gensynth.generators.protocol import Generator, Proposal
from gensynth.genome import Decision, Decisions, digest
from gensynth.space import Choose, Recording, Replay

WIDTHS = (8, 16, 32, 64)


class Synthetic:
    """Some 10,000 imaginary networks: U is NetScore, limits on size (known) and top-1 (not)."""

    enforced: Sequence[str] = ("max_params", "top1")

    def __init__(self, floor: float = 80.0, prototype: Decisions | None = None) -> None:
        self.floor = floor
        self.prototype: Decisions = prototype or {}

    def sample(self, choose: Choose, /) -> tuple[object, ...]:
        answers: list[object] = [choose("activation", ("relu", "silu", "gelu"))]
        for stage in range(choose("depth", (1, 2, 3))):
            kind = choose(f"stage{stage}.kind", ("plain", "columnar", "gated"))
            answers.append((kind, choose(f"stage{stage}.width", WIDTHS)))
            if kind == "gated":
                answers.append(choose(f"stage{stage}.gate", ("softmax", "sigmoid")))
        return tuple(answers)

    def costs(self, decisions: Decisions) -> tuple[float, float]:
        params = macs = 1000.0
        for stage in range(int(str(decisions["depth"]))):
            width = int(str(decisions[f"stage{stage}.width"]))
            factor = {"plain": 9.0, "columnar": 3.0, "gated": 4.0}[
                str(decisions[f"stage{stage}.kind"])
            ]
            params += factor * width**2
            macs += factor * width**2 * 256 / 4**stage
        return params, macs

    def top1(self, decisions: Decisions) -> float:
        depth = int(str(decisions["depth"]))
        error = 40.0 - 4.0 * depth
        for stage in range(depth):
            kind, width = decisions[f"stage{stage}.kind"], decisions[f"stage{stage}.width"]
            error -= 1.5 * math.log2(float(str(width)) / 8)
            if kind == "gated":
                good = (decisions[f"stage{stage}.gate"] == "sigmoid") == (stage > 0)
                error -= 5.0 if good else -6.0
            if kind == "columnar" and stage == 0:
                error -= 3.0 if decisions["activation"] == "silu" else 1.0
        return 100.0 - max(error, 2.0)

    def foresee(self, decisions: Decisions) -> Foresight:
        record = Recording(Replay(decisions))
        self.sample(record)
        params, macs = self.costs(decisions)
        name = digest(repr(sorted(record.decisions.items())))
        self._costs = {**getattr(self, "_costs", {}), name: (params, macs)}
        return Foresight(
            name,
            name,
            {"max_params": params / 20_000 - 1},
            {"params": math.log10(params), "macs": math.log10(macs)},
        )

    def prospect(self, foresight: Foresight, top1: NDArray[float64]) -> Prospect:
        costs = self._costs[foresight.genome_id]
        values = [NetScore().of(t, *costs) if 0 < t <= 100 else math.nan for t in top1.tolist()]
        return Prospect(np.array(values), np.maximum(1 - top1 / self.floor, 0.0), ("top1",))

    def probe(self, decisions: Mapping[str, Decision]) -> Mapping[str, float]:
        return {}

    def train(self, proposal: Proposal, number: int, ending: Ending = "completed") -> Outcome:
        foresight = self.foresee(proposal.decisions)
        top1 = self.top1(proposal.decisions)
        curve: tuple[Measurement, ...] = (Measurement(1, top1, 0.0, 0.0),)
        violations = dict(foresight.violations)
        if not foresight.feasible:
            ending, curve = "infeasible", ()
        elif ending == "completed":
            violations["top1"] = 1 - top1 / self.floor
        else:
            curve = (Measurement(1, 0.9 * top1, 0.0, 0.0),) if ending == "stopped" else ()
        value = None
        if ending == "completed" and all(v <= 0 for v in violations.values()):
            value = NetScore().of(top1, *self.costs(proposal.decisions))
        return Outcome(
            number=number,
            asked_after=number,
            decisions=proposal.decisions,
            genome_id=foresight.genome_id,
            fingerprint=foresight.fingerprint,
            ending=ending,
            seed=proposal.seed,
            curve=curve,
            judgements=tuple(
                Judgement(name, "enforce", 0.0, v <= 0, v, "") for name, v in violations.items()
            ),
            score=value,
            value=value,
        )


def best_of(generator: Generator, problem: Synthetic, trainings: int) -> float:
    """Search for as many trainings as given; what breaks a known limit costs none."""
    best, trained, asked = -math.inf, 0, 0
    while trained < trainings and asked < 20 * trainings:
        outcome = problem.train(generator.ask(), asked)
        generator.tell(outcome)
        asked += 1
        trained += outcome.ending != "infeasible"
        best = max(best, outcome.value if outcome.value is not None else -math.inf)
    return best
