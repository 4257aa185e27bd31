"""Measuring what has only been predicted of the finalists so far: latency, RAM and flash.

A device may have a model that is fast enough to screen every candidate, and a slower, more exact
way to measure. Before finalists are trained again, they are measured in the exact way, and from
then on its figures count. A finalist that breaks a rule by them leaves the finals, and the next
candidate takes its place. The same holds for RAM and flash on a microcontroller, if a constraint
limits them and the converter is prepared. The figures are kept in the campaign's folder; if the
file is lost, they are measured again.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from gensynth.campaign.context import Context
from gensynth.campaign.finals import Finalist
from gensynth.evaluation.constraint import ConstraintError
from gensynth.evaluation.evaluator import Description, Evaluator
from gensynth.evaluation.footprint import precisions_of
from gensynth.evaluation.latency import Latency
from gensynth.evaluation.outcome import Outcome
from gensynth.formats.measured_footprint import measured_footprint, measuring_format
from gensynth.latency.device import confirm, confirms
from gensynth.latency.job import Stopwatch
from gensynth.record import outcome_rows
from gensynth.record.kept_files import kept
from gensynth.record.ledger import Ledger
from gensynth.serialization import dumps, write_whole
from gensynth.tflm.footprint import Footprint

REMEASURED_FILE = "confirmed.json"


@dataclass(frozen=True)
class Remeasured:
    """The exact figures of one finalist, or the reason why they cannot be measured."""

    latencies: Mapping[str, Latency] = field(default_factory=dict)
    footprints: Mapping[str, Footprint] = field(default_factory=dict)
    """RAM and flash on a microcontroller, by precision."""
    problem: str = ""


class Remeasurement:
    """What has been measured of the finalists so far."""

    def __init__(self, context: Context, folder: Path) -> None:
        """Read what was measured in earlier runs of the campaign in `folder`."""
        self._context = context
        self._file = folder / REMEASURED_FILE
        self._known = kept(dict[str, Remeasured], self._file) or {}
        """By the genome's name."""
        for name, known in self._known.items():
            context.evaluator.footprints[name] = known.footprints

    def corrected(self, outcomes: Iterable[Outcome], evaluator: Evaluator) -> list[Outcome]:
        """Return the outcomes, judged by exact latencies where these have been measured."""
        return [self._corrected(outcome, evaluator) for outcome in outcomes]

    def measure_finalists(
        self, finalists: Callable[[], list[Finalist]], evaluator: Evaluator
    ) -> list[Finalist]:
        """Measure all finalists, and those who replace them; return the final ones.

        `finalists` returns who is in the finals by what has been measured so far.
        """
        chosen = finalists()
        while any([self._measure(finalist.outcome, evaluator) for finalist in chosen]):
            chosen = finalists()
        return chosen

    def _corrected(self, outcome: Outcome, evaluator: Evaluator) -> Outcome:
        known = self._known.get(outcome.genome_id)
        if known is None or outcome.purpose != "search" or outcome.value is None:
            return outcome
        if known.problem:
            return replace(outcome, value=None, detail=known.problem)
        changed = replace(outcome, latencies={**outcome.latencies, **known.latencies})
        described = evaluator.described(changed.decisions, changed.latencies)
        return outcome_rows.scored(changed, described, evaluator)

    def _measure(self, finalist: Outcome, evaluator: Evaluator) -> bool:
        """Measure a finalist unless that was done before; return whether anything is new."""
        home = Path(self._context.experiment.folder)
        asked = [question for question in evaluator.questions if confirms(question, home)]
        kinds = precisions_of(rule.constraint for rule in evaluator.indicator.rules)
        formats = {kind: made for kind in kinds if (made := measuring_format(kind)) is not None}
        if not (asked or formats) or finalist.genome_id in self._known:
            return False
        source = evaluator.described(finalist.decisions).source
        try:
            jobs = [self._context.latency_job(source, question) for question in asked]
            latencies = {str(job.question): confirm(job) for job in jobs}
            sizes: dict[str, Footprint] = {
                kind: measured_footprint(source, made) for kind, made in formats.items()
            }
            found = Remeasured(latencies, sizes)
        except ConstraintError as error:
            found = Remeasured(problem=str(error))
        self._known[finalist.genome_id] = found
        evaluator.footprints[finalist.genome_id] = found.footprints
        write_whole(self._file, dumps(self._known))
        return True


def with_latencies(
    new: Outcome,
    described: Description,
    evaluator: Evaluator,
    context: Context,
    ledger: Ledger,
    measure: Stopwatch,
) -> Outcome:
    """Add a candidate's latency, measured once for all networks that compute the same."""
    known = ledger.latencies(new.fingerprint)
    try:
        for question in evaluator.questions:
            if str(question) not in known:
                known[str(question)] = measure(context.latency_job(described.source, question))
        if not known:
            return new
        candidate = replace(described.candidate, latencies=known)
        return outcome_rows.screened(new, replace(described, candidate=candidate), evaluator)
    except ConstraintError as error:
        return replace(new, ending="crashed", detail=str(error))
