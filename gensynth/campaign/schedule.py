"""When a campaign stops proposing candidates: after its trials, by the clock, or when told to.

The clock is planned backwards: the last training and the finals have their shares of the time, and
the search goes on until what is left is what they need at the pace measured so far.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import ceil
from pathlib import Path
from statistics import median

from gensynth.campaign.context import Context
from gensynth.campaign.experiment import Experiment
from gensynth.campaign.finals import Finalist, ranking, winner
from gensynth.errors import InputError
from gensynth.evaluation.evaluator import Evaluator
from gensynth.evaluation.outcome import Outcome
from gensynth.generators.protocol import Generator, LearnsFromLonger
from gensynth.record.ledger import Ledger

FINISH = "finish"
"""A file of this name in a campaign's folder ends its search; finals and last training follow."""
FINALS_SHARE, LAST_SHARE = 0.3, 0.25
"""Largest shares of the time that the finals and the last training may take."""
EXPECTED_SHARE = 0.7
"""Share of the finals' trainings that a race usually needs."""
CLOSING_S = 5.0
"""Seconds that the export and the report take."""
REPETITIONS = 200
"""The search ends after this many consecutive proposals that lead to no training."""
ALIKE = 5
"""The search ends after this many consecutive trainings that crash with the same words."""
LONGER_SHARE, FEWEST = 3, 12
"""The training of the finals' length comes after a third of the search, or of 12 trials."""


@dataclass(frozen=True)
class Clock:
    """The time that a whole campaign may take."""

    minutes: float
    workers: int = 1
    """Trainings that run at once."""
    now: Callable[[], float] = time.monotonic
    begun: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        """Refuse a time in which nothing can be trained."""
        if not self.minutes > 0:
            raise InputError("minutes", f"must be greater than 0, got {self.minutes}")

    def left_s(self) -> float:
        """Return the seconds that are left; negative once the time is over."""
        return self.begun + 60 * self.minutes - self.now()


@dataclass(frozen=True)
class Schedule:
    """When the search of one campaign is over, and when its finals are."""

    folder: Path
    clock: Clock | None = None
    counts: bool = True
    """Whether the search ends after the experiment's `trials`."""
    closing: bool = False
    """Whether it is over now."""

    @property
    def finishing(self) -> bool:
        """Whether the search is to end now."""
        return self.closing or (self.folder / FINISH).exists()

    def searches(
        self, experiment: Experiment, ledger: Ledger, finalists: Callable[[], Sequence[Finalist]]
    ) -> bool:
        """Return whether another candidate is to be proposed."""
        if self.finishing or (self.counts and ledger.trainings() >= experiment.trials):
            return False
        if self.clock is None:
            return True
        begun = any(outcome.purpose == "final" for outcome in ledger.ended)
        missing = sum(finalist.missing for finalist in finalists()) if begun else None
        needed = needed_s(experiment, ledger.ended, missing, self.clock.workers)
        return self.clock.left_s() > needed

    def finals_are_over(
        self, experiment: Experiment, ended: Sequence[Outcome], chosen: Sequence[Finalist]
    ) -> bool:
        """Return whether no further training of the finals fits into the time."""
        if self.clock is None:
            return False
        needed = 0.0 if winner(chosen) is None else _last_s(experiment, ended)
        return self.clock.left_s() < needed


def needed_s(
    experiment: Experiment, ended: Sequence[Outcome], missing: int | None, workers: int
) -> float:
    """Return the seconds that a campaign needs once its search ends, at the pace so far.

    Running trainings come to their end, then come the finals, then the last training. `missing` are
    the trainings that the finals still need; None before they have begun.
    """
    finals = experiment.finals
    unit = _unit_s(experiment, ended)
    waiting = unit * (2 if workers > 1 else 1)  # A worker has its next candidate in advance.
    expected = ceil(EXPECTED_SHARE * finals.candidates * finals.replicas)
    trainings = expected if missing is None else max(1, missing)
    finals_s = ceil(trainings / workers) * unit * finals.epochs_factor
    return waiting + finals_s + _last_s(experiment, ended) + (CLOSING_S if unit else 0.0)


def fitted(experiment: Experiment, clock: Clock, unit_s: float) -> Experiment:
    """Return the experiment with finals and a last training that fit into the time.

    They are shortened only as far as necessary. `unit_s` is the predicted time of one training of
    the search.
    """
    total = 60 * clock.minutes
    finals, last = experiment.finals, experiment.last_training
    room = FINALS_SHARE * total / (unit_s * finals.epochs_factor)
    sizes = [
        (candidates, replicas)
        for candidates in range(1, finals.candidates + 1)
        for replicas in range(min(2, finals.replicas), finals.replicas + 1)
        if ceil(EXPECTED_SHARE * candidates * replicas / clock.workers) <= room
    ]
    candidates, replicas = max(
        sizes, key=lambda size: (size[0] * size[1], size[0]), default=(1, min(2, finals.replicas))
    )
    factor = min(last.epochs_factor, LAST_SHARE * total / (unit_s * _last_share(experiment)))
    return replace(
        experiment,
        finals=replace(finals, candidates=candidates, replicas=replicas),
        last_training=replace(last, epochs_factor=factor),
    )


def _unit_s(experiment: Experiment, ended: Sequence[Outcome]) -> float:
    """Return the seconds of one training of the search, from those that have ended; 0 if none."""
    trained = [o for o in ended if o.purpose == "search" and o.attempt > 0 and o.curve]
    paces = [outcome.seconds / len(outcome.curve) for outcome in trained]
    return median(paces) * experiment.proxy.epochs if paces else 0.0


def _last_s(experiment: Experiment, ended: Sequence[Outcome]) -> float:
    factor = experiment.last_training.epochs_factor
    return _unit_s(experiment, ended) * factor * _last_share(experiment)


def _last_share(experiment: Experiment) -> float:
    """Return how many times as many images an epoch of the last training has."""
    return experiment.last_training.data_share / experiment.proxy.data_share


# Reasons to end early ---------------------------------------------------------------------------


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


def for_longer(
    context: Context, evaluator: Evaluator, ledger: Ledger, generator: Generator
) -> Outcome | None:
    """Return the candidate that shows what the finals' length gains; None if it is not the time.

    It is the best one once a third of the search is over, if the rules ask for an accuracy and the
    finals train longer than the search, and if the generator learns from it. Should it be a
    finalist, the training counts there.
    """
    experiment = context.experiment
    rules = evaluator.indicator.rules
    asks = any(r.constraint.needs == "proxy" and r.mode == "enforce" for r in rules)
    early = len(ledger.searched()) * LONGER_SHARE < max(experiment.trials, FEWEST)
    learns = isinstance(generator, LearnsFromLonger)
    if early or not asks or not learns or experiment.finals.epochs_factor <= 1:
        return None
    known = [*ledger.ended, *(running.row for running in ledger.running.values())]
    if any(outcome.purpose in ("longer", "final") for outcome in known):
        return None
    return next(iter(ranking(ledger.ended)), None)


@dataclass(frozen=True)
class Wait:
    """There is no job until another one has ended."""


@dataclass(frozen=True)
class Done:
    """The campaign has ended, for this reason."""

    reason: str
