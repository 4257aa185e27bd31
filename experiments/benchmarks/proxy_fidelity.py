r"""Does a short training rank networks as a long one does? Rank correlations and their cost.

    python -m experiments.benchmarks.record_space EXPERIMENT --data FOLDER --networks 60 \
        --replicas 12 --epochs 16 --data-share 0.5 --to long.parquet
    python -m experiments.benchmarks.proxy_fidelity PROXY.parquet --long long.parquet \
        --cheaper epochs4.parquet share16.parquet

All files are written by `record_space.py`, with the same networks trained alike except for the
length, the data or the image size. The ceiling is the agreement of a second long training of the
same networks: measured for the networks that have one (`twice`), and for all networks implied by
the deviations in those pairs. Intervals are 90 % of 2,000 bootstrap samples of the networks; for
the implied ceiling, of its noise. Costs are processor seconds as a share of the long training's.
The table also lists early points of the long curve, half of a short training with its
extrapolation, and estimates without any training: costs, a predictor, and (with `--probe EXPERIMENT
--data FOLDER`) reactions of the untrained networks.
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy import float64
from numpy.typing import NDArray
from scipy.stats import spearmanr

from experiments.benchmarks.command_line import parser_for
from experiments.benchmarks.fidelity_guesses import (
    Proxy,
    costs_and_neighbours,
    extrapolated,
    reactions,
)
from experiments.benchmarks.tables import heading, markdown
from gensynth.evaluation.measurement import Measurement
from gensynth.training.long_training import gain_at_end, is_flat

Floats = NDArray[float64]
SAMPLES = 2000
BAND = 0.2
"""Networks whose MACs differ by at most this share are ranked against each other."""


def main() -> None:
    """Print one row for each proxy."""
    options = _options()
    long = pd.read_parquet(options.long)
    truth, again = (_by_genome(long, replica) for replica in (0, 1))
    seconds = float(long["cpu_seconds"].median())
    print(f"{len(truth)} networks trained long, {len(again)} of them twice; {seconds:.0f} s each")
    _print_flatness(long)
    heads = ["proxy", "cost", "all", "twice", "better half", "within 20 % of MACs"]
    print(*heading(heads), sep="\n")
    print(_implied_ceiling(truth, again, long))
    for proxy in _proxies(options, long, seconds):
        print(_row(proxy, truth, again, long))


def _options() -> argparse.Namespace:
    parser = parser_for(__doc__)
    parser.add_argument("proxy", type=Path)
    parser.add_argument("--long", type=Path, required=True)
    parser.add_argument("--cheaper", type=Path, nargs="*", default=[])
    parser.add_argument("--probe", type=Path, help="experiment for probing untrained networks")
    parser.add_argument("--data", type=Path, help="image folder of that experiment")
    return parser.parse_args()


def _print_flatness(long: pd.DataFrame) -> None:
    curves = [[Measurement(k + 1, t, 0.0, 0.0) for k, t in enumerate(c)] for c in long["curve"]]
    gains = [gain for curve in curves if (gain := gain_at_end(curve)) is not None]
    flat = sum(bool(is_flat(curve)) for curve in curves)
    print(f"gain over the last fifth: {np.median(gains):.2f} points in the median, ", end="")
    print(f"{flat} of {len(curves)} flat")


def _proxies(options: argparse.Namespace, long: pd.DataFrame, seconds: float) -> Iterator[Proxy]:
    yield Proxy("a second long training", _by_genome(long, 1), 1.0)
    for path in [options.proxy, *options.cheaper]:
        table = pd.read_parquet(path)
        table = table[table["genome_id"].isin(long["genome_id"])]
        share = float(table["cpu_seconds"].median()) / seconds
        yield Proxy(path.stem, _by_genome(table, 0), share)
    yield from _early(long)
    recorded = pd.read_parquet(options.proxy)
    short = recorded[recorded["genome_id"].isin(long["genome_id"])]
    yield from extrapolated(short, float(short["cpu_seconds"].median()) / seconds)
    yield from costs_and_neighbours(long, recorded)
    if options.probe is not None and options.data is not None:
        yield from reactions(long, options.probe, options.data)


def _early(long: pd.DataFrame) -> Iterator[Proxy]:
    first = long[long["replica"] == 0].set_index("genome_id")
    length = len(first["curve"].iloc[0])
    for share in (0.125, 0.25, 0.5):
        epoch = max(1, round(share * length))
        early = first["curve"].map(lambda curve, e=epoch: curve[e - 1])
        yield Proxy(f"epoch {epoch} of the long training's {length}", early, epoch / length)


def _by_genome(table: pd.DataFrame, replica: int) -> pd.Series:
    """Return top-1 by genome; a failed training counts as 0."""
    rows = table[table["replica"] == replica].set_index("genome_id")
    return rows["top1"].astype(float).fillna(0.0)


def _implied_ceiling(truth: pd.Series, again: pd.Series, long: pd.DataFrame) -> str:
    """Simulate a second training of each network, with the deviation found in the pairs."""
    pairs = (truth.loc[again.index] - again).to_numpy(dtype=float64)
    apart = float(np.sqrt(np.mean(pairs**2)))
    exact, macs = truth.to_numpy(dtype=float64), _macs(long).loc[truth.index].to_numpy(float64)
    rng, better = np.random.default_rng(0), np.flatnonzero(exact >= np.median(exact))
    draws = [exact + rng.normal(0, apart, len(exact)) for _ in range(SAMPLES // 10)]
    cells = ["the ceiling implied by the pairs", "1.000"]
    cells.append(_spread([_rank(draw, exact) for draw in draws]))
    cells.append("")
    cells.append(_spread([_rank(draw[better], exact[better]) for draw in draws]))
    cells.append(_spread([_rank_within(draw, exact, macs) for draw in draws]))
    return markdown(cells)


def _spread(ranks: list[float]) -> str:
    low, high = np.nanquantile(ranks, [0.05, 0.95])
    return f"{np.nanmean(ranks):.2f} ({low:.2f} to {high:.2f})"


def _macs(long: pd.DataFrame) -> pd.Series:
    return long.drop_duplicates("genome_id").set_index("genome_id")["macs"]


def _row(proxy: Proxy, truth: pd.Series, again: pd.Series, long: pd.DataFrame) -> str:
    both = pd.DataFrame({"guess": proxy.guess, "truth": truth}).dropna()
    both["macs"] = _macs(long)
    guess, exact, macs = (both[name].to_numpy(dtype=float64) for name in both.columns)

    def ranked(rows: NDArray[np.intp]) -> str:
        return _interval(lambda drawn: _rank(guess[rows[drawn]], exact[rows[drawn]]), len(rows))

    everything = np.arange(len(both))
    cells = [proxy.name, f"{proxy.cost:.3f}"]
    cells.append(ranked(everything) if len(both) == len(truth) else "")
    cells.append(ranked(np.flatnonzero(both.index.isin(again.index))))
    better = np.flatnonzero(exact >= np.median(exact))
    cells.append(ranked(better) if len(both) == len(truth) else "")
    within = _interval(lambda c: _rank_within(guess[c], exact[c], macs[c]), len(both))
    cells.append(within if len(both) == len(truth) else "")
    return markdown(cells)


def _interval(measure: Callable[[NDArray[np.intp]], float], count: int) -> str:
    """Return the measure with its bootstrap interval, or a dash for too few networks."""
    if not np.isfinite(whole := measure(np.arange(count))):
        return "-"
    rng = np.random.default_rng(0)
    drawn = [measure(rng.integers(count, size=count)) for _ in range(SAMPLES)]
    low, high = np.nanquantile(drawn, [0.05, 0.95])
    return f"{whole:.2f} ({low:.2f} to {high:.2f})"


def _rank(guess: Floats, truth: Floats) -> float:
    if len(np.unique(guess)) < 2 or len(np.unique(truth)) < 2:
        return float("nan")
    return float(spearmanr(guess, truth).statistic)


def _rank_within(guess: Floats, truth: Floats, macs: Floats) -> float:
    """Rank each network among those of similar MACs; average, weighted by their number."""
    ranks, weights = [], []
    for centre in macs:
        near = np.abs(macs / centre - 1) <= BAND
        rank = _rank(guess[near], truth[near]) if near.sum() >= _FEWEST else float("nan")
        if np.isfinite(rank):
            ranks.append(rank)
            weights.append(int(near.sum()))
    return float(np.average(ranks, weights=weights)) if ranks else float("nan")


_FEWEST = 5
"""Least number of networks of similar MACs for a rank correlation."""


if __name__ == "__main__":
    main()
