"""attendnext: a network found by gensynth; this file needs torch only.

    model = attendnext()
    model.load_state_dict(safetensors.torch.load_file("model.safetensors"))
    logits = model(images)

Images have the shape (N, 3, 64, 64) and are normalised as card.md says.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from math import gcd, prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def rect2(channels: int) -> nn.Module:
    """Average 2x2 pixels, which is Rect-2 [1, 1]; an odd edge counts once."""
    return nn.AvgPool2d(2, ceil_mode=True)


REDUCERS: dict[str, Callable[[int], nn.Module]] = {
    "rect2": rect2,
}
"""Halve a map outside of any convolution: `(N, C, H, W) -> (N, C, ceil(H/2), ceil(W/2))`."""


def feature_info(stages: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
    """List what a backbone gives, finest map first: of each stride, the last stage that has it.

    `stages` are (channels, stride of the halvings in the stage); the result has `num_chs`
    channels at `reduction` pixels of the image a side, from `module`, which is stage `stage`.
    """
    reduction, last = 1, {}
    for i, (channels, stride) in enumerate(stages):
        reduction *= stride
        facts = {"num_chs": channels, "reduction": reduction, "module": f"stages.{i}", "stage": i}
        last[reduction] = facts
    return list(last.values())


class Backbone(nn.Module):
    """Stages of which a detector or a segmenter takes the maps; a base of whole networks."""

    feature_info: list[dict[str, Any]]

    def forward_features(self, x: Tensor) -> list[Tensor]:
        """Give the output of each stage, finest map first: `(N, C_i, H_i, W_i)` each."""
        raise NotImplementedError

    def forward_intermediates(
        self,
        x: Tensor,
        indices: int | Sequence[int] | None = None,
        intermediates_only: bool = False,
    ) -> Any:
        """Give the last map and the maps of `feature_info`, or with `intermediates_only` these.

        `indices` chooses entries of `feature_info`, a number the last so many; None = all. Maps
        are `(N, num_chs, H / reduction, W / reduction)`, sides rounded up, finest first.
        """
        maps = self.forward_features(x)
        chosen = list(range(len(self.feature_info)))
        if isinstance(indices, int):
            chosen = chosen[max(0, len(chosen) - indices) :]
        elif indices is not None:
            chosen = [chosen[i] for i in indices]
        intermediates = [maps[self.feature_info[i]["stage"]] for i in chosen]
        return intermediates if intermediates_only else (maps[-1], intermediates)


ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "silu": nn.SiLU,
    "hardswish": nn.Hardswish,
    "relu6": nn.ReLU6,
}


def named(**parts: nn.Module | None) -> nn.Sequential:
    """Chain the parts that there are, under their names."""
    return nn.Sequential(OrderedDict((k, part) for k, part in parts.items() if part is not None))


def conv2d(inputs: int, outputs: int, kernel: int, groups: int, stride: int) -> nn.Conv2d:
    """Make a convolution without bias (the norm has one) that pads to keep the map's size."""
    padding = kernel // 2
    return nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)


def normed(conv: nn.Module, channels: int, activation: str | None) -> nn.Sequential:
    """Follow a convolution by batch normalisation and, where one is named, an activation."""
    act = ACTIVATIONS[activation]() if activation else None
    return named(conv=conv, norm=nn.BatchNorm2d(channels), act=act)


Block = Mapping[str, Any]


class ParallelConv(nn.Module):
    """Bundles of columns that differ, each through a convolution of its own.

    `(N, sum(inputs), H, W) -> (N, sum(outputs), H', W')`, in the order of the bundles.
    """

    def __init__(self, inputs: Sequence[int], convs: Sequence[nn.Conv2d]) -> None:
        super().__init__()
        self.inputs = list(inputs)
        self.bundles = nn.ModuleList(convs)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve each bundle."""
        parts = torch.split(x, self.inputs, dim=1)
        return torch.cat(
            [conv(part) for conv, part in zip(self.bundles, parts, strict=True)], dim=1
        )


class Shuffle(nn.Module):
    """Deal the channels of each column out to all columns, in turn: an exchange for free."""

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.columns = columns

    def forward(self, x: Tensor) -> Tensor:
        """Reorder the channels."""
        return F.channel_shuffle(x, self.columns)


def column_conv(block: Block, ends: tuple[str, str], pointwise: bool, stride: int) -> nn.Module:
    """Convolve each column by itself: one grouped convolution where all bundles are alike.

    Columns share a group as far as their bundle's input channels cannot be divided among them.
    """
    inputs, outputs = block[ends[0]], block[ends[1]]
    kernels = [1] * len(inputs) if pointwise else block["kernels"]
    groups = [gcd(n, channels) for n, channels in zip(block["columns"], inputs, strict=True)]
    bundles = list(zip(inputs, outputs, kernels, groups, strict=True))
    if all(bundle == bundles[0] for bundle in bundles):
        return conv2d(sum(inputs), sum(outputs), kernels[0], sum(groups), stride)
    return ParallelConv(inputs, [conv2d(*bundle, stride) for bundle in bundles])


def spatial(
    block: Block, inputs: str, outputs: str, activation: str | None = None, stride: int = 1
) -> nn.Sequential:
    """Convolve k x k, each column by itself, and norm."""
    conv = column_conv(block, (inputs, outputs), False, stride)
    return normed(conv, sum(block[outputs]), activation)


def pointwise(
    block: Block, inputs: str, outputs: str, activation: str | None = None, stride: int = 1
) -> nn.Sequential:
    """1x1 convolution, normed: over all channels where columns mix, else column by column."""
    if block["mixing"]:
        conv: nn.Module = conv2d(sum(block[inputs]), sum(block[outputs]), 1, 1, stride)
    else:
        conv = column_conv(block, (inputs, outputs), True, stride)
    return normed(conv, sum(block[outputs]), activation)


ATTENTIONS: dict[str, type[nn.Module]] = {}
"""Gates that keep the shape; made from channels, ratio, pool, gate, activation."""


def reducer(down: str | None, channels: int) -> nn.Module | None:
    """Halve the map outside of a convolution, where `down` says so."""
    return REDUCERS[down](channels) if down in REDUCERS else None


def basic_branch(block: Block, activation: str) -> nn.Sequential:
    """Two k x k convolutions: `(N, I, H, W) -> (N, O, H', W')`.

    With equal columns g and width w inside: k^2 w (I + O) / g + 2w + 2O parameters.
    """
    stride = 2 if block["down"] in ("strided_3x3", "strided_1x1") else 1
    return named(
        shuffle=Shuffle(sum(block["columns"])) if block["shuffle"] else None,
        reduce=reducer(block["down"], sum(block["inputs"])),
        first=spatial(block, "inputs", "inner", activation, stride),
        second=spatial(block, "inner", "outputs"),
    )


def projection(block: Block) -> nn.Sequential:
    """Bring the block's input to the form of its output by a 1x1: IO + 2O parameters."""
    average = "rect2" if block["down"] == "strided_3x3" else block["down"]
    stride = 2 if block["down"] == "strided_1x1" else 1
    return named(
        reduce=reducer(average, sum(block["inputs"])),
        project=pointwise(block, "inputs", "outputs", stride=stride),
    )


BRANCHES: dict[str, Callable[[Block, str], nn.Sequential]] = {
    "basic": basic_branch,
}


class Residual(nn.Module):
    """`act(branch(V) + shortcut(V))`: `(N, I, H, W) -> (N, O, H', W')`.

    Where an attention condenser is named, it is the last layer of the branch.
    """

    def __init__(self, block: Block, activation: str, gate: str) -> None:
        super().__init__()
        self.branch = BRANCHES[block["branch"]](block, activation)
        if block["attend"]:
            attend = ATTENTIONS[block["attend"]]
            sizes = sum(block["outputs"]), block["condense"], block["pool"]
            self.branch.add_module("attend", attend(*sizes, gate, activation))
        self.shortcut = projection(block) if block["project"] else nn.Identity()
        self.act = ACTIVATIONS[activation]()

    def forward(self, x: Tensor) -> Tensor:
        """Add what the branch found."""
        y: Tensor = self.act(self.branch(x) + self.shortcut(x))
        return y


BLOCKS: dict[str, type[nn.Module]] = {
    "residual": Residual,
}


def stem(spec: Block, activation: str) -> nn.Sequential:
    """First layers: `(N, inputs, H, W) -> (N, width, H', W')`, at stride 1, 2 or 4 (pooled)."""
    inputs, width, columns = spec["inputs"], spec["width"], spec["columns"]
    first = conv2d(inputs, width, spec["kernel"], 1, spec["stride"])
    second = conv2d(width, width, spec["kernel"], columns, 1) if columns else None
    return named(
        first=normed(first, width, activation),
        second=normed(second, width, activation) if second else None,
        pool=nn.AvgPool2d(3, stride=2, padding=1) if spec["pool"] else None,
    )


def stride_of(stage: Sequence[Block]) -> int:
    """Multiply the strides of a stage's blocks."""
    return prod(block.get("stride") or (2 if block.get("down") else 1) for block in stage)


class AttendNeXt(Backbone):
    """Stem, stages of columnar blocks, global mean, linear head: `(N, C, H, W) -> (N, classes)`."""

    def __init__(self, spec: Mapping[str, Any]) -> None:
        super().__init__()
        activation, gate = spec["activation"], spec["gate"]
        self.stem = stem(spec["stem"], activation)
        self.stages = nn.ModuleList(
            nn.Sequential(*(BLOCKS[block["block"]](block, activation, gate) for block in stage))
            for stage in spec["stages"]
        )
        self.head = nn.Linear(sum(spec["stages"][-1][-1]["outputs"]), spec["classes"])
        strides = [stride_of(stage) for stage in spec["stages"]]
        strides[0] *= spec["stem"]["stride"] * (2 if spec["stem"]["pool"] else 1)
        channels = [sum(stage[-1]["outputs"]) for stage in spec["stages"]]
        self.feature_info = feature_info(list(zip(channels, strides, strict=True)))

    def forward_features(self, x: Tensor) -> list[Tensor]:
        """Give the output of each stage, finest map first: `(N, C_i, H_i, W_i)` each."""
        maps = [self.stem(x)]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        return maps[1:]

    def forward(self, x: Tensor) -> Tensor:
        """Classify images: `(N, C, H, W) -> (N, classes)`, logits."""
        logits: Tensor = self.head(self.forward_features(x)[-1].mean(dim=(2, 3)))
        return logits


def make(spec: Mapping[str, Any]) -> nn.Module:
    """Build the network of a specification, with fresh weights."""
    return AttendNeXt(spec)


INPUT_SHAPE = (3, 64, 64)

SPEC: dict[str, Any] = {
    "activation": "relu",
    "gate": "sigmoid",
    "stem": {"inputs": 3, "width": 16, "kernel": 3, "stride": 2, "columns": 2, "pool": False},
    "stages": [
        [
            {
                "block": "residual",
                "mixing": True,
                "shuffle": False,
                "branch": "basic",
                "down": "rect2",
                "project": True,
                "attend": None,
                "columns": [2],
                "kernels": [3],
                "inputs": [16],
                "inner": [64],
                "outputs": [32],
            },
            {
                "block": "residual",
                "mixing": False,
                "shuffle": False,
                "branch": "basic",
                "down": None,
                "project": False,
                "attend": None,
                "columns": [2],
                "kernels": [3],
                "inputs": [32],
                "inner": [64],
                "outputs": [32],
            },
        ],
        [
            {
                "block": "residual",
                "mixing": True,
                "shuffle": False,
                "branch": "basic",
                "down": "rect2",
                "project": True,
                "attend": None,
                "columns": [2],
                "kernels": [3],
                "inputs": [32],
                "inner": [128],
                "outputs": [64],
            },
        ],
        [
            {
                "block": "residual",
                "mixing": False,
                "shuffle": False,
                "branch": "basic",
                "down": "rect2",
                "project": True,
                "attend": None,
                "columns": [1],
                "kernels": [3],
                "inputs": [64],
                "inner": [96],
                "outputs": [48],
            },
            {
                "block": "residual",
                "mixing": False,
                "shuffle": False,
                "branch": "basic",
                "down": None,
                "project": False,
                "attend": None,
                "columns": [1],
                "kernels": [3],
                "inputs": [48],
                "inner": [96],
                "outputs": [48],
            },
        ],
    ],
    "classes": 10,
}


def attendnext() -> nn.Module:
    """Build the network in evaluation mode; its weights are fresh until they are loaded."""
    return make(SPEC).eval()
