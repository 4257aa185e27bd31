"""Overhead of a trial: time and memory of the driver over many trivial trials.

    python -m experiments.benchmarks.many_trials --trials 2000 --executor ray

Trains tiny networks for one epoch on a twentieth of the digits. Memory is the growth of the
driver's resident size per trial, starting after the first tenth of the trials, when imports and
pools are in place. Time is that of the campaign without the seconds of the trainings themselves.
"""

import json
import os
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from experiments.benchmarks.command_line import parser_for
from gensynth.campaign.campaign import CampaignDriver, Done
from gensynth.campaign.campaign_folder import driving
from gensynth.campaign.experiment import parse_experiment

ROOT = Path(__file__).parents[2]
BOUND_KB = 100.0


def main() -> None:
    """Run the campaign and print its figures; exit with 1 if a trial costs too much memory."""
    parser = parser_for(__doc__)
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--executor", choices=("inline", "ray"), default="ray")
    options = parser.parse_args()
    os.environ |= {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryDirectory(prefix="gensynth-many-") as place:
        found = measure(Path(place), options.trials, options.executor)
    print(json.dumps(found, indent=1))
    sys.exit(not found["driver_kb_per_trial"] <= BOUND_KB)


def measure(folder: Path, trials: int, executor: str) -> dict[str, float]:
    """Run `trials` trivial trainings and return their cost to the driver."""
    tables = {
        "name": "many",
        "space": "experiments.benchmarks.tiny_space:TinySpace",
        "generator": "random",
        "executor": executor,
        "trials": trials,
        "folder": str(ROOT),
        "proxy": {"epochs": 1, "data_share": 0.05},
        "stopping": {"rule": "none"},
        "finals": {"candidates": 1, "most": 1, "replicas": 1},
        "resources": {"device": "cpu"},
    }
    sizes: list[tuple[int, float]] = []
    with driving(folder, parse_experiment(tables, "many.toml"), None) as campaign:
        start = time.perf_counter()
        done = _run(campaign, executor, sizes)
        seconds = time.perf_counter() - start
        trained = sum(o.seconds for o in campaign.outcomes)
        assert done.reason == "finished", done
    (first, before), (last, after) = sizes[len(sizes) // 10], sizes[-1]
    return {
        "trials": trials,
        "seconds": round(seconds, 1),
        "seconds_per_trial": round(seconds / trials, 4),
        "of_which_training": round(trained / trials, 4),
        "driver_mb": round(after / 1024, 1),
        "driver_kb_per_trial": round((after - before) / max(1, last - first), 1),
        "largest_step_kb": round(max(b - a for (_, a), (_, b) in pairwise(sizes)), 1),
    }


def _run(campaign: CampaignDriver, executor: str, sizes: list[tuple[int, float]]) -> Done:
    def changed() -> None:
        ended = len(campaign.outcomes)
        if not sizes or ended > sizes[-1][0]:
            sizes.append((ended, resident_kb()))
            if ended % 100 == 0:
                print(f"{ended}: {sizes[-1][1] / 1024:.1f} MB", file=sys.stderr, flush=True)

    if executor == "inline":
        from gensynth.executors.inline import run_inline

        return run_inline(campaign, changed)
    from gensynth.executors.ray import run_on_ray

    return run_on_ray(campaign, None, changed)


def resident_kb() -> float:
    """Return the resident memory of this process in kB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024


if __name__ == "__main__":
    main()
