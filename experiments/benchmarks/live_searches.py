r"""Searches with real trainings at equal budgets: the best feasible value of each generator.

    python -m experiments.benchmarks.live_searches digits --generators gensynth,tpe,gp,random \
        --seeds 5 --trials 16 --to experiments/results/search_on_digits.parquet
    python -m experiments.benchmarks.live_searches experiments/fashion_mnist.toml --data FOLDER ...

Every (generator, seed) is its own campaign, run inline on one core up to its finals. Run again, the
command continues where the file ends. Prints, for each generator, the median best value after some
numbers of trainings with its range over the seeds, the number of seeds in which gensynth is ahead
of it, and what G(s) draws at its start and at its end.
"""

import argparse
import os
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from experiments.benchmarks.command_line import experiment_on, parser_for
from experiments.benchmarks.plot import Band, write_svg
from gensynth.campaign.campaign import CampaignDriver
from gensynth.campaign.campaign_folder import driving
from gensynth.campaign.experiment import Experiment, embedded_experiment, read_experiment
from gensynth.campaign.experiment_tables import Plugin, Stopping
from gensynth.generators.synthesis.generator import Synthesis
from gensynth.generators.synthesis.population import population
from gensynth.training.attempt import attempt
from gensynth.training.job import Job

MOMENTS = (4, 8, 12, 16, 24, 32, 48)
SEEDS_OF_G = 64
"""Number of fresh seeds s for which G(s) is examined."""


def main() -> None:
    """Run the campaigns that the file lacks, and print the comparison."""
    options = _options()
    experiment = _experiment(options.experiment, options.data, options.trials)
    if options.without_stopping:
        experiment = replace(experiment, stopping=Stopping("none"))
    table = pd.read_parquet(options.to) if options.to.exists() else pd.DataFrame()
    done = set() if table.empty else set(zip(table["generator"], table["seed"], strict=True))
    names = options.generators.split(",")
    todo = [(name, seed) for seed, name in product(range(options.seeds), names)]
    os.environ["OMP_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(options.workers) as pool:
        new = [one for one in todo if one not in done]
        running = [pool.submit(search, experiment, *one, options.minutes) for one in new]
        for ended in as_completed(running):
            table = pd.concat([table, ended.result()], ignore_index=True)
            table.to_parquet(options.to, index=False)
    chosen = table[table["generator"].isin(names) & (table["seed"] < options.seeds)]
    report(chosen, names)
    if options.plot:
        write_svg(options.plot, [_band(chosen, n) for n in names], "trainings", "best value, dB")


def _options() -> argparse.Namespace:
    parser = parser_for(__doc__)
    parser.add_argument("experiment", help="digits, or an experiment file")
    parser.add_argument("--data", type=Path, help="image folder of an experiment file")
    parser.add_argument("--generators", default="gensynth,tpe,gp,random")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=16)
    parser.add_argument("--minutes", type=float, help="time limit of a search")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--without-stopping", action="store_true", help="train every network to the end"
    )
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--plot", type=Path, help="write an SVG chart of the best values")
    return parser.parse_args()


def _experiment(name: str, data: Path | None, trials: int) -> Experiment:
    if data is not None:
        experiment = experiment_on(Path(name), data)
    else:
        digits = name == "digits"
        experiment = embedded_experiment("digits") if digits else read_experiment(Path(name))
    return replace(experiment, trials=trials, executor="inline")


def search(
    experiment: Experiment, generator: str, seed: int, minutes: float | None = None
) -> pd.DataFrame:
    """Run one search; return a row for each training, with the best value so far."""
    settings = replace(experiment, generator=Plugin(generator), seed=seed)
    with (
        tempfile.TemporaryDirectory() as folder,
        driving(Path(folder), settings, None) as campaign,
    ):
        _train_all(campaign, minutes)
        rows = _rows(campaign) or [{"training": 0, "value": None, "epochs": 0}]
        drawn = _drawn(campaign)
        refused = sum(outcome.ending == "infeasible" for outcome in campaign.outcomes)
    table = pd.DataFrame(rows).assign(generator=generator, seed=seed, **drawn)
    table["best"] = table["value"].astype(float).cummax().ffill()
    trained = len(table[table["training"] > 0])
    best = f"{table['best'].iloc[-1]:.2f} dB"
    print(f"{generator} {seed}: {best}, {trained} trained, {refused} refused", flush=True)
    return table


def _train_all(campaign: CampaignDriver, minutes: float | None) -> None:
    end = float("inf") if minutes is None else time.monotonic() + 60 * minutes
    while isinstance(job := campaign.ask(), Job) and job.purpose == "search":
        if time.monotonic() > end:
            return

        def watch(measurement: Any, job: Job = job) -> bool:
            return campaign.report(job, measurement)

        campaign.tell(job, attempt(job, watch))


def _rows(campaign: CampaignDriver) -> list[dict[str, Any]]:
    trained = [outcome for outcome in campaign.outcomes if outcome.attempt > 0]
    return [
        {
            "training": index + 1,
            "value": outcome.value if outcome.ending == "completed" else None,
            "top1": outcome.top1,
            "params": outcome.profile.params if outcome.profile else None,
            "macs": outcome.profile.macs if outcome.profile else None,
            "ending": outcome.ending,
            "epochs": len(outcome.curve),
            "seconds": outcome.seconds,
        }
        for index, outcome in enumerate(trained)
    ]


def _drawn(campaign: CampaignDriver) -> dict[str, float]:
    """Return facts about G(s) for the same fresh seeds, at the start and as learned."""
    generator = campaign.generator
    if not isinstance(generator, Synthesis):
        return {}
    found: dict[str, float] = {}
    for when, learned in (("start", False), ("end", True)):
        facts = asdict(population(generator, SEEDS_OF_G, learned=learned))
        found |= {f"{when}.{name}": float(fact) for name, fact in facts.items()}
    return found


def report(table: pd.DataFrame, names: list[str]) -> None:
    """Print medians with ranges, paired comparisons over the seeds, and facts about G(s)."""
    moments = [n for n in MOMENTS if n <= table["training"].max()]
    best = best_by_training(table)
    print("best feasible value in dB after so many trainings: median [least, most] over seeds")
    for name in names:
        after = [best[name].loc[n] for n in moments]
        cells = [f"{v.median():7.2f} [{v.min():.2f}, {v.max():.2f}]" for v in after]
        print(f"{name:10s}", "  ".join(f"@{n}: {c}" for n, c in zip(moments, cells, strict=True)))
    epochs = table[table["training"] > 0].groupby("generator")["epochs"].mean()
    words = [f"{name} {epochs[name]:.2f}" for name in names if name in epochs]
    print("epochs of a training: " + ", ".join(words))
    final = best.iloc[-1].unstack("seed")
    for name in names[1:]:
        ahead = (final.loc[names[0]] > final.loc[name]).sum()
        print(f"{names[0]} is ahead of {name} in {ahead} of {final.shape[1]} seeds")
    last = table.loc[table.groupby(["generator", "seed"])["training"].idxmax()]
    drawn = [c for c in table.columns if c.startswith(("start.", "end."))]
    if drawn:
        means = last[drawn].mean(numeric_only=True)
        print("\n".join(f"G(s) {name}: {mean:.3g}" for name, mean in means.items()))


def best_by_training(table: pd.DataFrame) -> pd.DataFrame:
    """Return the best value after each training, by (generator, seed); -inf before any is feasible.

    A search that ended early keeps its last value.
    """
    found = table.pivot(index="training", columns=["generator", "seed"], values="best")
    every = range(int(found.index.min()), int(found.index.max()) + 1)
    return found.reindex(every).astype(float).ffill().fillna(float("-inf"))


def _band(table: pd.DataFrame, name: str) -> Band:
    """Return median and range of the best value, from the training at which most seeds have one.

    A seed without a feasible network counts as the least value of all searches.
    """
    best = table[table["generator"] == name].pivot(index="training", columns="seed", values="best")
    known = best[best.notna().mean(axis=1) > 0.5].fillna(table["best"].min())
    low, middle, high = (known.quantile(q, axis=1).to_numpy() for q in (0.0, 0.5, 1.0))
    return Band(name, np.asarray(known.index), low, middle, high)


if __name__ == "__main__":
    main()
