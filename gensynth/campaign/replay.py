"""Bringing a generator back to where the record stands: the same calls, in the same order."""

from collections.abc import Sequence
from dataclasses import replace

from gensynth.errors import InputError
from gensynth.evaluation.constraint import ConstraintError, broken
from gensynth.evaluation.evaluator import Evaluator
from gensynth.evaluation.outcome import Outcome
from gensynth.generators.protocol import Generator


class ReplayMismatch(RuntimeError):
    """The generator did not decide as it did when the record was written."""


def replay(
    generator: Generator, rows: Sequence[Outcome], running: Sequence[Outcome], since: int = 0
) -> None:
    """Repeat every `ask` and `tell`: `rows` in the order told, `running` not told yet.

    Rows numbered below `since` were proposed by another generator and are only told. Raises
    `ReplayMismatch` where a proposal differs from the recorded one.
    """
    told = 0
    asked = sorted((o for o in [*rows, *running] if o.number >= since), key=lambda o: o.number)
    for ask in asked:
        while told < ask.asked_after:
            _tell(generator, rows[told])
            told += 1
        decisions = dict(generator.ask().decisions)
        if decisions != dict(ask.decisions):
            raise ReplayMismatch(f"candidate {ask.number} was proposed differently before")
    for row in rows[told:]:
        _tell(generator, row)


def _tell(generator: Generator, row: Outcome) -> None:
    if row.ending == "infeasible" and not broken(row.judgements):
        return  # Once rejected, now allowed: untrained, so there is nothing to learn yet.
    generator.tell(row)


def rejudged(evaluator: Evaluator, outcome: Outcome) -> Outcome:
    """Judge and score a recorded outcome by the present rules, without training anything."""
    if outcome.purpose == "reference" or not outcome.fingerprint:
        return outcome
    try:
        candidate = evaluator.described(outcome.decisions, outcome.latencies).candidate
        if not outcome.curve or outcome.ending not in ("completed", "duplicate"):
            return replace(outcome, judgements=evaluator.judge_untrained(candidate))
        judged = evaluator.evaluate(candidate, outcome.curve[-1])
    except (InputError, ConstraintError) as error:
        return replace(outcome, ending="crashed", detail=str(error), score=None, value=None)
    return replace(outcome, judgements=judged.judgements, score=judged.score, value=judged.value)
