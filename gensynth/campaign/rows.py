"""Making a row of the record: what becomes known of a candidate on its way, as pure functions."""

from dataclasses import replace

from gensynth.evaluation.constraint import ConstraintError, broken
from gensynth.evaluation.evaluator import Description, Evaluator
from gensynth.evaluation.outcome import Outcome, Purpose
from gensynth.generators.protocol import Proposal
from gensynth.training.attempt import Result
from gensynth.training.job import Job


def proposed(number: int, asked_after: int, proposal: Proposal) -> Outcome:
    """Begin the row of a proposal: nothing is known yet, nobody trains it yet."""
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
    """Begin the row of another training of the same network, for another purpose."""
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


def reference(number: int, asked_after: int, name: str) -> Outcome:
    """Begin the row of a reference network, which goes by its name."""
    return Outcome(
        number=number,
        asked_after=asked_after,
        decisions={},
        genome_id=name,
        fingerprint=name,
        ending="lost",
        purpose="reference",
    )


def foreseen(row: Outcome, described: Description, evaluator: Evaluator) -> Outcome:
    """Enter what is known before training; the detail says which enforced rules are broken."""
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


def answered(row: Outcome, twin: Outcome) -> Outcome:
    """Answer a repetition from the record; a twin that still runs has no answer yet."""
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
    """Enter how the training ended, and whether it took a smaller batch than the usual one."""
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
    """Judge and score a completed training; a rule that raises is a crash, with its name.

    The network that is exported was trained on the validation split too, so there is no
    measurement left by which it could be judged again.
    """
    if row.ending != "completed" or row.purpose == "export":
        return row
    try:
        judged = evaluator.evaluate(described.candidate, row.curve[-1])
    except (ConstraintError, ValueError) as error:
        return replace(row, ending="crashed", detail=str(error))
    return replace(row, judgements=judged.judgements, score=judged.score, value=judged.value)
