"""The latency of a candidate, measured before it is trained."""

from dataclasses import replace

from gensynth.campaign.context import Context
from gensynth.evaluation.constraint import ConstraintError
from gensynth.evaluation.evaluator import Description, Evaluator
from gensynth.evaluation.outcome import Outcome
from gensynth.latency.job import Stopwatch
from gensynth.record import rows
from gensynth.record.ledger import Ledger


def timed(
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
        return rows.screened(new, replace(described, candidate=candidate), evaluator)
    except ConstraintError as error:
        return replace(new, ending="crashed", detail=str(error))
