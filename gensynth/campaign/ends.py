"""Why a search ends before all of its trainings are done."""

from gensynth.evaluation.outcome import Outcome
from gensynth.record.ledger import Ledger

REPETITIONS = 200
"""The search ends after this many consecutive proposals that lead to no training."""
ALIKE = 5
"""The search ends after this many consecutive trainings that crash with the same words."""


class Ends:
    """Watches for what no further candidate would change."""

    def __init__(self, ledger: Ledger) -> None:
        """Begin with what earlier runs have found out."""
        self.reason = ledger.exhausted
        """Why the search ends; empty while it goes on."""
        self._ledger = ledger
        self._words = ""
        self._alike = 0

    def training(self, ended: Outcome) -> None:
        """Notice the end of a training: after several crashes alike, others would crash, too."""
        words = ended.detail if ended.ending == "crashed" else ""
        self._alike = self._alike + 1 if words and words == self._words else 1
        self._words = words
        if words and self._alike >= ALIKE:
            self.reason = f"{ALIKE} trainings in a row crashed alike: {words}; repair the cause "
            self.reason += "and add --retry-failed to the same command"

    def idle(self) -> None:
        """Notice that `REPETITIONS` consecutive proposals have led to no training."""
        last = self._ledger.ended[-1]
        self.reason = f"{REPETITIONS} proposals in a row led to no training; the last one was "
        self.reason += f"{last.ending} ({last.detail})"
        if self._ledger.nothing_new(REPETITIONS):
            self.reason = f"the space is exhausted: {self.reason}"
            self._ledger.exhaust(self.reason)
