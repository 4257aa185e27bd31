"""Paired, interleaved timing: every network runs in every round, under the same conditions.

A measurement consists of blocks of rounds. A block opens every network again (where its memory lies
is luck, too) and warms it up; a round times each network once, in random order. A block contributes
medians over its rounds: of a network's time, and of its ratio to the reference's time in the same
round. The result is the median over the blocks, with the interval between two of the sorted blocks
that contains the true median with at least 95 % confidence whatever the distribution (order
statistics: for 10 blocks, the second from each end, 97.9 %). Slow drift and bursts of other work on
the machine shift both of a pair, or whole blocks, and widen the interval accordingly.
"""

import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from gensynth.evaluation.latency import Interval, Latency

Infer = Callable[[], object]
"""Runs one inference."""
Open = Callable[[], Infer]
"""Opens a network, ready to run."""


@dataclass(frozen=True)
class TimingPlan:
    """How much is measured."""

    blocks: int = 10
    rounds: int = 12
    """Rounds of a block."""
    sample_s: float = 0.001
    """Shortest sample: as many inferences as take so long; the clock is much finer."""
    warm_up_s: float = 0.03
    """For each network before the rounds of a block, and at least three inferences."""
    confidence: float = 0.95


USUAL = TimingPlan()
Clock = Callable[[], float]
"""Seconds."""


def time_paired(
    networks: Sequence[Open],
    reference: int | None = None,
    plan: TimingPlan = USUAL,
    machine: str = "",
    clock: Clock = time.perf_counter,
) -> list[Latency]:
    """Time networks alternately; ratios refer to the network with the index `reference`.

    `clock` returns seconds.
    """
    order = random.Random(0)
    repeats: list[int] = []
    blocks: list[list[list[float]]] = []
    for _ in range(plan.blocks):
        opened = [network() for network in networks]
        rates = [_warm_up(infer, plan, clock) for infer in opened]
        repeats = repeats or [max(1, math.ceil(plan.sample_s / seconds)) for seconds in rates]
        blocks.append([_round(opened, repeats, order, clock) for _ in range(plan.rounds)])
    return [_latency(blocks, i, reference, plan, machine) for i in range(len(networks))]


def order_interval(values: Sequence[float], confidence: float) -> tuple[Interval, float]:
    """Return an interval for the median of the distribution of `values`, and its confidence.

    It lies between the k-th least and the k-th greatest value, which miss the median if fewer than
    k values lie on one side of it: with probability `2 sum_{i<k} C(n, i) / 2^n`. k is the largest
    that keeps `confidence`, or 1.
    """
    ranked, n = sorted(values), len(values)
    missed = [2 * sum(math.comb(n, i) for i in range(k)) / 2**n for k in range(n // 2 + 2)]
    k = max([k for k in range(1, (n + 1) // 2 + 1) if 1 - missed[k] >= confidence], default=1)
    return Interval(ranked[k - 1], ranked[n - k]), max(0.0, 1 - missed[k])


def _warm_up(infer: Infer, plan: TimingPlan, clock: Clock) -> float:
    """Run until warm; return the seconds of the fastest inference."""
    fastest, count, start = math.inf, 0, clock()
    while count < 3 or clock() - start < plan.warm_up_s:
        begin = clock()
        infer()
        fastest, count = min(fastest, clock() - begin), count + 1
    return max(fastest, 1e-9)


def _round(
    opened: Sequence[Infer], repeats: Sequence[int], order: random.Random, clock: Clock
) -> list[float]:
    """Time each network once, in milliseconds of one inference."""
    times = [0.0] * len(opened)
    for i in order.sample(range(len(opened)), len(opened)):
        infer, count = opened[i], repeats[i]
        begin = clock()
        for _ in range(count):
            infer()
        times[i] = 1000 * (clock() - begin) / count
    return times


def _latency(
    blocks: Sequence[Sequence[Sequence[float]]],
    i: int,
    reference: int | None,
    plan: TimingPlan,
    machine: str,
) -> Latency:
    samples = [times[i] for block in blocks for times in block]
    medians = [median(times[i] for times in block) for block in blocks]
    interval, confidence = order_interval(medians, plan.confidence)
    ratio, ratio_interval = None, None
    if reference is not None:
        ratios = [median(times[i] / times[reference] for times in block) for block in blocks]
        ratio, ratio_interval = median(ratios), order_interval(ratios, plan.confidence)[0]
    low, _, high = quantiles(samples, n=4) if len(samples) > 1 else (samples * 3)
    return Latency(
        median=median(medians),
        interval=interval,
        quartiles=Interval(low, high),
        ratio=ratio,
        ratio_interval=ratio_interval,
        confidence=confidence,
        samples=len(samples),
        machine=machine,
    )
