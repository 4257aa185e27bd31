"""Networks drawn from a campaign's learned generator: G*(s), or G(s | r) within limits r."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gensynth.api.requirement import (
    PredictedTop1,
    Requirement,
    generator_within,
    predictions,
    requirement,
    unseen,
)
from gensynth.campaign.beliefs import learned_generator
from gensynth.campaign.campaign import CampaignDriver as Machine
from gensynth.errors import InputError
from gensynth.evaluation.evaluator import Evaluator
from gensynth.evaluation.score import unit_of
from gensynth.generators.synthesis.candidates import sampled_candidate
from gensynth.generators.synthesis.learned_generator import LearnedGenerator
from gensynth.generators.synthesis.population import Population, population
from gensynth.genome import Decisions, to_json
from gensynth.record import outcome_rows
from gensynth.report.network_assessment import Assessment, assessments_html
from gensynth.training.attempt import attempt

FRESH = 1_000_000
"""Numbers of trainings from here on have seeds that no candidate of the search has."""


@dataclass(frozen=True)
class TrainedDraw:
    """A drawn network after a training by the proxy."""

    top1: float | None
    """Percent on the validation split; None if the training did not complete."""
    value: float | None
    """Pursued value; None unless every enforced constraint holds."""


@dataclass(frozen=True)
class Drawn:
    """Networks of G*(s) for fresh seeds, or of G(s | r), and what the inquisitor predicts of them.

    >>> import gensynth
    >>> drawn = gensynth.load("runs/mine").generate(seeds=4)
    >>> len(drawn), all(0 <= chance <= 1 for chance in drawn.chances)
    (4, True)
    """

    networks: Sequence[Assessment]
    decisions: Sequence[Decisions]
    """Of each network, to build or to train it."""
    genomes: Sequence[str]
    """The content of each network's genome file."""
    predicted_values: Sequence[float]
    """Pursued value of each network, if every constraint holds: in decibels, or the top-1."""
    chances: Sequence[float]
    """Chance of each network that every enforced constraint holds, 0 to 1."""
    predictions: Sequence[PredictedTop1]
    """Predicted top-1 of each network, with its interval."""
    unit: str = "dB"
    """Unit of the pursued values."""
    before: Population | None = None
    """What G drew for these seeds before it had learned; None within limits."""
    after: Population | None = None
    """What it draws now; None within limits."""
    warnings: Sequence[str] = ()
    """Limits that lie outside what the campaign has trained."""
    trained: Sequence[TrainedDraw] = ()
    """The first networks, trained, if that was asked for."""
    trained_before: Sequence[TrainedDraw] = ()
    """As many networks of G before it had learned, trained."""

    def __len__(self) -> int:
        return len(self.networks)

    def __iter__(self) -> Iterator[Assessment]:
        return iter(self.networks)

    def save(self, to: str | Path) -> list[Path]:
        """Write each network's genome file into the folder `to`, for `export` and `train`."""
        folder = Path(to)
        folder.mkdir(parents=True, exist_ok=True)
        files = [folder / f"{n:02d}.json" for n in range(len(self))]
        for file, genome in zip(files, self.genomes, strict=True):
            file.write_text(genome, encoding="utf-8")
        return files

    def plain(self) -> list[dict[str, Any]]:
        """Return the plain data that `gensynth generate --json` prints."""
        told = zip(
            self.networks, self.predicted_values, self.chances, self.predictions, strict=True
        )
        return [
            row.plain()
            | {"predicted_value": value, "predicted_feasible": chance}
            | {"predicted_top1": top1.top1, "predicted_top1_interval": [top1.low, top1.high]}
            for row, value, chance, top1 in told
        ]

    def _repr_html_(self) -> str:
        return assessments_html(self.networks)


def draw(machine: Machine, seeds: int, first: int, train: int, limits: Mapping[str, Any]) -> Drawn:
    """Draw networks from G*, or within `limits` from G(s | r); see `Campaign.generate`."""
    asked = requirement(limits)
    if not asked:
        return draw_candidates(machine, seeds, first, train)
    if train:
        raise InputError("train", "answers within limits are trained by `gensynth train`")
    return draw_within(machine, asked, seeds)


def draw_candidates(machine: Machine, seeds: int, first: int, train: int) -> Drawn:
    """Draw G*(s) for `seeds` fresh seeds from `first` on; train the first `train` of them."""
    generator = learned_generator(machine.context, machine.ledger, machine.evaluator)
    decisions = [proposal.decisions for proposal in generator.generate(seeds, first)]
    names = [f"G({s})" for s in range(first, first + len(decisions))]
    start = [proposal.decisions for proposal in generator.generate(train, first, learned=False)]
    return replace(
        _drawn(machine, generator, machine.evaluator, names, decisions),
        before=population(generator, seeds, False, first),
        after=population(generator, seeds, True, first),
        trained=[_train(machine, some, first + n) for n, some in enumerate(decisions[:train])],
        trained_before=[_train(machine, some, first + n) for n, some in enumerate(start)],
    )


def draw_within(machine: Machine, asked: Requirement, seeds: int) -> Drawn:
    """Return the `seeds` most accurate networks that G(s | r) finds within a requirement r."""
    generator, evaluator = generator_within(machine, asked)
    decisions = [candidate.decisions for candidate in generator.archive[:seeds]]
    names = [f"G({s} | r)" for s in range(len(decisions))]
    found = _drawn(machine, generator, evaluator, names, decisions)
    return replace(found, warnings=unseen(machine, asked))


def _drawn(
    machine: Machine,
    generator: LearnedGenerator,
    evaluator: Evaluator,
    names: Sequence[str],
    decisions: Sequence[Decisions],
) -> Drawn:
    candidates = [sampled_candidate(generator.problem, some) for some in decisions]
    expected = generator.inquisitor.assess(candidates)
    space, use = machine.context.space, machine.context.experiment.space.use
    genomes = [evaluator.described(some).genome for some in decisions]
    return Drawn(
        networks=[
            _assessed(machine, evaluator, *pair) for pair in zip(names, decisions, strict=True)
        ],
        decisions=decisions,
        genomes=[to_json(genome, use, space.version) for genome in genomes],
        predicted_values=[float(value) for value in expected.value],
        chances=[float(chance) for chance in expected.chance],
        predictions=predictions(generator, candidates),
        unit=unit_of(evaluator.score),
    )


def _train(machine: Machine, decisions: Decisions, number: int) -> TrainedDraw:
    """Train a network as the search would, with a seed of its own; nothing is recorded."""
    described = machine.evaluator.described(decisions)
    with tempfile.TemporaryDirectory() as folder:
        job = machine.context.job(FRESH + number, "search", described.source, Path(folder))
        ended = attempt(job, lambda _: True)
    if ended.ending != "completed":
        return TrainedDraw(None, None)
    measured = machine.evaluator.evaluate(described.candidate, ended.curve[-1])
    return TrainedDraw(ended.curve[-1].top1, measured.value)


def _assessed(
    machine: Machine, evaluator: Evaluator, name: str, decisions: Decisions
) -> Assessment:
    """Return the costs of a drawn network, and what the record knows of it or can be judged now."""
    described = evaluator.described(decisions)
    candidate = described.candidate
    drawn = Assessment(
        f"{name} {described.genome_id}",
        candidate.profile,
        judgements=evaluator.judge_untrained(candidate),
        graph=candidate.graph,
        unit=unit_of(evaluator.score),
    )
    known = next((o for o in machine.outcomes if o.fingerprint == described.fingerprint), None)
    if known is None or known.ending != "completed":
        return drawn
    judged = outcome_rows.judged_at(known, known.curve[-1], evaluator)
    return replace(
        drawn, top1=known.top1, score=judged.score, judgements=judged.judgements, note="trained"
    )
