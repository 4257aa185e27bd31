"""Restoring a generator's state: every recorded call is repeated in its original order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from gensynth.evaluation.constraint import broken
from gensynth.evaluation.outcome import Outcome
from gensynth.generators.protocol import Generator, LearnsFromLonger
from gensynth.record.ledger import Ledger


class ReplayMismatch(RuntimeError):
    """The generator does not decide as it did when the record was written."""


@dataclass(frozen=True)
class Restored:
    """A generator in the state that the record implies."""

    generator: Generator
    warning: str = ""
    """Why it was restored from the outcomes alone; empty if its calls could be repeated."""


def restore(make: Callable[[], Generator], ledger: Ledger, since: int) -> Restored:
    """Return a generator that has made and seen what the ledger holds.

    Candidates numbered below `since` were proposed under other rules or by another generator; the
    new one only learns from them. If it proposes anything else than it did before, as a later
    version of it may, it only learns from all of them, and the ledger notes that it restarted.
    """
    generator = make()
    try:
        replay(generator, _told(ledger), ledger.searching(), since)
    except ReplayMismatch as mismatch:
        warning = f"{mismatch}; the generator restarts from the record"
        ledger.warn(warning)
        generator = make()
        replay(generator, _told(ledger), [], ledger.begin_anew())
        return Restored(generator, warning)
    return Restored(generator)


def _told(ledger: Ledger) -> list[Outcome]:
    """Return the ended candidates; forgiven ones as if their training had never been told."""
    return [
        replace(outcome, ending="infeasible", judgements=())
        if outcome.number in ledger.forgiven
        else outcome
        for outcome in ledger.told()
    ]


def replay(
    generator: Generator, ended: Sequence[Outcome], running: Sequence[Outcome], since: int = 0
) -> None:
    """Repeat every `ask` and `tell`; `ended` is in the order in which the candidates ended.

    The generator learns of candidates numbered below `since`, but is not asked for them. Raises
    `ReplayMismatch` if a proposal differs from the recorded one.
    """
    told = 0
    proposed = [o for o in [*ended, *running] if o.purpose == "search" and o.number >= since]
    asked = sorted(proposed, key=lambda o: o.number)
    for recorded in asked:
        while told < recorded.asked_after:
            tell(generator, ended[told])
            told += 1
        decisions = dict(generator.ask().decisions)
        if decisions != dict(recorded.decisions):
            raise ReplayMismatch(f"candidate {recorded.number} was proposed differently before")
    for outcome in ended[told:]:
        tell(generator, outcome)


def tell(generator: Generator, outcome: Outcome) -> None:
    """Tell a generator of a candidate that has ended, if it has anything to learn from it."""
    if outcome.purpose == "longer":
        if isinstance(generator, LearnsFromLonger):
            generator.tell_longer(outcome)
        return
    if outcome.ending == "infeasible" and not broken(outcome.judgements):
        return  # Rejected under earlier rules and allowed now: it was never trained.
    generator.tell(outcome)
