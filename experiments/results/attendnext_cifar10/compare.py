r"""Compare the networks of by_one_recipe.py in one run by all their measurements.

    python -m experiments.results.attendnext_cifar10.compare \
        --data CIFAR10_FOLDER --folder runs/record \
        --to experiments/results/attendnext_cifar10/comparison.json peers.json found.json

The reports such as `peers.json` are written by by_one_recipe.py with `--to`; `--folder` is its
folder. For each network, measures test top-1, parameters and MACs as deployed (batch normalisation
and branches fused), NetScore, latency by ONNX Runtime and on the emulated Cortex-A72 (one thread,
batch 1) relative to `--reference`, size and top-1 of its 8-bit form, and shift consistency. A
measurement that is impossible is replaced by the reason. `--untrained MODEL@SIZE` networks have
costs and latencies only. With `--known`, latencies on this machine are measured again for all
networks in one run, and everything else only for new networks; networks of that file without a
report are timed with fresh weights, which do not affect latency. `tables.py` prints tables and
draws plots.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load_file

from experiments.benchmarks.command_line import parser_for
from experiments.benchmarks.shift_consistency import consistency
from gensynth.data.batches import Batches
from gensynth.data.open import open_data
from gensynth.data.sets import DataSettings
from gensynth.errors import InputError
from gensynth.evaluation.confidence import wilson_interval
from gensynth.evaluation.score import NetScore
from gensynth.formats import Deployment
from gensynth.formats.int8 import to_int8
from gensynth.formats.onnx import runner
from gensynth.formats.output_suppression import quiet
from gensynth.formats.real_inputs import CALIBRATED, spread
from gensynth.graph.profile import profile
from gensynth.graph.trace import trace
from gensynth.latency.here import machine_name, time_networks
from gensynth.latency.paired import TimingPlan
from gensynth.latency.runtimes import prepare
from gensynth.models.by_name import Model, trainable_source
from gensynth.models.timm_models import fused
from gensynth.models.timm_variants import SMALL_IMAGES
from gensynth.space import build_source
from gensynth.training.job import WEIGHTS

if TYPE_CHECKING:
    from gensynth.data.sets import DataSet
    from gensynth.evaluation.latency import Latency

Row = dict[str, Any]
TOLD = ("model", "image_size", "rate", "epochs", "gain_at_end", "test_top1", "test_interval")
LASTING = (
    "a72_ms",
    "a72_note",
    "int8_bytes",
    "int8_top1",
    "int8_interval",
    "int8_note",
    "shift_consistency",
)
"""Measurements that do not depend on the machine or the moment; `--known` keeps them."""
VALIDATION_SHARE = 0.05
"""Share of the training images if a report does not state it: the default of by_one_recipe.py."""
SHIFTED_IMAGES = 2000
"""Images of the test split, each in eight pairs of shifts by up to an eighth of its size."""


@dataclass(frozen=True)
class Network:
    """A trained network, as it is deployed."""

    row: Row
    """Its report by by_one_recipe.py."""
    model: Model
    data: "DataSet"


def main() -> None:
    """Measure all networks and write the comparison."""
    options = _options()
    told = [row for file in options.reports for row in json.loads(file.read_text())]
    told += [_untrained(text) for text in options.untrained]
    known = _known(options.known)
    told += others(told, list(known.values()))
    networks = [_opened(row, options.data, options.folder) for row in told]
    names = [network.row["model"].removesuffix(SMALL_IMAGES) for network in networks]
    place = names.index(options.reference)
    latencies = _latencies(networks, place, options.rounds)
    lasting = {key: _lasting(row) for key, row in known.items()}
    reference = lasting.get(_key(networks[place].row)) or _emulated(networks[place].model)
    rows = []
    for network, latency in zip(networks, latencies, strict=True):
        kept = lasting.get(_key(network.row)) or _emulated(network.model) | _trained(network)
        ratio = {"a72_ratio": kept["a72_ms"] and kept["a72_ms"] / reference["a72_ms"]}
        rows.append(_static(network) | _speed(latency) | kept | ratio)
        print(json.dumps(rows[-1]), flush=True)
    content = {"reference": options.reference, "machine": machine_name(), "networks": rows}
    options.to.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = parser_for(__doc__)
    parser.add_argument("reports", nargs="+", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="folder of by_one_recipe.py")
    parser.add_argument("--reference", default="timm:fbnetc_100")
    parser.add_argument("--untrained", nargs="*", default=[], metavar="MODEL@SIZE")
    parser.add_argument("--rounds", type=int, default=24, help="samples in each of 10 blocks")
    parser.add_argument(
        "--known", type=Path, help="earlier --to, of which only latencies are measured again"
    )
    parser.add_argument("--to", type=Path, required=True)
    return parser.parse_args()


def _known(earlier: Path | None) -> dict[tuple[Any, ...], Row]:
    rows = json.loads(earlier.read_text())["networks"] if earlier else []
    return {_key(row): {**row, "validation_share": VALIDATION_SHARE} for row in rows}


def others(told: list[Row], known: list[Row]) -> list[Row]:
    """Return the known networks that are not among the given ones."""
    named = {(row["model"], row["image_size"]) for row in told}
    return [row for row in known if (row["model"], row["image_size"]) not in named]


def _lasting(row: Row) -> Row:
    return {name: row[name] for name in LASTING if name in row}


def _key(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("model", "image_size", "rate", "epochs", "test_top1"))


def _untrained(text: str) -> Row:
    model, _, size = text.rpartition("@")
    known = {"model": model, "image_size": int(size), "validation_share": VALIDATION_SHARE}
    return dict.fromkeys(TOLD) | known


def _opened(row: Row, data: Path, folder: Path) -> Network:
    settings = DataSettings(
        str(data.resolve()), row["image_size"], validation_share=row["validation_share"]
    )
    images = open_data(settings)
    source = trainable_source(row["model"], images.task)
    module = build_source(source)
    if "folder" in row:
        module.load_state_dict(load_file(folder / row["folder"] / WEIGHTS))
    deployed = fused(module) if row["model"].startswith("timm:") else module
    return Network(row, Model(row["model"], deployed.eval(), source.input_shape), images)


def _latencies(networks: list[Network], reference: int, rounds: int) -> "list[Latency]":
    """Time each network beside the reference alone: among many, large ones find a cold cache."""
    with quiet():
        ready = [prepare(network.model, "onnxruntime", 1, 1) for network in networks]
    return [
        time_networks([one, ready[reference]], 1, 1, TimingPlan(rounds=rounds))[0] for one in ready
    ]


def _static(network: Network) -> Row:
    row, model = network.row, network.model
    costs, top1 = profile(trace(model.module, model.input_shape)), row["test_top1"]
    score = None if top1 is None else NetScore().of(top1, costs.params, costs.macs)
    facts = {name: row[name] for name in TOLD}
    return facts | {"params": costs.params, "macs": costs.macs, "netscore": score}


def _speed(latency: "Latency") -> Row:
    interval = latency.ratio_interval
    return {
        "host_ms": latency.median,
        "host_ratio": latency.ratio,
        "host_interval": [interval.low, interval.high] if interval else None,
    }


def _emulated(model: Model) -> Row:
    from devices.cortex_a72.compare import emulate_model

    try:
        with quiet():
            return {"a72_ms": emulate_model(model).milliseconds, "a72_note": ""}
    except InputError as error:
        return {"a72_ms": None, "a72_note": str(error)}


def _trained(network: Network) -> Row:
    if network.row["test_top1"] is None:
        return dict.fromkeys(("int8_bytes", "int8_top1", "shift_consistency"))
    return _int8(network) | _shifts(network)


def _int8(network: Network) -> Row:
    calibration, _ = spread(_batches(network, "train"), CALIBRATED)
    test = _batches(network, "test")
    try:
        with quiet():
            content = to_int8(
                Deployment(network.model.module, network.model.input_shape, calibration)
            )
    except InputError as error:
        return {"int8_bytes": None, "int8_top1": None, "int8_note": str(error)}
    run, right = runner(content), 0
    for images, labels in test.in_order(64):
        right += int((run(images).argmax(1) == labels).sum())
    top1 = 100 * right / len(test)
    interval = wilson_interval(top1, len(test))
    return {"int8_bytes": len(content), "int8_top1": top1, "int8_interval": interval}


def _shifts(network: Network) -> Row:
    test, height = _batches(network, "test"), network.model.input_shape[1]
    images, _ = test.at(torch.arange(0, len(test), max(1, len(test) // SHIFTED_IMAGES)))
    return {"shift_consistency": consistency(network.model.module, images, height // 8)}


def _batches(network: Network, split: str) -> Batches:
    size = network.model.input_shape[1], network.model.input_shape[2]
    return Batches(network.data, (split,), size, torch.device("cpu"), torch.contiguous_format)


if __name__ == "__main__":
    main()
