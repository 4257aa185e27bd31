"""The one training of the finals' length that is made while the search still runs."""

from gensynth.campaign.context import Context
from gensynth.campaign.finals import ranking
from gensynth.evaluation.evaluator import Evaluator
from gensynth.evaluation.outcome import Outcome
from gensynth.generators.protocol import Generator, LearnsFromLonger
from gensynth.record.ledger import Ledger

SHARE, FEWEST = 3, 12
"""It is made when a third of the search, or of 12 trials, has ended."""


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
    early = len(ledger.searched()) * SHARE < max(experiment.trials, FEWEST)
    learns = isinstance(generator, LearnsFromLonger)
    if early or not asks or not learns or experiment.finals.epochs_factor <= 1:
        return None
    known = [*ledger.ended, *(running.row for running in ledger.running.values())]
    if any(outcome.purpose in ("longer", "final") for outcome in known):
        return None
    return next(iter(ranking(ledger.ended)), None)
