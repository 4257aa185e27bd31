"""A search campaign, as one sentence in code.

A seed becomes a genome, a genome becomes a graph and a network, the graph gets a profile and
verdicts, a feasible candidate is trained on the proxy, the measurement gets a score, and the
generator learns from the outcome through the inquisitor.

`Campaign` decides; it runs nothing. An executor asks it for jobs, reports their measurements
and tells it how they ended, and gives it a stopwatch where latency is asked for. All it knows after
a crash is the record and the jobs' folders.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from gensynth.campaign import rows
from gensynth.campaign.context import Setting
from gensynth.campaign.early_stopping import Halving
from gensynth.campaign.finals import Finalist, admission, finalists, winner
from gensynth.campaign.ledger import Ledger
from gensynth.campaign.remeasurement import Confirmation
from gensynth.campaign.replay import ReplayMismatch, rejudged, replay
from gensynth.errors import InputError
from gensynth.evaluation.constraint import ConstraintError, Judgement, broken
from gensynth.evaluation.evaluator import Described, Judge, Judged
from gensynth.evaluation.measurement import Measurement
from gensynth.evaluation.outcome import Outcome, Purpose
from gensynth.generators.protocol import CountsRejections, Generator
from gensynth.latency.job import answer_here
from gensynth.record.log import Log
from gensynth.record.study import Record
from gensynth.space import Source
from gensynth.training.attempt import ATTEMPTS as ATTEMPTS
from gensynth.training.attempt import Result, again
from gensynth.training.job import Job

REPETITIONS = 200
"""Proposals in a row that come to no training, after which the search ends."""


@dataclass(frozen=True)
class Wait:
    """Nothing to hand out before another job has ended."""


@dataclass(frozen=True)
class Done:
    """The campaign is at its end, and why."""

    reason: str


class Campaign:
    """The state machine: `ask` for a job, `report` its measurements, `tell` how it ended."""

    def __init__(
        self,
        setting: Setting,
        record: Record,
        folder: Path,
        since: int = 0,
        log: Log | None = None,
    ) -> None:
        """Take up the campaign where its record and its folder stand.

        Candidates numbered from `since` on were proposed under the present generator, rules and
        score; the earlier ones are judged and scored again, never trained again.
        """
        self.setting = setting
        self.ledger = Ledger(record, folder, log or Log())
        self._since = since
        self._confirmation = Confirmation(setting, folder)
        self._halving = Halving(setting.experiment.stopping, setting.experiment.proxy.epochs)
        self.stopwatch = answer_here
        """Measures latencies; an executor may know other machines to do it on."""
        self._idle = 0
        self._exhausted = ""
        self.warnings: list[str] = []
        if since > 0:
            self.ledger.ended = [rejudged(self.judge, outcome) for outcome in self.outcomes]
        for outcome in self.outcomes:
            self._remember(outcome)
        self.resume()

    @property
    def outcomes(self) -> list[Outcome]:
        """All rows of the record, in the order told, under the present rules."""
        return self.ledger.ended

    @property
    def judge(self) -> Judge:
        """The rules and the score, with the references measured so far."""
        return self.setting.judge(self.outcomes)

    @cached_property
    def generator(self) -> Generator:
        """The generator, brought to where the record stands by repeating every call."""
        ledger, make = self.ledger, self.setting.make_generator
        generator = make(self.judge)
        try:
            replay(generator, ledger.searched(), ledger.searching(), self._since)
        except ReplayMismatch as mismatch:
            self.warnings.append(f"{mismatch}; the generator starts anew from the record")
            ledger.log.write("warning", text=self.warnings[-1])
            self._since = ledger.next_number()
            ledger.record.note("since", self._since)
            generator = make(self.judge)
            replay(generator, ledger.searched(), [], self._since)
        return generator

    def ask(self) -> Job | Wait | Done:
        """Hand out the next job; those of an interrupted run come first."""
        if self._waiting:
            return self._waiting.pop(0)
        for name in self.setting.references:
            if not any(o.ending == "completed" for o in self.ledger.of(name, "reference")):
                return self._reference(name)
        more = self.ledger.trainings() < self.setting.experiment.trials and not self._exhausted
        if more and (job := self._propose()) is not None:
            return job
        return Wait() if self.ledger.searching() else self._next_final()

    def resume(self) -> None:
        """Hand out all running jobs again: whoever ran them is gone."""
        self._waiting = [pending.job for pending in self.ledger.running.values()]

    def report(self, job: Job, measurement: Measurement) -> bool:
        """Take a measurement of a running job; say whether it goes on.

        What falls behind the others goes on while it may still be one for the finals.
        """
        if job.purpose != "search" or self._halving.goes_on(job.number, measurement):
            return True
        if (hope := self._halving.hope(measurement)) is None:
            return True
        value = self._suppose(self.ledger.running[job.number].row, hope).value
        finals = self.setting.experiment.finals
        return value is not None and value > admission(self.outcomes, finals)

    def tell(self, job: Job, result: Result) -> None:
        """Take the end of a job: one row of the record, or another attempt at a lost one."""
        if job.purpose == "search":
            _ = self.generator  # Replayed before this end is entered, or it would be told twice.
        running = self.ledger.take(job)
        usual = self.setting.experiment.proxy.batch_size
        if (retry := again(job, result, usual)) is not None:
            self._waiting.append(self.ledger.start(retry, running))
            return
        ended = rows.ended(running, result, job, usual)
        if job.purpose == "reference":
            self._close(ended, {})
        else:
            described = self.judge.describe(ended.decisions, ended.latencies)
            self._close(rows.scored(ended, described, self.judge), described.options)
        self.ledger.in_flight.forget(job)

    def finalists(self) -> list[Finalist]:
        """Say who is in the finals and how they stand, as far as the record goes."""
        settings, images = self.setting.experiment.finals, self.setting.validation_images
        rows = self._confirmation.applied(self.outcomes, self.judge)
        return finalists(rows, settings, images, self._at)

    def exported(self) -> Outcome | None:
        """Give the row of the winner's last training, once it is done."""
        best = winner(self.finalists())
        rows = self.ledger.of(best.outcome.genome_id, "export") if best else []
        return next((row for row in rows if row.ending == "completed"), None)

    def rejections(self) -> Mapping[str, int]:
        """Count what the generator itself screened out, by the rule that was broken."""
        return self.generator.rejections if isinstance(self.generator, CountsRejections) else {}

    def untrained(self) -> list[Outcome]:
        """Give the candidates that were once rejected and that the present rules allow."""
        rows = [o for o in self.outcomes if o.ending == "infeasible"]
        return [o for o in rows if not broken(o.judgements)]

    def folder_of(self, outcome: Outcome) -> Path:
        """Name the folder of a candidate: its checkpoint, its weights."""
        return self.ledger.in_flight.folder_of(outcome)

    def verdicts_at(self, outcome: Outcome, top1: float) -> tuple[Judgement, ...]:
        """Judge a trained candidate at a supposed `top1` in percent."""
        return self._at(outcome, top1).judgements

    # Proposals -------------------------------------------------------------------------------

    def _propose(self) -> Job | None:
        """Ask the generator until a candidate is worth a training; the others become rows."""
        while self._idle < REPETITIONS:
            told, proposal = len(self.ledger.searched()), self.generator.ask()
            new = rows.proposed(self.ledger.next_number(), told, proposal)
            try:
                described = self.judge.describe(proposal.decisions)
                new = rows.foreseen(new, described, self.judge)
            except (InputError, ConstraintError) as error:
                self._reject(replace(new, ending="crashed", detail=str(error)), {})
                continue
            twin = self.ledger.twin(new.fingerprint)
            if twin is None and not broken(new.judgements):
                new = self._timed(new, described)
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

    def _timed(self, new: Outcome, described: Described) -> Outcome:
        """Measure how fast a candidate is, once for all networks that compute the same."""
        known = self.ledger.latencies(new.fingerprint)
        try:
            for question in self.judge.questions:
                if str(question) not in known:
                    job = self.setting.latency_job(described.source, question)
                    known[str(question)] = self.stopwatch(job)
            if not known:
                return new
            candidate = replace(described.candidate, latencies=known)
            return rows.foreseen(new, replace(described, candidate=candidate), self.judge)
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
        return self._start(new, self.setting.references[name])

    def _next_final(self) -> Job | Wait | Done:
        chosen = self._confirmation.settled(self.finalists, self.judge)
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
        return self._start(new, self.judge.describe(outcome.decisions).source)

    def _suppose(self, outcome: Outcome, measurement: Measurement) -> Judged:
        candidate = self.judge.describe(outcome.decisions, outcome.latencies).candidate
        try:
            return self.judge.after_training(candidate, measurement)
        except ConstraintError:
            return Judged((), None, None)

    def _at(self, outcome: Outcome, top1: float) -> Judged:
        return self._suppose(outcome, replace(outcome.curve[-1], top1=top1))

    # The record ------------------------------------------------------------------------------

    def _start(self, new: Outcome, source: Source) -> Job:
        return self.ledger.start(self.setting.job(new, source, self.ledger.in_flight), new)

    def _close(self, new: Outcome, options: Mapping[str, Any]) -> None:
        self.ledger.close(new, options)
        self._remember(new)
        if new.purpose == "search":
            self.generator.tell(new)

    def _remember(self, old: Outcome) -> None:
        if old.purpose == "search" and old.ending in ("completed", "stopped"):
            self._halving.remember(old.number, old.curve, old.ending == "completed")
