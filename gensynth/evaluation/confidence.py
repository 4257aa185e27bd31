"""Confidence bounds on measured top-1, for the choice of the winner and for what is published.

Two things make a top-1 uncertain, and they answer different questions.

*The seed*: the same genome, trained again, ends elsewhere. A floor is a rule about trainings on
the validation split, and the winner is the best of many, so its own search result flatters it.
Replicas with fresh seeds do not know of that choice, and Student's t over them bounds the mean
that further trainings would have: `lower_bound`.

*The images*: another sample of images would give another share. All replicas see the same
images, so averaging them does not help, and an allowance for it does not belong into the floor:
on 359 images at 98.5 % it is a whole point, which no training could overcome. It belongs to the
one figure that is measured on images nobody chose by, the test top-1: `wilson_interval`.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist, fmean, stdev


def lower_bound(top1s: Sequence[float], images: int, confidence: float = 0.9) -> float:
    """Bound from below the mean top-1 of trainings with fresh seeds, in percent.

    `mean - t(R - 1, confidence) * s / sqrt(R)` over `R` replicas (Student 1908; one-sided), with
    `s` their standard deviation, but never less than that of rounding to whole images,
    `100 / images / sqrt(12)`: replicas that happen to agree do not prove that seeds have no
    effect. A single replica tells nothing of seeds; the spread of a binomial share, which is
    wider in practice, then stands for theirs (Wilson's bound).

    Args:
        top1s: of the replicas, in percent; at least one.
        images: size of the split that they were measured on.
        confidence: one-sided, between 0 and 1.
    """
    if not top1s:
        raise ValueError("a lower bound needs at least one replica")
    if len(top1s) == 1:
        return wilson_interval(top1s[0], images, 2 * confidence - 1)[0]
    from scipy.special import stdtrit

    replicas = len(top1s)
    spread = max(stdev(top1s), 100 / images / math.sqrt(12))
    margin = float(stdtrit(replicas - 1, confidence)) * spread / math.sqrt(replicas)
    return max(fmean(top1s) - margin, 0.0)


def wilson_interval(top1: float, images: int, confidence: float = 0.95) -> tuple[float, float]:
    """Bound the top-1 on unseen images of the same kind from both sides, in percent.

    The score interval of a binomial share (Wilson 1927), which stays within 0..100 and holds
    near its ends; `top1` in percent was measured on `images` images.
    """
    if images < 1:
        raise ValueError(f"a share of {images} images does not exist")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = top1 / 100
    centre = share + z * z / (2 * images)
    reach = z * math.sqrt(share * (1 - share) / images + (z / (2 * images)) ** 2)
    scale = 100 / (1 + z * z / images)
    return max((centre - reach) * scale, 0.0), min((centre + reach) * scale, 100.0)
