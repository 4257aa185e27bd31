"""How sure a few trainings make us of a network's top-1."""

from collections.abc import Sequence
from statistics import fmean, stdev

from scipy.stats import t as student_t


def lower_bound(top1s: Sequence[float], images: int, confidence: float) -> float:
    """Bound from below the mean top-1 (percent) that fresh trainings of a network would reach.

    One-sided Student bound over replicas that differ in their seed:
    `mean - t(confidence, n - 1) * s / sqrt(n)`. It covers the luck of a training, which is what
    the best of many trainings was chosen by; that the split has finitely many images is covered
    by the test split, which chose nothing.

    Few replicas can agree by accident: the deviation `s` is taken as at least that of a top-1
    which is known to one of `images` images only, `(100 / images) / sqrt(12)` (uniform rounding).
    A single replica has no deviation of its own, and that least one with one degree of freedom.

    Args:
        top1s: Validation top-1 of each replica, in percent; at least one.
        images: Size of the validation split.
        confidence: Between 0.5 and 1.

    Raises:
        ValueError: There is no replica.
    """
    if not top1s:
        raise ValueError("a bound needs at least one training")
    rounding = 100 / images / 12**0.5
    deviation = max(stdev(top1s), rounding) if len(top1s) > 1 else rounding
    quantile = float(student_t.ppf(confidence, max(len(top1s) - 1, 1)))
    return fmean(top1s) - quantile * deviation / len(top1s) ** 0.5
