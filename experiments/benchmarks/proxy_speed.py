"""Speed of the proxy training, as ratios measured side by side in one run.

    python -m experiments.benchmarks.proxy_speed --data FOLDER
    python -m experiments.benchmarks.proxy_speed --data FOLDER --ray

FOLDER contains `train/<class>/` and `test/<class>/`. The first command compares the proxy with the
loop of `plain_loop.py`: same files, network, batch size, augmentation and schedule. Each training
runs in its own process, in turn, so that a busy machine slows both alike. The second command
compares two Ray workers of one core each with two bare processes side by side.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from experiments.benchmarks import plain_loop
from experiments.benchmarks.command_line import parser_for
from experiments.benchmarks.proxy_task import Setting, job, subset
from gensynth.data.open import open_data
from gensynth.serialization import dumps, from_plain, loads
from gensynth.space import build_source
from gensynth.training.loop import train

Result = dict[str, float]


class Clock:
    """Wall-clock and processor time of this process and its ended children since creation."""

    def __init__(self) -> None:
        """Start."""
        self.wall, self.cpu = time.perf_counter(), os.times()

    def result(self, setting: Setting, top1: float) -> Result:
        """Return rates by wall clock and by processor time, which a busy machine distorts less."""
        images = setting.images * setting.epochs
        used = [now - before for now, before in zip(os.times()[:4], self.cpu[:4], strict=True)]
        return {
            "images_per_s": images / (time.perf_counter() - self.wall),
            "images_per_cpu_s": images / sum(used),
            "images_per_main_cpu_s": images / sum(used[:2]),
            "top1": top1,
        }


def run_proxy(setting: Setting) -> Result:
    """Train by the proxy, including opening the decoded data and building the network."""
    described = job(setting)
    clock = Clock()
    curve = list(train(described))
    return clock.result(setting, curve[-1].top1)


def run_plain(setting: Setting) -> Result:
    """Train the same network by the plain loop."""
    torch.set_num_threads(setting.threads)
    described = job(setting)
    data = open_data(described.data, Path(described.cache or ""))
    clock = Clock()
    torch.manual_seed(setting.seed)
    network = build_source(described.source)
    train, held_out = (
        plain_loop.Pictures(
            Path(setting.folder, "images", name), name == "train", data.mean, data.std
        )
        for name in ("train", "val")
    )
    recipe = plain_loop.Settings(
        epochs=setting.epochs,
        batch_size=setting.batch_size,
        learning_rate=setting.learning_rate,
        weight_decay=described.recipe.weight_decay,
        label_smoothing=described.recipe.label_smoothing,
        warm_up=described.recipe.warm_up,
        workers=setting.loader_workers,
        device=setting.device,
        bf16=setting.bf16,
    )
    top1s = list(plain_loop.train(network, train, held_out, recipe))
    return clock.result(setting, top1s[-1])


KINDS: dict[str, Callable[[Setting], Result]] = {"proxy": run_proxy, "plain": run_plain}


def start(kind: str, setting: Setting) -> "subprocess.Popen[str]":
    """Start a training in its own process."""
    command = [sys.executable, "-m", __spec__.name, "--one", kind, dumps(setting)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def result_of(process: "subprocess.Popen[str]") -> Result:
    """Wait for a training and return its printed result."""
    output, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"a training ended with exit code {process.returncode}")
    result: Result = json.loads(output.splitlines()[-1])
    return result


def against_plain_loop(setting: Setting, rounds: int) -> list[dict[str, Result]]:
    """Train by both loops in turn, in alternating order, with a new seed each round."""
    results = []
    for number in range(rounds):
        seeded = replace(setting, seed=number)
        order = ["plain", "proxy"] if number % 2 == 0 else ["proxy", "plain"]
        results.append({kind: result_of(start(kind, seeded)) for kind in order})
        print(json.dumps(results[-1]), flush=True)
    return results


def against_ray(setting: Setting, rounds: int) -> list[dict[str, Result]]:
    """Train two networks at a time, in two bare processes and then in two Ray workers."""
    import ray

    ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    remote = ray.remote(num_cpus=1)(run_proxy)
    ray.get([remote.remote(replace(setting, epochs=1)) for _ in range(2)])
    results = []
    for number in range(rounds):
        pair = [replace(setting, seed=2 * number + k) for k in range(2)]
        bare = [result_of(process) for process in [start("proxy", one) for one in pair]]
        workers = ray.get([remote.remote(one) for one in pair])
        results.append({"bare": _together(bare), "ray": _together(workers)})
        print(json.dumps(results[-1]), flush=True)
    ray.shutdown()
    return results


def _together(results: list[Result]) -> Result:
    return {key: statistics.fmean(result[key] for result in results) for key in results[0]}


def summary(results: list[dict[str, Result]], ours: str, theirs: str) -> dict[str, float]:
    """Return the means of both, and each rate's median ratio with its range over the rounds."""
    found = {}
    for key in results[0][ours]:
        for kind in (ours, theirs):
            found[f"{key}, {kind}"] = statistics.fmean(r[kind][key] for r in results)
        if key.startswith("images"):
            ratios = sorted(r[ours][key] / r[theirs][key] for r in results)
            found[f"{key}, {ours} / {theirs}"] = statistics.median(ratios)
            found[f"{key}, lowest"], found[f"{key}, highest"] = ratios[0], ratios[-1]
    return found


def main() -> None:
    """Read the options, measure, print one line a round and the summary."""
    options = _options()
    if options.one:
        kind, text = options.one
        print(json.dumps(KINDS[kind](from_plain(Setting, loads(text, "setting"), "setting"))))
        return
    with tempfile.TemporaryDirectory() as folder:
        setting = Setting(
            folder=folder,
            images=options.images,
            epochs=options.epochs,
            threads=options.threads,
            device=options.device,
            bf16=options.bf16,
            learning_rate=options.learning_rate,
        )
        subset(options.data, Path(folder), options.images)
        job(setting)  # Decodes the images before any clock runs.
        if options.ray:
            measured = summary(against_ray(setting, options.rounds), "ray", "bare")
        else:
            measured = summary(against_plain_loop(setting, options.rounds), "proxy", "plain")
    print(json.dumps(measured, indent=1))


def _options() -> argparse.Namespace:
    parser = parser_for(__doc__)
    parser.add_argument("--data", type=Path, help="image folder with train and test")
    parser.add_argument("--images", type=int, default=10000)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--learning-rate", type=float, default=0.2)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--ray", action="store_true", help="compare Ray with bare processes")
    parser.add_argument("--one", nargs=2, metavar=("KIND", "SETTING"), help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
