"""The laws of generators."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy import float64
from numpy.typing import NDArray

from gensynth.evaluation.measurement import Measurement
from gensynth.evaluation.outcome import Outcome
from gensynth.generators.problem import Foresight, Prospect
from gensynth.generators.protocol import MakeGenerator, Proposal
from gensynth.genome import Decision, Decisions, digest
from gensynth.serialization import dumps
from gensynth.space import Choose, Recording, Replay
from gensynth.testing.check import Check, Laws, expect

ROUNDS = 12
_DEPTHS = (1, 2, 3)
_WIDTHS = (2, 4, 8, 16)


@dataclass(frozen=True)
class Small:
    """A problem of 84 candidates with a conditional decision; wide ones are more accurate."""

    prototype: Decisions = ()  # type: ignore[assignment]
    enforced: tuple[str, ...] = ("limit",)

    def sample(self, choose: Choose, /) -> object:
        """Choose a depth, and a width for each layer."""
        depth = choose("depth", _DEPTHS)
        return [choose(f"width{layer}", _WIDTHS) for layer in range(depth)]

    def foresee(self, decisions: Decisions) -> Foresight:
        """Limit the sum of the widths."""
        name = digest(dumps(dict(sorted(decisions.items()))))
        total = sum(int(v or 0) for k, v in decisions.items() if k.startswith("width"))
        return Foresight(name, name, {"limit": total / 40 - 1}, {"macs": float(total)})

    def prospect(self, foresight: Foresight, top1: NDArray[float64]) -> Prospect:
        """Score by top-1 minus the sum of the widths."""
        value = top1 - foresight.features["macs"]
        return Prospect(value, np.zeros(top1.shape))

    def probe(self, decisions: Mapping[str, Decision]) -> Mapping[str, float]:
        """Return nothing: there is no network to stimulate."""
        return {}


def check_generator(make: MakeGenerator) -> list[Check]:
    """Check the function that makes a generator, on a small problem."""
    laws, problem = Laws(), Small({})
    with laws.law("make(problem, seed) returns an object with ask() and tell(outcome)"):
        generator = make(problem, 0)
        expect(callable(generator.ask) and callable(generator.tell), "it cannot")
    if not laws.hold:
        return laws.checks
    with laws.law("what it proposes are decisions of the problem"):
        for proposal in _course(problem, make, 0):
            record = Recording(Replay(proposal.decisions))
            problem.sample(record)
            expect(dict(record.decisions) == dict(proposal.decisions), f"{proposal.decisions}")
    with laws.law("with the same seed and outcomes it proposes the same: a restart repeats it"):
        first, again = _course(problem, make, 3), _course(problem, make, 3)
        expect(first == again, "the proposals differ")
    with laws.law("several proposals may be pending, and ends come in any order"):
        _out_of_order(problem, make)
    with laws.law("it accepts every ending"):
        _endings(problem, make)
    return laws.checks


def _course(problem: Small, make: MakeGenerator, seed: int) -> list[Proposal]:
    generator, proposals = make(problem, seed), []
    for number in range(ROUNDS):
        proposals.append(generator.ask())
        generator.tell(_trained(problem, proposals[-1], number))
    return proposals


def _out_of_order(problem: Small, make: MakeGenerator) -> None:
    generator = make(problem, 1)
    asked = [generator.ask() for _ in range(4)]
    for number in (2, 0, 3, 1):
        generator.tell(_trained(problem, asked[number], number))
    generator.ask()


def _endings(problem: Small, make: MakeGenerator) -> None:
    generator = make(problem, 2)
    for number, ending in enumerate(("crashed", "diverged", "lost", "infeasible", "timed_out")):
        outcome = _trained(problem, generator.ask(), number)
        bare: dict[str, Any] = {"curve": (), "score": None, "value": None, "ending": ending}
        generator.tell(replace(outcome, **bare))
    generator.ask()


def _trained(problem: Small, proposal: Proposal, number: int) -> Outcome:
    known = problem.foresee(proposal.decisions)
    top1 = min(50.0 + known.features["macs"], 99.0)
    feasible = known.feasible
    return Outcome(
        number=number,
        asked_after=number,
        decisions=proposal.decisions,
        genome_id=known.genome_id,
        fingerprint=known.fingerprint,
        ending="completed" if feasible else "infeasible",
        seed=proposal.seed,
        curve=(Measurement(1, top1, 0.5, 0.1),) if feasible else (),
        score=top1 if feasible else None,
        value=top1 - known.features["macs"] if feasible else None,
    )
