"""Rows of the record: pure functions that make a candidate's outcome, step by step.

A row begins with `proposed`, `repeated` or `of_reference`, and each further step of the candidate's
life adds what has become known; `ledger.py` writes it. `rejudged` brings a recorded row up to date
with other rules.
"""

from dataclasses import replace

from gensynth.errors import InputError
from gensynth.evaluation.constraint import ConstraintError, broken
from gensynth.evaluation.evaluator import CandidateEvaluation, Description, Evaluator
from gensynth.evaluation.measurement import Measurement
from gensynth.evaluation.outcome import Outcome, Purpose
from gensynth.generators.protocol import Proposal
from gensynth.training.attempt import Result
from gensynth.training.job import Job


def proposed(number: int, asked_after: int, proposal: Proposal) -> Outcome:
    """Begin the row of a proposal, about which nothing else is known yet."""
    return Outcome(
        number=number,
        asked_after=asked_after,
        decisions=proposal.decisions,
        genome_id="",
        fingerprint="",
        ending="infeasible",
        seed=proposal.seed,
        attempt=0,
    )


def repeated(number: int, asked_after: int, purpose: Purpose, outcome: Outcome) -> Outcome:
    """Begin the row of another training of the network of `outcome`, for another purpose."""
    return Outcome(
        number=number,
        asked_after=asked_after,
        decisions=outcome.decisions,
        genome_id=outcome.genome_id,
        fingerprint=outcome.fingerprint,
        ending="lost",
        purpose=purpose,
        profile=outcome.profile,
        judgements=outcome.judgements,
        latencies=outcome.latencies,
    )


def of_reference(number: int, asked_after: int, name: str) -> Outcome:
    """Begin the row of a reference network, which is identified by its name."""
    return Outcome(
        number=number,
        asked_after=asked_after,
        decisions={},
        genome_id=name,
        fingerprint=name,
        ending="lost",
        purpose="reference",
    )


def screened(row: Outcome, described: Description, evaluator: Evaluator) -> Outcome:
    """Add what is known before training; the detail names the enforced rules that are broken."""
    judgements = evaluator.judge_untrained(described.candidate)
    return replace(
        row,
        genome_id=described.genome_id,
        fingerprint=described.fingerprint,
        profile=described.candidate.profile,
        latencies=described.candidate.latencies,
        judgements=judgements,
        detail="; ".join(f"{j.constraint}: {j.reason}" for j in broken(judgements)),
    )


def duplicated(row: Outcome, twin: Outcome) -> Outcome:
    """Copy the results of a twin, which computes the same; they are empty while it still runs."""
    return replace(
        row,
        ending="duplicate",
        detail=f"computes the same as {twin.number}",
        curve=twin.curve,
        judgements=twin.judgements,
        latencies=twin.latencies,
        score=twin.score,
        value=twin.value,
    )


def ended(row: Outcome, result: Result, job: Job, batch_size: int) -> Outcome:
    """Add how the training ended, and whether its batch was smaller than the usual one."""
    halved = f"at batch {job.recipe.batch_size}: {batch_size} ran out of memory"
    details = [result.detail, halved if job.recipe.batch_size < batch_size else ""]
    return replace(
        row,
        ending=result.ending,
        curve=result.curve,
        detail="; ".join(filter(None, details)),
        seconds=result.seconds,
        attempt=job.attempt,
    )


def scored(row: Outcome, described: Description, evaluator: Evaluator) -> Outcome:
    """Add the verdicts and the score of a completed training.

    A constraint or score that raises turns the row into a crash whose detail names it. The network
    to be exported is not judged again: it was trained on the validation split too, so there is no
    measurement left to judge it by.
    """
    if row.ending != "completed" or row.purpose == "export":
        return row
    try:
        judged = evaluator.evaluate(described.candidate, row.curve[-1])
    except (ConstraintError, ValueError) as error:
        return replace(row, ending="crashed", detail=str(error))
    return _with(row, judged)


def rejudged(row: Outcome, evaluator: Evaluator) -> Outcome:
    """Judge and score a recorded row by the present rules, without training anything."""
    if row.purpose == "reference" or not row.fingerprint:
        return row
    try:
        candidate = evaluator.described(row.decisions, row.latencies).candidate
        if not row.curve or row.ending not in ("completed", "duplicate"):
            return replace(row, judgements=evaluator.judge_untrained(candidate))
        return _with(row, evaluator.evaluate(candidate, row.curve[-1]))
    except (InputError, ConstraintError) as error:
        return replace(row, ending="crashed", detail=str(error), score=None, value=None)


def judged_at(row: Outcome, measurement: Measurement, evaluator: Evaluator) -> CandidateEvaluation:
    """Judge a candidate as if its training ended with `measurement`; a failure means no score."""
    try:
        candidate = evaluator.described(row.decisions, row.latencies).candidate
        return evaluator.evaluate(candidate, measurement)
    except (InputError, ConstraintError):
        return CandidateEvaluation((), None, None)


def _with(row: Outcome, judged: CandidateEvaluation) -> Outcome:
    return replace(row, judgements=judged.judgements, score=judged.score, value=judged.value)
