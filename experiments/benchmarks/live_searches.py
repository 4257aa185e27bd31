"""Equal budgets on the default experiment: best feasible pursued value by generator and seed.

    python experiments/benchmarks/search_on_digits.py --generators gensynth,tpe,gp,random \
        --seeds 5 --trials 16 --to experiments/results/search_on_digits.parquet

Every (generator, seed) is a campaign of its own, run inline on one core up to its finals; the
trainings are real. Prints, per generator, the median best value after some numbers of trainings
with its range over the seeds, and in how many seeds it is no worse than each other generator.
"""

import argparse
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import product
from pathlib import Path

import pandas as pd

from gensynth.attempt import Watch, attempt
from gensynth.campaign import Campaign
from gensynth.experiment import Experiment, Plugin, embedded_experiment
from gensynth.proxy import Job
from gensynth.record.folder import driving


def main() -> None:
    """Run all campaigns, a few side by side, and print the comparison."""
    options = _options()
    todo = list(product(options.generators.split(","), range(options.seeds)))
    os.environ["OMP_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(options.workers) as pool:
        tables = pool.map(_campaign, *zip(*todo, strict=True), [options.trials] * len(todo))
        table = pd.concat(list(tables), ignore_index=True)
    if options.to:
        table.to_parquet(options.to)
    report(table)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--generators", default="gensynth,tpe,gp,random")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=16)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--to", type=Path)
    return parser.parse_args()


def _campaign(generator: str, seed: int, trials: int) -> pd.DataFrame:
    """Search with one generator and seed; one row for each training, best value so far."""
    settings = replace(
        embedded_experiment("digits"),
        generator=Plugin(generator),
        seed=seed,
        trials=trials,
        executor="inline",
    )
    with tempfile.TemporaryDirectory() as folder:
        rows = _search(settings, Path(folder))
    table = pd.DataFrame(rows).assign(generator=generator, seed=seed)
    table["best"] = table["value"].cummax().ffill()
    print(f"{generator} {seed}: {table['best'].iloc[-1]:.2f} dB", flush=True)
    return table


def _search(settings: Experiment, folder: Path) -> list[dict[str, object]]:
    with driving(folder, settings, None) as campaign:
        while isinstance(job := campaign.ask(), Job) and job.purpose == "search":
            campaign.tell(job, attempt(job, _watch(campaign, job)))
        trained = [outcome for outcome in campaign.outcomes if outcome.attempt > 0]
        return [
            {
                "training": index + 1,
                "value": outcome.value,
                "top1": outcome.top1,
                "params": outcome.profile.params if outcome.profile else None,
                "macs": outcome.profile.macs if outcome.profile else None,
                "ending": outcome.ending,
                "seconds": outcome.seconds,
            }
            for index, outcome in enumerate(trained)
        ]


def _watch(campaign: Campaign, job: Job) -> Watch:
    return lambda measurement: campaign.report(job, measurement)


def report(table: pd.DataFrame) -> None:
    """Print medians with ranges, and paired comparisons over the seeds."""
    moments = [n for n in (4, 8, 12, 16, 24, 32, 48) if n <= table["training"].max()]
    print("best feasible value in dB: median [least, most] over seeds")
    for name, rows in table.groupby("generator"):
        after = [rows[rows["training"] == n]["best"].fillna(float("-inf")) for n in moments]
        cells = [f"{v.median():7.2f} [{v.min():.2f}, {v.max():.2f}]" for v in after]
        print(f"{name:10s}", "  ".join(f"@{n}: {c}" for n, c in zip(moments, cells, strict=True)))
    last = table[table["training"] == table["training"].max()]
    final = last.pivot(index="seed", columns="generator", values="best").fillna(float("-inf"))
    for one, other in product(final.columns, final.columns):
        if one != other:
            share = (final[one] >= final[other]).sum()
            print(f"{one} is no worse than {other} in {share} of {len(final)} seeds")


if __name__ == "__main__":
    main()
