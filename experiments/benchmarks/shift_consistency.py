"""Does anti-aliased downsampling make a trained network's output more stable under shifts?

    python -m experiments.benchmarks.shift_consistency --data digits
    python -m experiments.benchmarks.shift_consistency --data FOLDER --epochs 6

Trains one network with each kind of downsampling and prints its validation top-1 and its shift
consistency: the share of pairs of shifts of a validation image that are classified alike (Zhang,
arXiv 1904.11486, section 4). Images are shifted by whole pixels, with their edges replicated.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from experiments.benchmarks.attention_gates import Bench, cell, run
from experiments.benchmarks.proxy_task import mid_size, training
from experiments.benchmarks.tables import heading, markdown
from gensynth.data.batches import Batches
from gensynth.data.open import open_data
from gensynth.data.sets import DataSet
from gensynth.genome import Decision
from gensynth.space import Replay, build_source
from gensynth.training.job import Recipe
from gensynth.training.loop import train
from search_spaces.attendnext import AttendNeXt

DOWNS = ("strided_3x3", "max", "rect2", "tri3", "bin5")
PAIRS = 8
"""Pairs of shifts of every image."""


def network(down: str) -> dict[str, Decision]:
    """Return the plain residual network of four stages that downsamples by `down`."""
    decisions = mid_size() | {"stem.stride": 1}
    for i in range(4):
        decisions |= {f"stage{i + 1}.attention": "none", f"stage{i + 1}.down": down}
    return decisions


def trained(bench: Bench, data: DataSet, down: str, seed: int) -> tuple[nn.Module, float]:
    """Train the network; return it in evaluation mode, with its validation top-1 in percent."""
    space = AttendNeXt()
    source = space.source(space.sample(Replay(network(down))), data.task)
    recipe = Recipe(epochs=bench.epochs, batch_size=128, learning_rate=0.2)
    job = training(source, bench.data, data, recipe, bench.folder / f"{down}-{seed}", seed)
    job = replace(job, cache=str(bench.folder / "cache"))
    top1 = list(train(job))[-1].top1
    module = build_source(job.source)
    module.load_state_dict(load_file(Path(job.folder) / "model.safetensors"))
    return module.eval(), top1


def consistency(module: nn.Module, images: Tensor, reach: int) -> float:
    """Return the percentage of pairs of shifts, up to `reach` pixels each way, classified alike."""
    generator = torch.Generator().manual_seed(0)
    alike = []
    for _ in range(PAIRS):
        first, second = (_classes(module, _shifted(images, reach, generator)) for _ in range(2))
        alike.append((first == second).float().mean())
    return 100 * float(torch.stack(alike).mean())


def _shifted(images: Tensor, reach: int, generator: torch.Generator) -> Tensor:
    padded = F.pad(images, (reach,) * 4, mode="replicate")
    down, right = torch.randint(0, 2 * reach + 1, (2,), generator=generator).tolist()
    height, width = images.shape[2:]
    return padded[:, :, down : down + height, right : right + width]


def _classes(module: nn.Module, images: Tensor) -> Tensor:
    with torch.no_grad():
        return torch.cat([module(part).argmax(1) for part in torch.split(images, 512)])


def table(bench: Bench) -> Iterator[str]:
    """Train everything; yield a line of a Markdown table after each kind of downsampling."""
    data = open_data(bench.data, bench.folder / "cache")
    size = data.task.height, data.task.width
    batches = Batches(data, ("validation",), size, torch.device("cpu"), torch.contiguous_format)
    images = torch.cat([part for part, _ in batches.in_order(512)])
    yield from heading(["down-sampling", "top-1", "shift consistency"])
    for down in DOWNS:
        nets = [trained(bench, data, down, seed) for seed in range(bench.seeds)]
        top1 = [top1 for _, top1 in nets]
        steady = [consistency(module, images, max(1, size[0] // 8)) for module, _ in nets]
        yield markdown([down, cell(top1), cell(steady)])


if __name__ == "__main__":
    run(table, __doc__, epochs=12)
