"""The specification of an AttendNeXt network for a task: all sizes in numbers, for `blocks`."""

from math import gcd
from typing import Any

from gensynth.space import Task
from search_spaces.attendnext.genome import AttendNeXtGenome, AttendNeXtStage
from search_spaces.sizes import Size, halve

Spec = dict[str, Any]
LEAST_RESOLUTION = 8
"""A share of the resolution never reduces an image below this many pixels per side."""


def input_size(genome: AttendNeXtGenome, task: Task) -> Size:
    """Return the height and width (pixels) of the input of the network."""
    share = genome.resolution
    return _scaled(task.height, share), _scaled(task.width, share)


def specify(genome: AttendNeXtGenome, task: Task, smallest_map: int) -> Spec:
    """Return the specification of the network of `genome` for `task`, as plain data."""
    stem, size = _stem(genome, task, smallest_map)
    inputs = genome.stem.width
    stages = []
    for stage in genome.stages:
        blocks, size = _stage(stage, inputs, size, smallest_map)
        stages.append(blocks)
        inputs = sum(blocks[-1]["outputs"])
    return {
        "activation": genome.activation,
        "gate": genome.gate,
        "stem": stem,
        "stages": stages,
        "classes": task.classes,
    }


def _scaled(extent: int, share: float) -> int:
    return max(round(extent * share), min(extent, LEAST_RESOLUTION))


def _stem(genome: AttendNeXtGenome, task: Task, smallest_map: int) -> tuple[Spec, Size]:
    genes = genome.stem
    size, stride = halve(input_size(genome, task), 1, genes.stride, smallest_map)
    columns = gcd(genome.stages[0].columns, genes.width) if genes.convs == 2 else 0
    spec = {
        "inputs": task.channels,
        "width": genes.width,
        "kernel": genes.kernel,
        "stride": min(stride, 2),
        "columns": columns,
        "pool": stride == 4,
    }
    return spec, size


def _stage(
    stage: AttendNeXtStage, channels: int, size: Size, smallest_map: int
) -> tuple[list[Spec], Size]:
    size, stride = halve(size, 1, stage.stride, smallest_map)
    columns, widths = _bundles(stage)
    expansion = 2 if stage.branch == "bottleneck" else 1
    outputs = [n * width * expansion for n, width in zip(columns, widths, strict=True)]
    inputs = [channels] if len(columns) == 1 else [channels // 2, channels - channels // 2]
    blocks = []
    for k, genes in enumerate(stage.blocks):
        wider = genes.kernel + 2 if stage.mix == "kernels" else genes.kernel
        sizes = {
            "columns": columns,
            "kernels": [genes.kernel, wider][: len(columns)],
            "inputs": outputs if k else inputs,
            "inner": [n * _times(w, genes.inner) for n, w in zip(columns, widths, strict=True)],
            "outputs": outputs,
        }
        blocks.append(_form(stage, k, 1 if k else stride, size, smallest_map) | sizes)
    return blocks, size


def _form(stage: AttendNeXtStage, k: int, stride: int, size: Size, smallest_map: int) -> Spec:
    """Return the specification of block `k` without its channels; `size` is that of its output."""
    mixing = stage.interaction == "every" or (stage.interaction == "entry" and k == 0)
    attention = stage.attention if attends(stage, k) else "none"
    if attention == "text":
        _, condense = halve(size, stride, stage.condense, smallest_map)
        sizes = {"stride": stride, "condense": condense, "pool": stage.pool}
        return {"block": "text", "mixing": mixing} | sizes
    form: Spec = {"branch": stage.branch, "down": stage.down if stride == 2 else None}
    if attention == "released":
        return {"block": "released", "mixing": mixing, "shuffle": False} | form
    shuffle = mixing and k > 0 and stage.branch == "basic"
    residual: Spec = {"block": "residual", "mixing": mixing, "shuffle": shuffle}
    residual |= form | {"project": k == 0, "attend": None}
    if attention == "none":
        return residual
    _, condense = halve(size, 1, stage.condense, smallest_map)
    return residual | {"attend": attention, "condense": condense, "pool": stage.pool}


def attends(stage: AttendNeXtStage, k: int) -> bool:
    """Return whether block `k` (from 0) of a stage is one that attends."""
    last = len(stage.blocks) - 1
    return {"first": k == 0, "every": True, "last": k == last}[stage.place]


def _bundles(stage: AttendNeXtStage) -> tuple[list[int], list[int]]:
    """Return the number of columns and their width, for each bundle of equal columns."""
    if stage.mix == "same":
        return [stage.columns], [stage.width]
    half = stage.columns // 2
    narrow = max(1, stage.width // 2) if stage.mix == "widths" else stage.width
    return [half, half], [narrow, 2 * stage.width - narrow]


def _times(width: int, share: float) -> int:
    return max(1, round(width * share))
