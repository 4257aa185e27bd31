"""Accuracy per class, for imbalanced data, from the confusion matrix of a final measurement.

A confusion matrix counts images by (true class, predicted class). Constraints and scores find it in
`candidate.measurement.confusion`, which is empty before the last epoch.
"""

from collections.abc import Sequence
from statistics import fmean

from gensynth.evaluation.measurement import Measurement

Confusion = Sequence[Sequence[int]]


def sensitivity(confusion: Confusion, label: int) -> float | None:
    """Return the percentage of the images of class `label` that were classified as such.

    None if the class has no images.

    >>> sensitivity([[8, 2], [1, 9]], label=0)
    80.0
    """
    return _percent(confusion[label][label], sum(confusion[label]))


def precision(confusion: Confusion, label: int) -> float | None:
    """Return the percentage of the images classified as `label` that belong to that class.

    None if no image was classified as `label`.
    """
    return _percent(confusion[label][label], sum(row[label] for row in confusion))


def balanced_accuracy(confusion: Confusion) -> float:
    """Return the mean sensitivity, in percent, of the classes that have images.

    It equals the top-1 accuracy if all classes have the same number of images. Otherwise, always
    predicting the largest class does not increase it (Brodersen et al. 2010).

    Raises:
        ValueError: the matrix counts no image.

    >>> balanced_accuracy([[8, 2], [1, 9]])
    85.0
    """
    found = [sensitivity(confusion, label) for label in range(len(confusion))]
    known = [share for share in found if share is not None]
    if not known:
        raise ValueError("the confusion matrix must count at least one image")
    return fmean(known)


def measured_balance(measured: Measurement | None) -> float | None:
    """Return the balanced accuracy of a training, in percent; None if its classes are not known.

    Where a rule is judged at another top-1 than was measured (on the lower confidence bound of the
    finals, or at a prediction), it differs from the measured one by as many percentage points.

    >>> measured_balance(Measurement(1, 85.0, 0.1, 0.0, ((9, 1), (2, 8))))
    85.0
    >>> measured_balance(Measurement(1, 80.0, 0.1, 0.0, ((9, 1), (2, 8))))
    80.0
    """
    if measured is None or not measured.confusion:
        return None
    right = sum(row[label] for label, row in enumerate(measured.confusion))
    top1 = 100 * right / sum(map(sum, measured.confusion))
    shifted = balanced_accuracy(measured.confusion) + measured.top1 - top1
    return min(max(shifted, 0.0), 100.0)


def _percent(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None
