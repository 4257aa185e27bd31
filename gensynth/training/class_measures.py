"""Measures per class, from the confusion matrix of a final measurement: for imbalanced data.

A confusion matrix counts images by (true class, predicted class). A constraint finds it in
`candidate.measurement.confusion`, which is empty before the last epoch.
"""

from collections.abc import Sequence
from statistics import fmean

Confusion = Sequence[Sequence[int]]


def sensitivity(confusion: Confusion, label: int) -> float | None:
    """Give the percent of the images of class `label` that were found; None where it has none."""
    return _percent(confusion[label][label], sum(confusion[label]))


def precision(confusion: Confusion, label: int) -> float | None:
    """Give the percent of what was called `label` that is it; None where nothing was."""
    return _percent(confusion[label][label], sum(row[label] for row in confusion))


def balanced_accuracy(confusion: Confusion) -> float:
    """Give the mean sensitivity of the classes that have images, in percent.

    It equals the top-1 where all classes are of one size, and does not rise by guessing the
    largest class where they are not (Brodersen et al. 2010).
    """
    found = [sensitivity(confusion, label) for label in range(len(confusion))]
    known = [share for share in found if share is not None]
    if not known:
        raise ValueError("an empty confusion matrix has no accuracy")
    return fmean(known)


def _percent(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None
