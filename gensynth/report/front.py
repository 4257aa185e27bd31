"""The front of a campaign: the best network for every limit on its costs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gensynth.campaign.campaign import CampaignDriver
from gensynth.campaign.finals import confirmed_front, costs_of, is_as_cheap, ranking
from gensynth.evaluation.confidence import lower_bound, wilson_interval
from gensynth.evaluation.outcome import Outcome
from gensynth.generators.synthesis.requirements import front
from gensynth.report.columns import Columns
from gensynth.report.words import count

USUAL = ("macs",)
"""Cost of the front of a campaign that has named none."""
NAMES = {"params": "parameters", "macs": "MACs", "matmul_macs": "MACs of products"}
CONFIDENCE = 0.9
"""Of the intervals of the top-1."""


@dataclass(frozen=True)
class FrontMember:
    """A network that no other one equals in its pursued value at no higher costs."""

    outcome: Outcome
    """Its row of the search."""
    top1: float
    """Percent on the validation split: the mean over the finals, or of its one training."""
    interval: tuple[float, float]
    """Of the top-1, with a confidence of 90 %: of the mean, over the seeds of its trainings; of one
    training, over the images."""
    confirmed: bool
    """Whether the finals confirmed it."""
    recommended: bool
    """Whether the campaign exports it first."""

    @property
    def words(self) -> str:
        """How sure the top-1 is."""
        if self.recommended:
            return "recommended"
        return "confirmed" if self.confirmed else "trained once"


def front_costs(campaign: CampaignDriver) -> tuple[str, ...]:
    """Return the costs of the campaign's front."""
    return tuple(campaign.context.experiment.front.costs) or USUAL


def front_members(campaign: CampaignDriver) -> list[FrontMember]:
    """Return the front, the least accurate first.

    It consists of the confirmed finalists, and of candidates trained once where no confirmed one is
    as good at no higher costs. Refuted candidates are left out.
    """
    costs, images = front_costs(campaign), campaign.context.validation_images
    finalists = campaign.finalists()
    confirmed = confirmed_front(finalists, costs)
    members = [
        FrontMember(
            f.outcome,
            f.mean or 0.0,
            _of_mean([o.top1 or 0.0 for o in f.replicas], f.mean or 0.0, images),
            confirmed=True,
            recommended=f.recommended,
        )
        for f in confirmed
    ]
    known = {f.outcome.fingerprint for f in finalists if f.refused or f.value is not None}
    for outcome in _trained_front(campaign, costs):
        beaten = any(
            is_as_cheap(f.outcome, outcome, costs) and (f.value or 0.0) >= (outcome.value or 0.0)
            for f in confirmed
        )
        if outcome.fingerprint not in known and not beaten and outcome.top1 is not None:
            interval = _of_one(outcome.top1, images)
            members.append(FrontMember(outcome, outcome.top1, interval, False, False))
    return sorted(members, key=lambda member: member.top1)


def _trained_front(campaign: CampaignDriver, costs: Sequence[str]) -> list[Outcome]:
    """Return the front by the measured values of the search."""
    rows = [o for o in ranking(campaign.outcomes) if o.profile is not None]
    values = np.array([o.value for o in rows], dtype=np.float64)
    return [rows[k] for k in front(costs_of(rows, costs), values)]


def _of_one(top1: float, images: int) -> tuple[float, float]:
    """Return the interval of one training; on an unknown number of images it says nothing."""
    return wilson_interval(top1, images, CONFIDENCE) if images else (0.0, 100.0)


def _of_mean(top1s: Sequence[float], mean: float, images: int) -> tuple[float, float]:
    low = lower_bound(top1s, images, (1 + CONFIDENCE) / 2)
    return max(low, 0.0), min(2 * mean - low, 100.0)


def best_within(members: Sequence[FrontMember], limits: Mapping[str, float]) -> FrontMember | None:
    """Return the most accurate member within limits on costs, a confirmed one if there is any."""
    kept = [
        member
        for member in members
        if all(getattr(member.outcome.profile, cost) <= limit for cost, limit in limits.items())
    ]
    return max(kept, key=lambda member: (member.confirmed, member.top1), default=None)


def front_table(campaign: CampaignDriver) -> Columns:
    """Lay out the front: a row for each member, the least accurate first."""
    costs = front_costs(campaign)
    rows = [
        (
            str(member.outcome.number),
            *(count(getattr(member.outcome.profile, cost)).strip() for cost in costs),
            f"{member.top1:.2f}",
            "{:.2f} to {:.2f}".format(*member.interval),
            member.words,
        )
        for member in front_members(campaign)
    ]
    names = [NAMES.get(cost, cost.replace("_", " ")) for cost in costs]
    heads = ("number", *names, "top-1 %", "90 % interval", "how sure")
    return Columns(heads, rows, words=(0, len(heads) - 1), title="the front, by its costs")
