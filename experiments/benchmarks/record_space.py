r"""Record a table of our own space: random feasible networks, trained by the proxy.

    python -m experiments.benchmarks.record_space experiments/fashion_mnist.toml \
        --data FASHION_MNIST_FOLDER --networks 500 --replicas 100 --minutes 60 \
        --to experiments/results/attendnext_fashion_mnist.parquet

Run again, the command continues where the file ends: networks are drawn in a fixed order, and a row
is (network, replica). The first `--replicas` networks are trained a second time with another seed.
Each row holds the decisions (`decision.NAME`, empty if not reached), the costs, the whole curve,
and the processor time of the training and of one forward pass. No constraint that needs a training
selects networks, and none stops them.

`--first` lets two runs share the work, with separate files.

`--epochs`, `--data-share` and `--image-size` record the same networks trained longer, or by a
cheaper proxy, into another file, for `proxy_fidelity.py`.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from experiments.benchmarks.command_line import experiment_on, parser_for
from gensynth.campaign.context import Context, make_context
from gensynth.campaign.experiment import Experiment
from gensynth.errors import InputError
from gensynth.evaluation.constraint import feasible
from gensynth.evaluation.evaluator import Description, Evaluator
from gensynth.serialization import dumps, to_plain
from gensynth.space import Draw, Recording, build_source
from gensynth.training.attempt import attempt
from gensynth.training.job import Job

SAVED_EVERY_S = 60.0
PASSES = 20


@dataclass(frozen=True)
class Entry:
    """One network to train once."""

    network: int
    replica: int
    described: Description
    decisions: dict[str, Any]


def main() -> None:
    """Train what the file lacks, until it is complete or the time is up."""
    options = _options()
    as_written, changed = _experiments(options)
    context = make_context(changed)
    known = _known(options.to, context)
    rows: list[dict[str, Any]] = [dict(row) for _, row in known.iterrows()]
    done = {(row["network"], row["replica"]) for row in rows}
    end, saved = time.monotonic() + 60 * options.minutes, time.monotonic()
    drawn = networks(make_context(as_written))
    for entry in _entries(drawn, context, options.networks, options.replicas):
        if (entry.network, entry.replica) in done or entry.network < options.first:
            continue
        if time.monotonic() > end:
            break
        rows.append(_row(entry, context))
        if time.monotonic() - saved > SAVED_EVERY_S:
            _save(rows, options.to, context)
            saved = time.monotonic()
    _save(rows, options.to, context)
    print(f"{len(rows)} of {options.networks + options.replicas} rows in {options.to}")


def _options() -> argparse.Namespace:
    parser = parser_for(__doc__)
    parser.add_argument("experiment", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--networks", type=int, default=500)
    parser.add_argument("--replicas", type=int, default=100)
    parser.add_argument("--first", type=int, default=0, help="first network of this run")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--epochs", type=int, help="instead of the experiment's")
    parser.add_argument("--data-share", type=float, help="instead of the experiment's")
    parser.add_argument("--image-size", type=int, help="instead of the experiment's")
    parser.add_argument("--to", type=Path, required=True)
    return parser.parse_args()


def _experiments(options: argparse.Namespace) -> tuple[Experiment, Experiment]:
    """Return the experiment that draws the networks, and the one that trains them."""
    experiment = experiment_on(options.experiment, options.data)
    data = experiment.data
    if options.image_size is not None:
        data = replace(data, image_size=options.image_size)
    changed = {"epochs": options.epochs, "data_share": options.data_share}
    given = {name: value for name, value in changed.items() if value is not None}
    return experiment, replace(experiment, data=data, proxy=replace(experiment.proxy, **given))


def _entries(
    drawn: Iterator[dict[str, Any]], context: Context, networks: int, replicas: int
) -> Iterator[Entry]:
    """Yield all trainings in a fixed order: each network, followed by its replica."""
    evaluator = context.evaluator
    for number, decisions in enumerate(islice(drawn, networks)):
        described = evaluator.described(decisions)
        for replica in range(2 if number < replicas else 1):
            yield Entry(number, replica, described, decisions)


def networks(context: Context) -> Iterator[dict[str, Any]]:
    """Draw distinct random networks that keep every constraint enforced before training."""
    evaluator, seen = context.evaluator, set()
    for draw in range(10**6):
        record = Recording(Draw(np.random.default_rng((context.experiment.seed, draw))))
        context.space.sample(record)
        described = evaluator.described(record.decisions)
        if described.fingerprint not in seen and _allowed(evaluator, described):
            seen.add(described.fingerprint)
            yield dict(record.decisions)


def _allowed(evaluator: Evaluator, described: Description) -> bool:
    return feasible(evaluator.indicator.judge(described.candidate, up_to="profile"))


def _row(entry: Entry, context: Context) -> dict[str, Any]:
    described, seed = entry.described, 1000 * entry.replica + 7
    start = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        result = attempt(_job(entry, context, folder, seed), lambda _: True)
    cpu_seconds = time.process_time() - start
    costs = to_plain(described.candidate.profile)
    assert isinstance(costs, dict)
    names = ("params", "macs", "weight_bytes", "peak_activation_bytes")
    row: dict[str, Any] = {
        "network": entry.network,
        "replica": entry.replica,
        "training_seed": seed,
    }
    row |= {"genome_id": described.genome_id, "fingerprint": described.fingerprint}
    row |= {f"decision.{name}": option for name, option in entry.decisions.items()}
    row |= {name: costs[name] for name in names}
    row |= {"forward_ms": _forward_ms(described), "ending": result.ending}
    row |= {"top1": result.curve[-1].top1 if result.ending == "completed" else None}
    row |= {"curve": [line.top1 for line in result.curve]}
    return row | {"losses": [m.loss for m in result.curve], "cpu_seconds": cpu_seconds}


def _job(entry: Entry, context: Context, folder: str, seed: int) -> Job:
    return Job(
        number=entry.network,
        purpose="search",
        source=entry.described.source,
        data=context.experiment.data,
        data_fingerprint=context.data_fingerprint,
        recipe=context.experiment.proxy,
        training_seed=seed,
        folder=folder,
        checkpoint_s=None,
        device="cpu",
    )


def _forward_ms(described: Description) -> float:
    """Measure one image's pass on one core, in milliseconds of processor time (median)."""
    import torch

    torch.set_num_threads(1)
    network, times = build_source(described.source).eval(), []
    image = torch.zeros(1, *described.source.input_shape)
    with torch.no_grad():
        for _ in range(PASSES + 3):
            start = time.process_time()
            network(image)
            times.append(1e3 * (time.process_time() - start))
    return statistics.median(times[3:])


def _provenance(context: Context) -> dict[Hashable | None, Any]:
    """Return the settings and the data of the rows, which are the same throughout a file."""
    experiment = context.experiment
    parts = {"space": experiment.space, "proxy": experiment.proxy, "seed": experiment.seed}
    parts |= {"constraints": {r.name: to_plain(r.constraint) for r in context.indicator.rules}}
    return {"settings": dumps(to_plain(parts)), "data": context.data_fingerprint}


def _known(path: Path, context: Context) -> pd.DataFrame:
    if not path.exists():
        return pd.DataFrame()
    table = pd.read_parquet(path)
    if table.attrs != _provenance(context):
        raise InputError(str(path), "was recorded with other settings or other data")
    return table


def _save(rows: list[dict[str, Any]], path: Path, context: Context) -> None:
    table = pd.DataFrame(rows)
    table.attrs = _provenance(context)
    partial = path.with_suffix(".partial")
    table.to_parquet(partial, index=False)
    os.replace(partial, path)


if __name__ == "__main__":
    main()
