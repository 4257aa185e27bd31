"""Confidence bounds on a measured top-1, for choosing the winner and for what is published.

A top-1 is uncertain for two reasons, and each matters for another question.

*The seed*: the same genome, trained again, ends at another accuracy. A constraint on the accuracy
is about trainings on the validation split, and the winner is the best of many, so its result in the
search flatters it. Replicas with fresh seeds are not affected by that choice, and Student's t
distribution bounds the mean that further trainings would have: `lower_bound`.

*The images*: on another sample of images, the share would differ. All replicas see the same images,
so averaging them does not help. The constraint makes no allowance for this: on 359 images at 98.5 %
it would be a whole point, which no training could make up for. It belongs to the one figure that is
measured on images that nobody chose by, the test top-1: `wilson_interval`.
"""

import math
from collections.abc import Sequence
from statistics import fmean, stdev


def lower_bound(top1s: Sequence[float], images: int, confidence: float = 0.9) -> float:
    """Return a lower bound on the mean top-1 of trainings with fresh seeds, in percent.

    With `R` replicas it is `mean - t(R - 1, confidence) * s / sqrt(R)` (Student 1908), where `s` is
    their standard deviation, but at least that of rounding to whole images,
    `100 / images / sqrt(12)`: replicas that happen to agree do not prove that seeds have no effect.
    A single replica says nothing about seeds. Wilson's bound on the share then takes the place of
    theirs; in practice it is wider.

    Args:
        top1s: top-1 of each replica, in percent; at least one.
        images: size of the split on which they were measured.
        confidence: one-sided, between 0 and 1.
    """
    from scipy import stats

    if not top1s:
        raise ValueError("a lower bound needs at least one replica")
    if len(top1s) == 1:
        share = stats.binomtest(_correct(top1s[0], images), images, alternative="greater")
        return 100 * float(share.proportion_ci(confidence, "wilson").low)
    replicas = len(top1s)
    spread = max(stdev(top1s), 100 / images / math.sqrt(12))
    mean = stats.t(replicas - 1, loc=fmean(top1s), scale=spread / math.sqrt(replicas))
    return max(float(mean.ppf(1 - confidence)), 0.0)


def reachable_bound(
    top1s: Sequence[float], replicas: int, images: int, confidence: float = 0.9
) -> float:
    """Return the highest `lower_bound` that `replicas` in all can have after those in `top1s`.

    Whatever the trainings that are still to come bring, the bound is not higher: who cannot keep a
    rule by it need not be trained again. The best results to come are equal to each other, since
    their mean raises the bound and their spread lowers it; the bound is concave in their mean.
    """
    from scipy.optimize import minimize_scalar

    left = replicas - len(top1s)
    if left <= 0:
        return lower_bound(top1s, images, confidence)

    def missed(result: float) -> float:
        return -lower_bound([*top1s, *[result] * left], images, confidence)

    found = minimize_scalar(missed, bounds=(min(top1s), 100.0), method="bounded")
    return max(-float(found.fun), *(-missed(result) for result in (fmean(top1s), 100.0)))


def wilson_interval(top1: float, images: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return an interval for the top-1 on unseen images of the same kind, in percent.

    This is the score interval of a binomial share (Wilson 1927), which is reliable even near 0 and
    100 percent. `top1`, in percent, was measured on `images` images.

    >>> low, high = wilson_interval(98.0, images=400)
    >>> round(low, 1), round(high, 1)
    (96.1, 99.0)
    """
    from scipy import stats

    found = stats.binomtest(_correct(top1, images), images).proportion_ci(confidence, "wilson")
    return 100 * float(found.low), 100 * float(found.high)


def _correct(top1: float, images: int) -> int:
    """Return the number of images that were classified correctly."""
    if images < 1:
        raise ValueError(f"a share of {images} images does not exist")
    return round(top1 / 100 * images)
