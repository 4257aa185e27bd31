"""Paired, interleaved timing: every network in every round, so that all meet the same weather.

A measurement is some blocks of some rounds. A block opens every network anew (where its memory
lies is luck, too) and warms it up; a round times each once, in an order drawn for it. Of a block
counts the median over its rounds: of a network's time, and of its ratio to the reference's in the
same round. What is told is the median over the blocks, with the interval between two of the sorted
blocks that holds the true median with at least 95 % confidence whatever the distribution (order
statistics: for 10 blocks, the second of each end, 97.9 %). Slow drift and bursts of other work on
the machine move both of a pair or whole blocks, so the interval is as wide as they make it.
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
"""Makes a network ready to run, anew."""


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    blocks: int = 10
    rounds: int = 12
    """In a block."""
    sample_s: float = 0.001
    """A sample is as many inferences as take at least so long; the clock is much finer."""
    warm_up_s: float = 0.03
    """Before the rounds of a block, for each network, and at least three inferences."""
    confidence: float = 0.95


USUAL = Plan()
Clock = Callable[[], float]
"""Seconds."""


def time_paired(
    networks: Sequence[Open],
    reference: int | None = None,
    plan: Plan = USUAL,
    machine: str = "",
    clock: Clock = time.perf_counter,
) -> list[Latency]:
    """Time networks against each other; `reference` is the index of the one to compare with."""
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
    """Give an interval for the median of what `values` were drawn from, and its confidence.

    It lies between the k-th least and the k-th greatest value, which miss the median where fewer
    than k values lie on one side of it: with probability `2 sum_{i<k} C(n, i) / 2^n`. k is the
    largest that keeps `confidence`, or 1.
    """
    ranked, n = sorted(values), len(values)
    missed = [2 * sum(math.comb(n, i) for i in range(k)) / 2**n for k in range(n // 2 + 2)]
    k = max([k for k in range(1, (n + 1) // 2 + 1) if 1 - missed[k] >= confidence], default=1)
    return Interval(ranked[k - 1], ranked[n - k]), max(0.0, 1 - missed[k])


def _warm_up(infer: Infer, plan: Plan, clock: Clock) -> float:
    """Run until it is warm; give the seconds of the fastest inference."""
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
    plan: Plan,
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
        median_ms=median(medians),
        interval_ms=interval,
        quartiles_ms=Interval(low, high),
        ratio=ratio,
        ratio_interval=ratio_interval,
        confidence=confidence,
        samples=len(samples),
        machine=machine,
    )
