"""A search campaign, as one sentence in code.

A seed becomes a genome, a genome becomes a graph and a network, the graph gets a profile and
verdicts, a feasible candidate is trained on the proxy, the measurement gets a score, and the
generator learns from the outcome through the inquisitor.

`Campaign` decides what happens next; it runs nothing. An executor asks it for jobs, reports their
measurements and tells it how they ended. After a crash, the campaign knows what its record and the
folders of its running jobs hold, and nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from gensynth.campaign import rows
from gensynth.campaign.context import Context
from gensynth.campaign.early_stopping import SearchCurves
from gensynth.campaign.finals import Finalist, admission, finalists, winner
from gensynth.campaign.ledger import Ledger
from gensynth.campaign.remeasurement import Confirmation
from gensynth.campaign.replay import ReplayMismatch, rejudged, replay
from gensynth.errors import InputError
from gensynth.evaluation.constraint import ConstraintError, Judgement, broken
from gensynth.evaluation.evaluator import Description, Evaluation
from gensynth.evaluation.measurement import Measurement
from gensynth.evaluation.outcome import Outcome, Purpose
from gensynth.generators.protocol import CountsRejections, Generator
from gensynth.latency.device import answer_here
from gensynth.latency.job import Stopwatch
from gensynth.record.log import Log
from gensynth.record.pending import Pending
from gensynth.record.study import Record
from gensynth.space import Source
from gensynth.training.attempt import ATTEMPTS, Result, next_attempt
from gensynth.training.job import Job

REPETITIONS = 200
"""The search ends after this many consecutive proposals that lead to no training."""


@dataclass(frozen=True)
class Wait:
    """There is nothing to hand out before another job has ended."""


@dataclass(frozen=True)
class Done:
    """The campaign has ended, for this reason."""

    reason: str


class Campaign:
    """The state machine: `ask` for a job, `report` its measurements, `tell` how it ended."""

    def __init__(
        self,
        context: Context,
        record: Record,
        folder: Path,
        since: int = 0,
        log: Log | None = None,
    ) -> None:
        """Continue the campaign from its record and its folder.

        Candidates numbered from `since` on were proposed under the present generator, constraints
        and score. Earlier ones are judged and scored again, but never trained again.
        """
        self.context = context
        self.ledger = Ledger(record, folder, log or Log())
        self._since = since
        self._confirmation = Confirmation(context, folder)
        self._curves = SearchCurves(context.stopping, context.experiment.proxy.epochs)
        self._generator: Generator | None = None
        self._idle = 0
        self._exhausted = ""
        self.warnings: list[str] = []
        self.evaluator = context.evaluator.with_references(self._references())
        """The constraints and the score, with the references measured so far."""
        if since > 0:
            self.ledger.ended = [rejudged(self.evaluator, outcome) for outcome in self.outcomes]
        for outcome in self.outcomes:
            self._remember(outcome)
        self.resume()

    @property
    def outcomes(self) -> list[Outcome]:
        """All rows of the record, in the order told, under the present rules."""
        return self.ledger.ended

    @property
    def generator(self) -> Generator:
        """The generator in the state that the record implies; made when it is first needed."""
        if self._generator is None:
            self._generator = self._replayed_generator()
        return self._generator

    def _replayed_generator(self) -> Generator:
        """Make the generator and repeat every call that the record knows of."""
        ledger, make = self.ledger, self.context.make_generator
        generator = make(self.evaluator)
        try:
            replay(generator, ledger.searched(), ledger.searching(), self._since)
        except ReplayMismatch as mismatch:
            self.warnings.append(f"{mismatch}; the generator starts anew from the record")
            ledger.log.write("warning", text=self.warnings[-1])
            self._since = ledger.next_number()
            ledger.record.note("since", self._since)
            generator = make(self.evaluator)
            replay(generator, ledger.searched(), [], self._since)
        return generator

    def ask(self, measure: Stopwatch = answer_here) -> Job | Wait | Done:
        """Hand out the next job; those of an interrupted run come first.

        `measure` times a candidate's latency if a constraint or the score needs it. Executors that
        reach other machines pass their own.
        """
        if self._waiting:
            return self._waiting.pop(0)
        for name in self.context.references:
            if not any(o.ending == "completed" for o in self.ledger.of(name, "reference")):
                return self._reference(name)
        more = self.ledger.trainings() < self.context.experiment.trials and not self._exhausted
        if more and (job := self._propose(measure)) is not None:
            return job
        return Wait() if self.ledger.searching() else self._next_final()

    def resume(self, running: Mapping[int, Pending] | None = None) -> None:
        """Hand out all running jobs again, because their workers are gone.

        `running` replaces them, by number, by jobs that were made anew.
        """
        if running is not None:
            self.ledger.running = dict(running)
        self._waiting = [pending.job for pending in self.ledger.running.values()]

    def report(self, job: Job, measurement: Measurement) -> bool:
        """Enter a measurement of a running job; return whether its training goes on."""
        if job.purpose != "search":
            return True
        is_admitted = partial(self._is_admitted, job.number)
        return self._curves.goes_on(job.number, measurement, is_admitted)

    def tell(self, job: Job, result: Result) -> None:
        """Enter the end of a job: a row of the record, or a new attempt if its worker was lost."""
        running = self.ledger.take(job)
        usual = self.context.experiment.proxy.batch_size
        if (retry := next_attempt(job, result, usual)) is not None:
            self._waiting.append(self.ledger.start(retry, running))
            return
        ended = rows.ended(running, result, job, usual)
        if job.purpose == "reference":
            self._close(ended, {})
        else:
            described = self.evaluator.described(ended.decisions, ended.latencies)
            self._close(rows.scored(ended, described, self.evaluator), described.options)
        self.ledger.in_flight.forget(job)

    def finalists(self) -> list[Finalist]:
        """Return the finalists and their standing, as far as the record goes."""
        settings, images = self.context.experiment.finals, self.context.validation_images
        rows = self._confirmation.applied(self.outcomes, self.evaluator)
        return finalists(rows, settings, images, self._at)

    def exported(self) -> Outcome | None:
        """Return the row of the winner's last training, once it has completed."""
        best = winner(self.finalists())
        rows = self.ledger.of(best.outcome.genome_id, "export") if best else []
        return next((row for row in rows if row.ending == "completed"), None)

    def rejections(self) -> Mapping[str, int]:
        """Return how many proposals the generator itself screened out, by broken constraint."""
        return self.generator.rejections if isinstance(self.generator, CountsRejections) else {}

    def untrained(self) -> list[Outcome]:
        """Return the candidates that were once rejected and that the present constraints allow."""
        rows = [o for o in self.outcomes if o.ending == "infeasible"]
        return [o for o in rows if not broken(o.judgements)]

    def folder_of(self, outcome: Outcome) -> Path:
        """Return the folder that holds a candidate's checkpoint and weights."""
        return self.ledger.in_flight.folder_of(outcome)

    def verdicts_at(self, outcome: Outcome, top1: float) -> tuple[Judgement, ...]:
        """Judge a trained candidate at an assumed `top1` in percent."""
        return self._at(outcome, top1).judgements

    # Proposals -------------------------------------------------------------------------------

    def _propose(self, measure: Stopwatch) -> Job | None:
        """Ask the generator until a candidate is worth a training; record the others."""
        while self._idle < REPETITIONS:
            told, proposal = len(self.ledger.searched()), self.generator.ask()
            new = rows.proposed(self.ledger.next_number(), told, proposal)
            try:
                described = self.evaluator.described(proposal.decisions)
                new = rows.foreseen(new, described, self.evaluator)
            except (InputError, ConstraintError) as error:
                self._reject(replace(new, ending="crashed", detail=str(error)), {})
                continue
            twin = self.ledger.twin(new.fingerprint)
            if twin is None and not broken(new.judgements):
                new = self._timed(new, described, measure)
            if new.ending == "crashed" or broken(new.judgements):
                self._reject(new, described.options)
            elif twin is not None:
                self._reject(rows.answered(new, twin), described.options)
            else:
                self._idle = 0
                return self._start(new, described.source)
        last = self.outcomes[-1]
        self._exhausted = f"{REPETITIONS} proposals in a row came to no training; the last one was "
        self._exhausted += f"{last.ending} ({last.detail})"
        return None

    def _timed(self, new: Outcome, described: Description, measure: Stopwatch) -> Outcome:
        """Measure a candidate's latency, once for all networks that compute the same function."""
        known = self.ledger.latencies(new.fingerprint)
        try:
            for question in self.evaluator.questions:
                if str(question) not in known:
                    job = self.context.latency_job(described.source, question)
                    known[str(question)] = measure(job)
            if not known:
                return new
            candidate = replace(described.candidate, latencies=known)
            return rows.foreseen(new, replace(described, candidate=candidate), self.evaluator)
        except ConstraintError as error:
            return replace(new, ending="crashed", detail=str(error))

    def _reject(self, new: Outcome, options: Mapping[str, Any]) -> None:
        self._idle += 1
        self._close(new, options)

    # References, finals, and the network that is exported ------------------------------------

    def _reference(self, name: str) -> Job | Wait:
        if self.ledger.runs(name):
            return Wait()
        failed = self.ledger.of(name, "reference")
        if failed:
            problem = f"its training ended as {failed[-1].ending}: {failed[-1].detail}"
            raise InputError(f"reference {name}", problem)
        new = rows.reference(self.ledger.next_number(), len(self.ledger.searched()), name)
        return self._start(new, self.context.references[name])

    def _next_final(self) -> Job | Wait | Done:
        chosen = self._confirmation.settled(self.finalists, self.evaluator)
        for finalist in chosen:
            if finalist.missing > self.ledger.runs(finalist.outcome.genome_id):
                return self._again("final", finalist.outcome)
        if self.ledger.running:
            return Wait()
        best = winner(chosen)
        if best is None:
            return Done(self._exhausted or self._why_none(chosen))
        exports = self.ledger.of(best.outcome.genome_id, "export")
        if any(o.ending == "completed" for o in exports):
            return Done(self._exhausted or "finished")
        if len(exports) >= ATTEMPTS:
            last = exports[-1]
            return Done(f"the winner's last training ended as {last.ending}: {last.detail}")
        return self._again("export", best.outcome)

    def _why_none(self, chosen: list[Finalist]) -> str:
        if chosen:
            return "no candidate kept every enforced rule on the lower bound of the finals"
        found = any(outcome.value is not None for outcome in self.ledger.searched())
        return f"no {'feasible candidate was confirmed' if found else 'candidate was feasible'}"

    def _again(self, purpose: Purpose, outcome: Outcome) -> Job:
        told = len(self.ledger.searched())
        new = rows.repeated(self.ledger.next_number(), told, purpose, outcome)
        return self._start(new, self.evaluator.described(outcome.decisions).source)

    def _suppose(self, outcome: Outcome, measurement: Measurement) -> Evaluation:
        candidate = self.evaluator.described(outcome.decisions, outcome.latencies).candidate
        try:
            return self.evaluator.evaluate(candidate, measurement)
        except ConstraintError:
            return Evaluation((), None, None)

    def _is_admitted(self, number: int, measurement: Measurement) -> bool:
        """Whether a running candidate would be a finalist if it ended with a measurement."""
        value = self._suppose(self.ledger.running[number].row, measurement).value
        finals = self.context.experiment.finals
        return value is not None and value > admission(self.outcomes, finals)

    def _at(self, outcome: Outcome, top1: float) -> Evaluation:
        return self._suppose(outcome, replace(outcome.curve[-1], top1=top1))

    def _references(self) -> dict[str, Measurement]:
        """Return the last measurement of each reference network, by its name."""
        trained = [o for o in self.outcomes if o.purpose == "reference"]
        return {o.genome_id: o.curve[-1] for o in trained if o.ending == "completed"}

    # The record ------------------------------------------------------------------------------

    def _start(self, new: Outcome, source: Source) -> Job:
        return self.ledger.start(self.context.job(new, source, self.ledger.in_flight), new)

    def _close(self, new: Outcome, options: Mapping[str, Any]) -> None:
        self.ledger.close(new, options)
        if new.purpose == "reference":
            self.evaluator = self.evaluator.with_references(self._references())
        self._remember(new)
        if new.purpose == "search" and self._generator is not None:
            self._generator.tell(new)

    def _remember(self, old: Outcome) -> None:
        if old.purpose == "search" and old.ending in ("completed", "stopped"):
            self._curves.remember(old.number, old.curve, old.ending == "completed")
