"""G(s | r): networks for a requirement r that no search was made for, from one campaign."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from gensynth.api.shorthands import COSTS, LIMITS, read_shorthands
from gensynth.campaign.beliefs import learned_generator
from gensynth.campaign.campaign import CampaignDriver as Machine
from gensynth.campaign.context import Context
from gensynth.campaign.experiment_tables import Plugin, RuleTable
from gensynth.errors import InputError, nearest
from gensynth.evaluation.evaluator import Evaluator
from gensynth.generators.synthesis.candidates import SampledCandidate
from gensynth.generators.synthesis.learned_generator import LearnedGenerator, SelfPlay

LOOKED = SelfPlay(rounds=14, caution=1.0)
"""Self-play under the requirement: about a thousand looks at networks."""
WITHIN = 1.645
"""Standard deviations on each side of the mean of a 90 % interval."""
FOOTPRINT = ("max_ram_bytes", "max_flash_bytes")
"""Constraints on what a network takes on a microcontroller."""


@dataclass(frozen=True)
class Requirement:
    """Limits that networks must keep; None leaves a cost free."""

    max_params: float | None = None
    max_macs: float | None = None
    max_weight_bytes: float | None = None
    max_peak_activation_bytes: float | None = None
    max_ram_bytes: float | None = None
    """Bytes of tensor arena on a microcontroller, in int8."""
    max_flash_bytes: float | None = None
    """Bytes of model file on a microcontroller, in int8."""
    max_latency_ms: float | None = None
    """Latency that the device foresees, in milliseconds."""
    device: str = ""
    """Device of the latency; by default that of the campaign's own limit."""
    min_top1: float | None = None
    """Least top-1 of the proxy's training in percent."""

    def __bool__(self) -> bool:
        """Whether anything is limited."""
        return bool(self.tables({}))

    def tables(self, own: Mapping[str, RuleTable]) -> dict[str, RuleTable]:
        """Return the constraints: the campaign's `own`, with these limits in place of its limits.

        Its own floor of the top-1 goes: what a small network reaches is stated instead.
        """
        limits: dict[str, Mapping[str, Any]] = {
            name: {"limit": limit}
            for name in (*COSTS, *FOOTPRINT, "max_latency_ms")
            if (limit := getattr(self, name)) is not None
        }
        if "max_latency_ms" in limits and self.device:
            limits["max_latency_ms"] = {**limits["max_latency_ms"], "device": self.device}
        if self.min_top1 is not None:
            limits["top1"] = {"min": self.min_top1}
        kept = {name: table for name, table in own.items() if table.use not in (*limits, "top1")}
        for use, options in limits.items():
            before = next((table.options for table in own.values() if table.use == use), {})
            settled = {} if use == "top1" else dict(before)
            kept[use] = RuleTable(use, options=settled | dict(options))
        return kept


def requirement(limits: Mapping[str, Any]) -> Requirement:
    """Return the requirement of named limits; raise `InputError` for an unknown or empty one."""
    known = [each.name for each in fields(Requirement)]
    for name, limit in limits.items():
        if name not in known:
            raise InputError(name, f"unknown limit{nearest(name, known)}")
        if isinstance(limit, (int, float)) and not limit > 0:
            raise InputError(name, f"must be above 0, got {limit:g}")
    stated = {name: limit for name, limit in limits.items() if name in LIMITS}
    return Requirement(**{**limits, **read_shorthands(stated)})


@dataclass(frozen=True)
class PredictedTop1:
    """The top-1 of a network's training by the proxy, as the inquisitor predicts it."""

    top1: float
    """Posterior mean in percent."""
    low: float
    high: float
    """Ends of the interval that holds the mean of many trainings with a probability of 90 %."""


def generator_within(machine: Machine, asked: Requirement) -> tuple[LearnedGenerator, Evaluator]:
    """Return a generator of the most accurate networks within a requirement, and its evaluator.

    Raises:
        InputError: a limit cannot be used, or the device only measures latencies.
    """
    context, evaluator = _restricted(machine, asked)
    generator = learned_generator(context, machine.ledger, evaluator, LOOKED)
    if not generator.archive:
        raise InputError("the limits", "none of about a thousand networks keeps them")
    if asked.max_latency_ms is not None:
        foreseen = generator.archive[0].foresight.violations
        if "max_latency_ms" not in foreseen:
            problem = "the device only measures; name one that foresees latencies"
            raise InputError("device", problem)
    return generator, evaluator


def predictions(
    generator: LearnedGenerator, networks: Sequence[SampledCandidate]
) -> list[PredictedTop1]:
    """Return the predicted top-1 of networks."""
    found = generator.inquisitor.assess(networks)
    return [
        PredictedTop1(
            float(mean),
            max(float(mean - WITHIN * deviation), 0.0),
            min(float(mean + WITHIN * deviation), 100.0),
        )
        for mean, deviation in zip(found.mean, found.deviation, strict=True)
    ]


def unseen(machine: Machine, asked: Requirement) -> list[str]:
    """Say which limits lie outside what the campaign has trained, so that predictions are bold."""
    trained = [o for o in machine.outcomes if o.profile and o.ending == "completed"]
    told = []
    for name, cost in COSTS.items():
        limit = getattr(asked, name)
        seen = [float(getattr(o.profile, cost)) for o in trained]
        if limit is not None and seen and not min(seen) <= limit <= max(seen):
            told.append(
                f"{name} = {limit:,.0f} lies outside what the campaign has trained "
                f"({min(seen):,.0f} to {max(seen):,.0f}): predictions there are extrapolations"
            )
    tops = [o.top1 for o in trained if o.top1 is not None]
    if asked.min_top1 is not None and tops and asked.min_top1 > max(tops):
        told.append(
            f"min_top1 = {asked.min_top1:g} % lies above all that the campaign has trained "
            f"(at most {max(tops):.2f} %)"
        )
    return told


def _restricted(machine: Machine, asked: Requirement) -> tuple[Context, Evaluator]:
    own = machine.context.experiment
    tables = asked.tables(own.constraints)
    changed = replace(own, constraints=tables, score=Plugin("accuracy"))
    score, indicator = changed.make_score(), changed.make_indicator()
    context = replace(machine.context, experiment=changed, score=score, indicator=indicator)
    return context, replace(machine.evaluator, score=score, indicator=indicator)
