r"""Train many networks by `gensynth train`, each in its best set-up, until their top-1 is flat.

    python -m experiments.results.attendnext_cifar10.by_one_recipe \
        --data CIFAR10_FOLDER --folder runs/record \
        --data-share 0.2 --epochs 60 --workers 2 --to experiments/results/by_one_recipe.json \
        timm:fbnetc_100@64,timm:fbnetc_100+stride1@32 attendnext:xa325@32,attendnext:xa325@64

Each argument is one network: its set-ups as MODEL@SIZE, separated by commas. The first set-up tries
three learning rates for a fifth of `--trial-epochs`, the others only the best of them; the set-up
with the best validation top-1 continues for `--epochs`. A network whose top-1 still gains 0.3
points in the last fifth is trained anew for twice as many epochs, up to `--most-epochs`. Each
training has its own folder below `--folder`, so the same command resumes an interrupted run. Prints
one row for each network; `--to` receives the full reports.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from experiments.benchmarks.command_line import parser_for
from experiments.benchmarks.tables import heading, markdown
from gensynth.training.long_training import FLAT_GAIN

Report = dict[str, Any]
HEADS = "network", "image", "params", "MACs", "rate", "epochs", "test top-1", "95 %", "last fifth"


@dataclass(frozen=True)
class SetUp:
    """A network and the image size at which it is trained."""

    model: str
    image_size: int

    def __str__(self) -> str:
        """The set-up as written on the command line."""
        return f"{self.model}@{self.image_size}"


@dataclass(frozen=True)
class Plan:
    """How all networks are trained."""

    data: Path
    folder: Path
    epochs: int
    batch_size: int
    data_share: float
    validation_share: float
    augment: str
    seed: int
    rates: str
    """Learning rates to choose from, with commas."""
    most_epochs: int
    trial_epochs: int
    """A fifth of these epochs decides on the rate and the set-up."""


def main() -> None:
    """Train the networks that are not trained yet, and print the table."""
    options = _options()
    plan = Plan(
        options.data,
        options.folder,
        options.epochs,
        options.batch_size,
        options.data_share,
        options.validation_share,
        options.augment,
        options.seed,
        options.rates,
        options.most_epochs,
        options.trial_epochs or options.epochs,
    )
    with ThreadPoolExecutor(options.workers) as pool:
        networks = [[_set_up(word) for word in text.split(",")] for text in options.networks]
        reports = list(pool.map(lambda network: best_of(network, plan), networks))
    print(*heading(HEADS), sep="\n")
    for report in reports:
        print(_row(report))
    if options.to:
        options.to.write_text(json.dumps(reports, indent=1) + "\n", encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = parser_for(__doc__)
    parser.add_argument("networks", nargs="+", metavar="MODEL@SIZE[,MODEL@SIZE]")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--trial-epochs", type=int, help="default: --epochs")
    parser.add_argument("--most-epochs", type=int, default=160)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--data-share", type=float, default=1.0)
    parser.add_argument("--validation-share", type=float, default=0.05)
    parser.add_argument("--augment", default="crop,flip")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--rates", default="0.05,0.1,0.2", help="comma-separated learning rates to try"
    )
    parser.add_argument("--workers", type=int, default=2, help="parallel trainings, one core each")
    parser.add_argument("--to", type=Path, help="write all reports to this JSON file")
    return parser.parse_args()


def _set_up(word: str) -> SetUp:
    model, _, size = word.rpartition("@")
    return SetUp(model, int(size))


def best_of(set_ups: Sequence[SetUp], plan: Plan) -> Report:
    """Try the learning rates, then the set-ups, and train the best one long; return its report."""
    all_rates = "--rates", plan.rates
    trial = replace(plan, epochs=plan.trial_epochs)
    first = train(set_ups[0], trial, *all_rates, "--rate-only")
    rate, tried = first["rate"], {set_ups[0]: first["rates"][f"{first['rate']:g}"]}
    at_rate = "--rates", f"{rate:g}"
    for one in set_ups[1:]:
        tried[one] = train(one, trial, *at_rate, "--rate-only")["rates"][f"{rate:g}"] or 0.0
    chosen = max(tried, key=lambda one: tried[one])
    told = ", ".join(f"{one} {top1:.2f} %" for one, top1 in tried.items())
    print(f"{chosen} is the best of {told} at {rate:g}", file=sys.stderr, flush=True)
    # A folder resumes only with the options it was begun with: here with all rates.
    begun = trial == plan and chosen == set_ups[0]
    report = train(chosen, plan, *(all_rates if begun else at_rate))
    while (report["gain_at_end"] or 0.0) >= FLAT_GAIN and 2 * plan.epochs <= plan.most_epochs:
        plan = replace(plan, epochs=2 * plan.epochs)
        report = train(chosen, plan, *at_rate)
    report |= {"rates": first["rates"], "set_ups": {str(one): top1 for one, top1 in tried.items()}}
    report |= {"data_share": plan.data_share, "validation_share": plan.validation_share}
    report |= {"image_size": chosen.image_size, "folder": _folder(chosen, plan).name}
    print(_row(report), file=sys.stderr, flush=True)
    return report


def _folder(one: SetUp, plan: Plan) -> Path:
    name = str(one).replace(":", "-").replace("/", "-")
    return plan.folder / f"{name}-{plan.epochs}"


def train(one: SetUp, plan: Plan, *more: str) -> Report:
    """Run `gensynth train` in its own process on one core; a finished training is only read."""
    command = [sys.executable, "-m", "gensynth", "train", one.model, "--data", str(plan.data)]
    command += ["--image-size", str(one.image_size), "--epochs", str(plan.epochs), *more]
    command += ["--threads", "1"]
    command += ["--batch-size", str(plan.batch_size)]
    command += ["--validation-share", str(plan.validation_share)]
    command += ["--data-share", str(plan.data_share), "--augment", plan.augment]
    command += ["--seed", str(plan.seed), "--json", "--out", str(_folder(one, plan))]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        last = (ran.stderr.strip().splitlines() or ["no output"])[-1]
        raise SystemExit(f"{one}: exit code {ran.returncode}: {last}")
    report: Report = json.loads(ran.stdout)[0]
    return report


def _row(report: Report) -> str:
    low, high = report["test_interval"]
    gain = report["gain_at_end"]
    cells = [report["model"], f"{report['image_size']} px", f"{report['params'] / 1e6:.3f} M"]
    cells += [f"{report['macs'] / 1e6:.2f} M", f"{report['rate']:g}", str(report["epochs"])]
    cells += [
        f"{report['test_top1']:.2f}",
        f"{low:.2f} to {high:.2f}",
        "-" if gain is None else f"{gain:+.2f}",
    ]
    return markdown(cells)


if __name__ == "__main__":
    main()
