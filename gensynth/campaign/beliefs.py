"""What is believed of the candidates when the search ends: the order in which the finals try them.

The best measured value belongs to a lucky training more often than not. So the finals follow the
posterior of an inquisitor that has seen every outcome, whichever generator proposed the candidates.
It is a function of the record, and it is noted there, because computing it takes seconds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import hypot, sqrt
from statistics import fmean

from scipy.special import ndtr

from gensynth.campaign.context import Context
from gensynth.evaluation.evaluator import Evaluator
from gensynth.evaluation.outcome import Outcome
from gensynth.generators.space_problem import SpaceProblem
from gensynth.generators.synthesis.candidates import sampled_candidate
from gensynth.generators.synthesis.inquisitor import Inquisitor
from gensynth.generators.synthesis.learned_generator import LearnedGenerator, SelfPlay
from gensynth.record.ledger import Ledger
from gensynth.serialization import from_plain, to_plain

NOTE = "beliefs"
"""Name of the note in the record."""
FEWEST = 4
"""Completed trainings of the search below which the measured values are all that is known."""
GAIN_DEVIATION = 0.5
"""Standard deviation in points of what is believed of the gain of a longer training."""
ROUNDS_EACH = 4
"""Rounds of self-play for each training of the search."""


@dataclass(frozen=True)
class Belief:
    """The top-1 in percent that is believed of one network, trained as long as in the finals."""

    mean: float
    deviation: float
    """Standard deviation in points."""


@dataclass(frozen=True)
class Beliefs:
    """What is believed of all candidates that completed their training in the search."""

    known: int
    """Outcomes of the search that the beliefs follow from."""
    networks: Mapping[str, Belief]
    """By the genome's name."""
    noise: float
    """Standard deviation of one training in points."""
    reserve: float
    """Points by which the lower bound of the finals is expected to lie below their mean."""

    def after(self, outcome: Outcome, top1s: Sequence[float]) -> Belief:
        """Return what is believed of a candidate once trainings have ended at `top1s` percent."""
        before, count = self.networks[outcome.genome_id], len(top1s)
        if not count:
            return before
        weight = before.deviation**2 / (before.deviation**2 + self.noise**2 / count)
        mean = before.mean + weight * (fmean(top1s) - before.mean)
        return Belief(mean, before.deviation * sqrt(1 - weight))

    def chance(self, outcome: Outcome, top1s: Sequence[float], least: float, left: int) -> float:
        """Return the chance that the bound of a finalist reaches `least` percent.

        `top1s` are those of its trainings so far, of which `left` more are to come.
        """
        belief, whole = self.after(outcome, top1s), len(top1s) + left
        mean = (sum(top1s) + left * belief.mean) / whole
        deviation = hypot(belief.deviation, self.noise / sqrt(left)) * left / whole
        return float(ndtr((mean - self.reserve - least) / deviation))


def believed(
    problem: SpaceProblem, outcomes: Sequence[Outcome], longer: Sequence[Outcome]
) -> Beliefs | None:
    """Return what is believed of the search's `outcomes`; None while there are too few.

    `longer` are trainings of the finals' length, which tell how much these gain.
    """
    done = {o.genome_id: o for o in outcomes if o.ending == "completed" and o.top1 is not None}
    if len(done) < FEWEST or problem.confirmation is None:
        return None
    inquisitor = Inquisitor(problem)
    for outcome in outcomes:
        inquisitor.observe(outcome)
    for outcome in longer:
        inquisitor.observe_longer(outcome)
    found = inquisitor.assess(
        [sampled_candidate(problem, o.decisions, o.seed) for o in done.values()]
    )
    gain, noise = inquisitor.gain(), inquisitor.noise(fmean(o.top1 or 0.0 for o in done.values()))
    doubt = GAIN_DEVIATION if problem.confirmation.longer else 0.0
    networks = {
        name: Belief(float(mean) + gain, hypot(deviation, doubt))
        for name, mean, deviation in zip(done, found.mean, found.deviation, strict=True)
    }
    return Beliefs(len(outcomes), networks, noise, problem.confirmation.reserve(noise))


def learned_generator(
    context: Context, ledger: Ledger, evaluator: Evaluator, length: SelfPlay | None = None
) -> LearnedGenerator:
    """Return G*(s) as the record implies it: I learns from it, and G from I by self-play.

    Unless `length` says otherwise, self-play is as long as there are trainings to learn from: after
    few, longer play would only learn the errors of I.
    """
    longer = [o for o in ledger.ended if o.purpose == "longer"]
    problem, seed = context.problem(evaluator), context.experiment.seed
    rounds = min(SelfPlay.rounds, ROUNDS_EACH * ledger.trainings())
    length = length or SelfPlay(rounds=max(1, rounds))
    return LearnedGenerator(problem, ledger.searched(), longer, seed, length)


class KeptBeliefs:
    """The beliefs that a record notes."""

    def __init__(self, context: Context, ledger: Ledger) -> None:
        """Read and write the note of `ledger`."""
        self._context, self._ledger = context, ledger
        self._read: Beliefs | None = None

    def kept(self) -> Beliefs | None:
        """Return the beliefs, if they were noted since the search ended."""
        if self._read is None and (noted := self._ledger.noted(NOTE)) is not None:
            self._read = from_plain(Beliefs, noted, NOTE)
        known = len(self._ledger.searched())
        return self._read if self._read is not None and self._read.known == known else None

    def renew(self, evaluator: Evaluator) -> None:
        """Note what is believed of the candidates now, unless it is known."""
        if self.kept() is None:
            longer = [o for o in self._ledger.ended if o.purpose == "longer"]
            problem = self._context.problem(evaluator)
            self._read = believed(problem, self._ledger.searched(), longer)
            if self._read is not None:
                self._ledger.note(NOTE, to_plain(self._read))
