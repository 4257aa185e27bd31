"""Networks drawn from a campaign's learned generator G(s)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gensynth.campaign.campaign import CampaignDriver
from gensynth.errors import InputError
from gensynth.generators.synthesis.generator import Synthesis
from gensynth.generators.synthesis.population import Population, population
from gensynth.genome import Decisions
from gensynth.report.assessment import Assessment, assessments_html


@dataclass(frozen=True)
class Drawn:
    """Networks of G(s) for fresh seeds, and what the inquisitor predicts of them.

    >>> import gensynth
    >>> drawn = gensynth.load("runs/mine").generate(seeds=4)
    >>> len(drawn), all(0 <= chance <= 1 for chance in drawn.chances)
    (4, True)
    """

    networks: Sequence[Assessment]
    decisions: Sequence[Decisions]
    """Of each network, to build or to train it."""
    predicted_values: Sequence[float]
    """Pursued value of each network in decibels, if every constraint holds."""
    chances: Sequence[float]
    """Chance of each network that every enforced constraint holds, 0 to 1."""
    before: Population
    """What G drew for these seeds before it had learned."""
    after: Population
    """What it draws now."""

    def __len__(self) -> int:
        return len(self.networks)

    def __iter__(self) -> Iterator[Assessment]:
        return iter(self.networks)

    def plain(self) -> list[dict[str, Any]]:
        """Return the plain data that `gensynth generate --json` prints."""
        rows = zip(self.networks, self.predicted_values, self.chances, strict=True)
        return [
            row.plain() | {"predicted_value": float(value), "predicted_feasible": float(chance)}
            for row, value, chance in rows
        ]

    def _repr_html_(self) -> str:
        return assessments_html(self.networks)


def draw_candidates(machine: CampaignDriver, seeds: int, first: int) -> Drawn:
    """Draw G(s) for `seeds` fresh seeds from `first` on."""
    generator = machine.generator
    if not isinstance(generator, Synthesis):
        use = machine.context.experiment.generator.use
        raise InputError(str(machine.folder), f"its generator {use!r} learns no G(s)")
    decisions = [proposal.decisions for proposal in generator.generate(seeds, first)]
    expected = generator.expect(decisions)
    return Drawn(
        [_assessed(machine, f"G({s})", d) for s, d in enumerate(decisions, first)],
        decisions,
        [float(value) for value in expected.value],
        [float(chance) for chance in expected.chance],
        population(generator, seeds, False, first),
        population(generator, seeds, True, first),
    )


def _assessed(machine: CampaignDriver, name: str, decisions: Decisions) -> Assessment:
    """Return the costs of a drawn network, and what the record knows of it or can be judged now."""
    described = machine.evaluator.described(decisions)
    candidate = described.candidate
    drawn = Assessment(
        f"{name} {described.genome_id}",
        candidate.profile,
        judgements=machine.evaluator.judge_untrained(candidate),
        graph=candidate.graph,
    )
    known = next((o for o in machine.outcomes if o.fingerprint == described.fingerprint), None)
    if known is None or known.ending != "completed":
        return drawn
    return replace(
        drawn, top1=known.top1, score=known.score, judgements=known.judgements, note="trained"
    )
