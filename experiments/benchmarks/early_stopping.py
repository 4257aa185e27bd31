r"""What early stopping saves and what it costs, on a recorded table of whole curves.

    python -m experiments.benchmarks.early_stopping experiments/fashion_mnist.toml \
        --table experiments/results/attendnext_fashion_mnist.parquet --trainings 40 --runs 500

Each run draws some recorded networks in random order and applies the rule of a campaign after every
epoch; nothing is trained. It compares the best NetScore among networks that keep the experiment's
least top-1: with the rule, and for the same networks trained to the end. It also lets the rule
continue with more networks until as many epochs are spent, and prints the mean difference in dB. A
random draw is the hard case, since a learned generator proposes fewer bad networks.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.benchmarks.command_line import parser_for
from experiments.benchmarks.tables import heading
from gensynth.campaign.early_stopping import EarlyStopping, Halving, Never, Running, SearchCurves
from gensynth.campaign.experiment import read_experiment
from gensynth.campaign.experiment_tables import Finals
from gensynth.campaign.finals import last_place
from gensynth.evaluation.measurement import Measurement
from gensynth.evaluation.score import NetScore


@dataclass(frozen=True)
class ByRank(Halving):
    """Halving as published: whoever falls behind is stopped."""

    def stops(self, running: Running, /) -> bool:
        """Whether the training falls behind."""
        return self.is_behind(running)


RULES = [
    kind(first, reduction)
    for kind, first, reduction in product((Halving, ByRank), (1, 2, 4), (2, 3))
]


@dataclass(frozen=True)
class Network:
    """One recorded training."""

    curve: tuple[Measurement, ...]
    params: float
    macs: float
    floor: float
    """The least top-1 that is allowed, in percent."""

    def scored(self, top1: float) -> float:
        """Return NetScore at a top-1, or minus infinity if that top-1 is not allowed."""
        if top1 < self.floor:
            return float("-inf")
        return NetScore().of(top1, self.params, self.macs)

    def reaches(self, least: float, measurement: Measurement) -> bool:
        """Whether it would score more than `least` if its training ended with a measurement."""
        return self.scored(measurement.top1) > least


@dataclass(frozen=True)
class Found:
    """The result of one run under a rule."""

    epochs: int
    score: float


def main() -> None:
    """Print one row for each rule."""
    options = _options()
    experiment = read_experiment(options.experiment)
    floor = float(experiment.constraints["top1"].options["min"])
    networks = recorded(pd.read_parquet(options.table), floor)
    print(f"{len(networks)} networks, {options.runs} runs of {options.trainings}, top-1 >= {floor}")
    heads = ["asks for", "first", "one in", "saved", "same best", "dB lost if not"]
    heads.append("at equal epochs")
    print(*heading(heads), sep="\n")
    rng = np.random.default_rng(0)
    drawn = [[networks[k] for k in rng.permutation(len(networks))] for _ in range(options.runs)]
    count = options.trainings
    whole = [search(order[:count], Never()) for order in drawn]
    for rule in RULES:
        found = [search(order[:count], rule) for order in drawn]
        more = [search(order, rule, full.epochs) for order, full in zip(drawn, whole, strict=True)]
        print(_row(rule, found, more, whole))


def _options() -> argparse.Namespace:
    parser = parser_for(__doc__)
    parser.add_argument("experiment", type=Path)
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--trainings", type=int, default=40)
    parser.add_argument("--runs", type=int, default=500)
    return parser.parse_args()


def recorded(table: pd.DataFrame, floor: float) -> list[Network]:
    """Read the completed first trainings of a table."""
    rows = table[(table["replica"] == 0) & (table["ending"] == "completed")]
    return [
        Network(_curve(curve), params, macs, floor)
        for curve, params, macs in zip(rows["curve"], rows["params"], rows["macs"], strict=True)
    ]


def _curve(top1s: Sequence[float]) -> tuple[Measurement, ...]:
    return tuple(Measurement(k, float(top1), 0.0, 0.0) for k, top1 in enumerate(top1s, 1))


def search(networks: Sequence[Network], rule: EarlyStopping, budget: float = float("inf")) -> Found:
    """Train networks one after the other under a rule, for up to `budget` epochs."""
    curves = SearchCurves(rule, len(networks[0].curve))
    epochs, scores = 0, list[float]()
    for number, network in enumerate(networks):
        if epochs >= budget:
            break
        for measurement in network.curve:
            epochs += 1
            is_admitted = partial(network.reaches, last_place(scores, Finals()))
            if curves.goes_on(number, measurement, is_admitted):
                continue
            # By rank alone, what is behind goes on only if it keeps the least top-1 already.
            if not (isinstance(rule, ByRank) and network.reaches(float("-inf"), measurement)):
                break
        else:
            scores.append(network.scored(network.curve[-1].top1))
            curves.remember(number, network.curve, completed=True)
    return Found(epochs, max(scores, default=float("-inf")))


def _row(
    rule: Halving, found: Sequence[Found], more: Sequence[Found], whole: Sequence[Found]
) -> str:
    saved = 1 - sum(f.epochs for f in found) / sum(w.epochs for w in whole)
    lost = np.array([w.score - f.score for f, w in zip(found, whole, strict=True)])
    known = lost[np.isfinite(lost)]
    worse = known[known > 0]
    mean = f"{worse.mean():.2f}" if len(worse) else "0"
    same = np.mean(known <= 0)
    gains = np.array([m.score - w.score for m, w in zip(more, whole, strict=True)])
    gain = f"{np.mean(gains[np.isfinite(gains)]):+.2f} dB"
    asked = f"{'rank' if isinstance(rule, ByRank) else 'hope'} | {rule.first}"
    return f"| {asked} | {rule.reduction} | {saved:.0%} | {same:.1%} | {mean} | {gain} |"


if __name__ == "__main__":
    main()
