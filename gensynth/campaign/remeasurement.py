"""Finalists whose latency was only foreseen are measured before they are trained again.

A device may have a model that is fast enough to screen every candidate and a slower, more exact
way to measure it. What the exact one says of a finalist stands from then on; a finalist that breaks
a rule by it leaves the finals, and the next one takes its place. The campaign's folder keeps what
was said; where it is lost, it is asked again.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from gensynth.campaign import rows
from gensynth.campaign.context import Context
from gensynth.campaign.finals import Finalist
from gensynth.evaluation.constraint import ConstraintError
from gensynth.evaluation.evaluator import Evaluator
from gensynth.evaluation.latency import Latency
from gensynth.evaluation.outcome import Outcome
from gensynth.latency.device import confirm, confirms
from gensynth.serialization import dumps, from_plain, loads, write_whole

FILE = "confirmed.json"


@dataclass(frozen=True)
class Answer:
    """What was measured of one finalist, or why nothing could be."""

    latencies: Mapping[str, Latency] = field(default_factory=dict)
    problem: str = ""


class Confirmation:
    """What became of the finalists so far, by the genome's name."""

    def __init__(self, context: Context, folder: Path) -> None:
        """Read what was said before."""
        self._context = context
        self._file = folder / FILE
        self._answers: dict[str, Answer] = {}
        if self._file.exists():
            data = loads(self._file.read_bytes(), str(self._file))
            self._answers = from_plain(dict[str, Answer], data, str(self._file))

    def applied(self, outcomes: Iterable[Outcome], evaluator: Evaluator) -> list[Outcome]:
        """Give the rows with what was confirmed in the place of what was foreseen."""
        return [self._applied(outcome, evaluator) for outcome in outcomes]

    def settled(
        self, finalists: Callable[[], list[Finalist]], evaluator: Evaluator
    ) -> list[Finalist]:
        """Measure whoever is in the finals, until all who are in them have been measured."""
        chosen = finalists()
        while any([self._settle(finalist.outcome, evaluator) for finalist in chosen]):
            chosen = finalists()
        return chosen

    def _applied(self, outcome: Outcome, evaluator: Evaluator) -> Outcome:
        answer = self._answers.get(outcome.genome_id)
        if answer is None or outcome.purpose != "search" or outcome.value is None:
            return outcome
        if answer.problem:
            return replace(outcome, value=None, detail=answer.problem)
        changed = replace(outcome, latencies={**outcome.latencies, **answer.latencies})
        described = evaluator.described(changed.decisions, changed.latencies)
        return rows.scored(changed, described, evaluator)

    def _settle(self, finalist: Outcome, evaluator: Evaluator) -> bool:
        """Measure a finalist unless that was done; say whether anything is new."""
        home = Path(self._context.experiment.folder)
        asked = [question for question in evaluator.questions if confirms(question, home)]
        if not asked or finalist.genome_id in self._answers:
            return False
        source = evaluator.described(finalist.decisions).source
        try:
            jobs = [self._context.latency_job(source, question) for question in asked]
            answer = Answer({str(job.question): confirm(job) for job in jobs})
        except ConstraintError as error:
            answer = Answer(problem=str(error))
        self._answers[finalist.genome_id] = answer
        write_whole(self._file, dumps(self._answers))
        return True
