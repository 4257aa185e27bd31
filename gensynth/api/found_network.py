"""A network that a campaign found: its figures, its weights, its drawing."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gensynth.campaign.campaign import CampaignDriver
from gensynth.errors import InputError
from gensynth.evaluation.constraint import Judgement
from gensynth.evaluation.evaluator import Description
from gensynth.evaluation.outcome import Outcome
from gensynth.evaluation.score import unit_of
from gensynth.exports.publish import Published
from gensynth.graph.profile import Profile
from gensynth.models.opened_export import open_export
from gensynth.report.front import FrontMember
from gensynth.report.network_assessment import Assessment
from gensynth.report.standings import assessed
from gensynth.space import build_source

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Found:
    """A candidate of a campaign; in a notebook it draws itself.

    >>> import gensynth
    >>> best = gensynth.load("runs/mine").best
    >>> 0 < best.top1 <= 100 and 0 < best.test_top1 <= 100
    True
    >>> sum(parameter.numel() for parameter in best.network().parameters()) == best.profile.params
    True
    """

    outcome: Outcome
    """Its row of the record."""
    top1: float
    """Percent on the validation split: the mean over the finals, if it was in them."""
    _describe: Callable[[], Description] = field(repr=False, compare=False)
    test_top1: float | None = None
    """Percent on the test split, which only the exported network was shown."""
    folder: Path | None = None
    """The folder that it was exported to; None for every other candidate."""
    interval: tuple[float, float] | None = None
    """Of the top-1 of a member of the front, with a confidence of 90 %."""
    confirmed: bool = False
    """Whether it is a member of the front that the finals confirmed."""
    recommended: bool = False
    """Whether it is the member of the front that the campaign exports first."""
    unit: str = "dB"
    """Unit of the score and of the value."""

    @property
    def genome_id(self) -> str:
        """The name of its genome."""
        return self.outcome.genome_id

    @property
    def profile(self) -> Profile | None:
        """Its parameters, multiply-accumulates and bytes."""
        return self.outcome.profile

    @property
    def score(self) -> float | None:
        """Its universal performance U in decibels."""
        return self.outcome.score

    @property
    def value(self) -> float | None:
        """The pursued value: the score less the price of violated preferences."""
        return self.outcome.value

    @property
    def verdicts(self) -> tuple[Judgement, ...]:
        """The verdict of each constraint."""
        return self.outcome.judgements

    def network(self, trained: bool = True) -> "nn.Module":
        """Return the network as a `torch.nn.Module` in eval mode.

        Args:
            trained: load the exported weights; if false, build it with fresh weights.

        Raises:
            InputError: its weights are asked for, but it is not the exported network.
        """
        if not trained:
            return build_source(self._describe().source).eval()
        if self.folder is None:
            problem = "was not exported, so it has no weights; network(trained=False) builds it"
            raise InputError(self.genome_id, problem)
        return open_export(self.folder, trust=True)

    @property
    def assessment(self) -> Assessment:
        """Its figures, verdicts and graph."""
        graph = self._describe().candidate.graph
        return replace(
            assessed(self.outcome, self.genome_id, self.unit), top1=self.top1, graph=graph
        )

    def _repr_html_(self) -> str:
        return self.assessment._repr_html_()


def found(machine: CampaignDriver, outcome: Outcome, published: Published | None = None) -> Found:
    """Return a candidate of the search with what the finals found."""
    bests = {f.outcome.genome_id: f.mean for f in machine.finalists() if f.mean is not None}
    top1 = bests.get(outcome.genome_id, outcome.top1 or 0.0)
    describe = partial(machine.evaluator.described, outcome.decisions)
    unit = unit_of(machine.context.score)
    if published is None or published.outcome.genome_id != outcome.genome_id:
        return Found(outcome, top1, describe, unit=unit)
    test_top1 = published.outcome.curve[-1].test_top1
    return Found(outcome, top1, describe, test_top1, published.folder, unit=unit)


def found_on_front(
    machine: CampaignDriver, member: FrontMember, published: Published | None
) -> Found:
    """Return a member of the front, and how sure its top-1 is."""
    return replace(
        found(machine, member.outcome, published),
        top1=member.top1,
        interval=member.interval,
        confirmed=member.confirmed,
        recommended=member.recommended,
    )
