"""A search campaign, as one sentence in code.

A seed becomes a genome, a genome becomes a graph and a network, the graph gets a profile and
verdicts, a feasible candidate is trained on the proxy, the measurement gets a score, and the
generator learns from the outcome through the inquisitor.

`CampaignDriver` decides what happens next, but runs nothing itself. An executor asks it for jobs,
reports their measurements and tells it how they ended. After a crash, the campaign knows what its
record and the folders of its running jobs hold, and nothing else.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from gensynth.campaign.beliefs import KeptBeliefs
from gensynth.campaign.context import Context
from gensynth.campaign.early_stopping import SearchCurves
from gensynth.campaign.finals import Finalist, finalists, race_of, why_no_winner, winner
from gensynth.campaign.grouping import grouped
from gensynth.campaign.remeasurement import Remeasurement, with_latencies
from gensynth.campaign.replay import restore, tell
from gensynth.campaign.schedule import REPETITIONS, Ends, Schedule, for_longer
from gensynth.campaign.schedule import Done as Done
from gensynth.campaign.schedule import Wait as Wait
from gensynth.errors import InputError
from gensynth.evaluation.constraint import ConstraintError, Judgement, broken
from gensynth.evaluation.evaluator import CandidateEvaluation, EndsProcess
from gensynth.evaluation.measurement import Measurement
from gensynth.evaluation.outcome import Ending, Outcome, Purpose
from gensynth.generators.protocol import CountsRejections, Generator
from gensynth.latency.device import answer_here
from gensynth.latency.job import Stopwatch
from gensynth.record import outcome_rows as rows
from gensynth.record.ledger import LEARNED, Ledger
from gensynth.space import Source
from gensynth.training.attempt import ATTEMPTS, Result, next_attempt
from gensynth.training.grouped_attempt import alike
from gensynth.training.job import Job


class CampaignDriver:
    """The state machine: `ask` for a job, `report` its measurements, `tell` how it ended."""

    def __init__(
        self, context: Context, ledger: Ledger, since: int | None = None, *, schedule: Schedule
    ) -> None:
        """Continue the campaign that `ledger` holds.

        Candidates numbered from `since` on (default: the ledger's) were proposed under the present
        generator, constraints and score. Earlier ones are judged and scored again, but never
        trained again.
        """
        self.context = context
        self.ledger = ledger
        self.schedule = schedule
        self._since = ledger.since if since is None else since
        self._remeasurement = Remeasurement(context, ledger.folder)
        self._beliefs = KeptBeliefs(context, ledger)
        self._race = race_of(context, self._at)
        self._curves = SearchCurves(context.stopping, context.experiment.proxy.epochs)
        self._generator: Generator | None = None
        self._idle = 0
        self._waiting: list[Job] = []
        self._ends = Ends(ledger)
        self.warnings: list[str] = []
        self.measured: dict[int, list[Measurement]] = {}
        """What the running trainings have reported since this start, by number."""
        self.evaluator = context.evaluator.with_references(self._references())
        """The constraints and the score, with the references measured so far."""
        if self._since > 0:
            ledger.ended = [rows.rejudged(outcome, self.evaluator) for outcome in ledger.ended]
        for outcome in self.outcomes:
            self._remember(outcome)
        self.resume()

    @property
    def folder(self) -> Path:
        """The campaign's folder."""
        return self.ledger.folder

    @property
    def outcomes(self) -> list[Outcome]:
        """All rows of the record in the order in which they ended, under the present rules."""
        return self.ledger.ended

    @property
    def generator(self) -> Generator:
        """The generator in the state that the record implies, restored when it is first needed."""
        if self._generator is None:
            make = partial(self.context.make_generator, self.evaluator)
            restored = restore(make, self.ledger, self._since)
            self.warnings += [restored.warning] if restored.warning else []
            self._generator = restored.generator
        return self._generator

    def ask(self, measure: Stopwatch = answer_here) -> Job | Wait | Done:
        """Return the next job, those of an interrupted run first; `measure` measures latencies.

        Executors that reach other machines pass their own `measure`.
        """
        with self.ledger.attended():
            return self._next(measure)

    def _next(self, measure: Stopwatch) -> Job | Wait | Done:
        if self._waiting:
            return self._waiting.pop(0)
        for name in self.context.references:
            if not any(o.ending == "completed" for o in self.ledger.of(name, "reference")):
                return self._reference(name)
        experiment = self.context.experiment
        goes_on = self.schedule.searches(experiment, self.ledger, self.finalists)
        more = goes_on and not self._ends.reason
        if more and (best := for_longer(self.context, self.evaluator, self.ledger, self.generator)):
            return self._again("longer", best)
        if more and (job := self._propose(measure)) is not None:
            return job
        return Wait() if self.ledger.learning() else self._next_final()

    def companions(self, job: Job) -> list[Job]:
        """Return the jobs of the same finalist to train in the same steps as `job`, if any."""
        finalist = grouped(self.context, self.ledger, job, self.finalists)
        if finalist is None:
            return []
        found = [other for other in self._waiting if alike(job, other)]
        self._waiting = [other for other in self._waiting if not alike(job, other)]
        more = finalist.missing - self.ledger.runs(finalist.outcome.genome_id)
        return found + [self._again("final", finalist.outcome) for _ in range(more)]

    def resume(self) -> None:
        """Return all running jobs from `ask` again, because their workers are gone."""
        self._waiting = [running.job for running in self.ledger.running.values()]

    def report(self, job: Job, measurement: Measurement) -> bool:
        """Enter a measurement of a running job; return whether its training goes on."""
        self.measured.setdefault(job.number, []).append(measurement)
        if job.purpose != "search":
            return True
        if self.schedule.finishing:
            return False
        is_admitted = partial(self._is_admitted, job.number)
        with self.ledger.attended():
            return self._curves.goes_on(job.number, measurement, is_admitted)

    def tell(self, job: Job, result: Result) -> None:
        """Enter the end of a job: as a row of the record, or as a new attempt if it deserves one.

        A lost worker's job is tried again, and a job that ran out of memory with a smaller batch.
        """
        self.measured.pop(job.number, None)
        row = self.ledger.take(job)
        usual = self.context.experiment.proxy.batch_size
        if (retry := next_attempt(job, result, usual)) is not None:
            self._waiting.append(self.ledger.start(retry, row))
            return
        with self.ledger.attended():
            self._enter(rows.ended(row, result, job, usual))
        self.ledger.forget(job)

    def _enter(self, ended: Outcome) -> None:
        self._ends.training(ended)
        if ended.purpose == "reference":
            self._close(ended, {})
            return
        described = self.evaluator.described(ended.decisions, ended.latencies)
        self._close(rows.scored(ended, described, self.evaluator), described.options)

    def finalists(self) -> list[Finalist]:
        """Return the finalists and their results, as far as the record goes."""
        corrected = self._remeasurement.corrected(self.outcomes, self.evaluator)
        return finalists(corrected, replace(self._race, beliefs=self._beliefs.kept()))

    def exported(self) -> Outcome | None:
        """Return the row of the winner's last training, once it has completed."""
        best = winner(self.finalists())
        found = self.ledger.of(best.outcome.genome_id, "export") if best else []
        return next((row for row in found if row.ending == "completed"), None)

    def require_code(self) -> None:
        """Raise `InputError` if the code that the campaign names must not be run; here it may."""

    def rejections(self) -> Mapping[str, int]:
        """Return how many candidates the generator itself discarded, by broken constraint."""
        return self.generator.rejections if isinstance(self.generator, CountsRejections) else {}

    def untrained(self) -> list[Outcome]:
        """Return the candidates that were once rejected and that the present constraints allow."""
        return [o for o in self.outcomes if o.ending == "infeasible" and not broken(o.judgements)]

    def folder_of(self, outcome: Outcome) -> Path:
        """Return the folder that holds a candidate's checkpoint and weights."""
        return self.ledger.folder_of(outcome)

    def verdicts_at(self, outcome: Outcome, top1: float) -> tuple[Judgement, ...]:
        """Judge a trained candidate at an assumed `top1` in percent."""
        return self._at(outcome, top1).judgements

    # Proposals -------------------------------------------------------------------------------

    def _propose(self, measure: Stopwatch) -> Job | None:
        """Ask the generator until a candidate is worth training; record the others."""
        while self._idle < REPETITIONS:
            known, proposal = len(self.ledger.told()), self.generator.ask()
            new = rows.proposed(self.ledger.next_number(), known, proposal)
            try:
                described = self.evaluator.described(proposal.decisions)
                new = rows.screened(new, described, self.evaluator)
            except (InputError, ConstraintError) as error:
                ending: Ending = "lost" if isinstance(error, EndsProcess) else "crashed"
                self._reject(replace(new, ending=ending, detail=str(error)), {})
                continue
            twin = self.ledger.twin(new.fingerprint)
            if twin is None and not broken(new.judgements):
                new = with_latencies(
                    new, described, self.evaluator, self.context, self.ledger, measure
                )
            if new.ending == "crashed" or broken(new.judgements):
                self._reject(new, described.options)
            elif twin is not None:
                self._reject(rows.duplicated(new, twin), described.options)
            else:
                self._idle = 0
                return self._start(new, described.source)
        self._ends.idle()
        return None

    def _reject(self, new: Outcome, options: Mapping[str, Any]) -> None:
        self._idle += 1
        self._close(new, options)

    # References, finals, and the network that is exported ------------------------------------

    def _reference(self, name: str) -> Job | Wait:
        if self.ledger.runs(name):
            return Wait()
        if failed := self.ledger.of(name, "reference"):
            problem = f"its training ended as {failed[-1].ending}: {failed[-1].detail}"
            raise InputError(f"reference {name}", problem)
        new = rows.of_reference(self.ledger.next_number(), len(self.ledger.told()), name)
        return self._start(new, self.context.references[name])

    def _next_final(self) -> Job | Wait | Done:
        self._beliefs.renew(self.evaluator)
        chosen = self._remeasurement.measure_finalists(self.finalists, self.evaluator)
        over = self.schedule.finals_are_over(self.context.experiment, self.outcomes, chosen)
        for finalist in [] if over else chosen:
            if finalist.missing > self.ledger.runs(finalist.outcome.genome_id):
                return self._again("final", finalist.outcome)
        if self.ledger.running:
            return Wait()
        if (best := winner(chosen)) is None:
            return Done(self._ends.reason or why_no_winner(chosen, self.ledger.searched()))
        exports = self.ledger.of(best.outcome.genome_id, "export")
        if any(o.ending == "completed" for o in exports):
            return Done(self._ends.reason or "finished")
        if len(exports) >= ATTEMPTS:
            last = exports[-1]
            return Done(f"the winner's last training ended as {last.ending}: {last.detail}")
        return self._again("export", best.outcome)

    def _again(self, purpose: Purpose, outcome: Outcome) -> Job:
        known = len(self.ledger.told())
        new = rows.repeated(self.ledger.next_number(), known, purpose, outcome)
        return self._start(new, self.evaluator.described(outcome.decisions).source)

    def _is_admitted(self, number: int, measurement: Measurement) -> bool:
        """Whether a running candidate would be a finalist if it ended with a measurement."""
        row = self.ledger.running[number].row
        value = rows.judged_at(row, measurement, self.evaluator).value
        return value is not None and self._race.admits(row, value, self.outcomes)

    def _at(self, outcome: Outcome, top1: float) -> CandidateEvaluation:
        return rows.judged_at(outcome, replace(outcome.curve[-1], top1=top1), self.evaluator)

    def _references(self) -> dict[str, Measurement]:
        """Return the last measurement of each reference network, by its name."""
        trained = [o for o in self.outcomes if o.purpose == "reference"]
        return {o.genome_id: o.curve[-1] for o in trained if o.ending == "completed"}

    # The record ------------------------------------------------------------------------------

    def _start(self, new: Outcome, source: Source) -> Job:
        job = self.context.job(new.number, new.purpose, source, self.ledger.folder_of(new))
        return self.ledger.start(job, new)

    def _close(self, new: Outcome, options: Mapping[str, Any]) -> None:
        self.ledger.record(new, options)
        if new.purpose == "reference":
            self.evaluator = self.evaluator.with_references(self._references())
        self._remember(new)
        if new.purpose in LEARNED and self._generator is not None:
            tell(self._generator, new)  # One that is not restored yet learns of it then.

    def _remember(self, old: Outcome) -> None:
        if old.purpose == "search" and old.ending in ("completed", "stopped"):
            self._curves.remember(old.number, old.curve, old.ending == "completed")
