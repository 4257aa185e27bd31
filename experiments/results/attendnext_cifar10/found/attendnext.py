"""attendnext: a network found by gensynth; this file needs torch only.

    model = attendnext()
    model.load_state_dict(safetensors.torch.load_file("model.safetensors"))
    logits = model(images)

Images have the shape (N, 3, 32, 32) and are normalised as card.md says.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from math import gcd, prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

TRI_3 = (1.0, 2.0, 1.0)


class Blur(nn.Module):
    """Filter each channel and keep every second row and column.

    `(N, C, H, W) -> (N, C, ceil(H/2), ceil(W/2))`; nothing is learned, and the filter is no part
    of the state. The edge is replicated, one pixel less before than after for an even number of
    taps, so that an even map halves exactly and a constant image stays constant.
    """

    filter: Tensor

    def __init__(self, channels: int, taps: tuple[float, ...]) -> None:
        super().__init__()
        before = (len(taps) - 1) // 2
        self.padding = (before, len(taps) - 1 - before) * 2
        plane = torch.outer(torch.tensor(taps), torch.tensor(taps))
        filters = (plane / plane.sum()).repeat(channels, 1, 1, 1)
        self.register_buffer("filter", filters, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Blur and subsample."""
        padded = F.pad(x, self.padding, mode="replicate")
        return F.conv2d(padded, self.filter, stride=2, groups=self.filter.shape[0])


def tri3(channels: int) -> nn.Module:
    """Blur with Tri-3 [1, 2, 1]."""
    return Blur(channels, TRI_3)


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


def sigmoid(logits: Tensor) -> Tensor:
    """Gate every number by itself, into (0, 1)."""
    return torch.sigmoid(logits)


GATES: dict[str, Callable[[Tensor], Tensor]] = {
    "sigmoid": sigmoid,
}


class MaxBlur(nn.Module):
    """Condense towards strong activations: 3x3 maximum at stride 1, then Tri-3 at stride 2.

    `(N, C, H, W) -> (N, C, ceil(H/2), ceil(W/2))`; a maximum that strides would be aliased.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.peak = nn.MaxPool2d(3, stride=1, padding=1)
        self.blur = tri3(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Condense."""
        condensed: Tensor = self.blur(self.peak(x))
        return condensed


CONDENSERS: dict[str, Callable[[int], nn.Module]] = {
    "max_blur": MaxBlur,
    "blur": tri3,
}


def condenser(pool: str, channels: int, ratio: int) -> nn.Sequential:
    """Halve a map `log2(ratio)` times by the same `pool`; `ratio` 1 leaves it as it is.

    `(N, C, H, W) -> (N, C, h, w)`, sides rounded up at each halving. No parameters. MACs of each
    halving, to h x w pixels: 9 C h w where it blurs (`max_blur`, `blur`), else none.
    """
    return nn.Sequential(*(CONDENSERS[pool](channels) for _ in range(ratio.bit_length() - 1)))


def bring_back(condensed: Tensor, size: list[int]) -> Tensor:
    """Enlarge a map to `size` (H, W) by nearest neighbours, where it is not of that size."""
    if list(condensed.shape[2:]) == size:
        return condensed
    return F.interpolate(condensed, size=size, mode="nearest")


class TextCondenser(nn.Module):
    """DC-AC in the words of the paper (section 2.1): `V' = F(A, B)`, without a scale.

    `(N, I, H, W) -> (N, O, ceil(H/stride), ceil(W/stride))`. The attention branch embeds the
    condensed V (k x k in columns, 1x1) and expands it (1x1) to A; the feature branch projects
    (1x1) the condensed V to B. Both condense alike, without anything learned, so it is done once;
    so is bringing A and B back, by nearest neighbours, to an output larger than they are.
    With equal columns g, width w inside, mixing: k^2 I w / g + w^2 + wO + IO + 4w + 4O parameters,
    and on a condensed map of P pixels P (k^2 I w / g + w^2 + wO + IO) MACs with the condenser's.
    """

    def __init__(self, block: Block, activation: str, gate: str) -> None:
        super().__init__()
        self.condense = condenser(block["pool"], sum(block["inputs"]), block["condense"])
        self.attention = named(
            embed=spatial(block, "inputs", "inner", activation),
            relate=pointwise(block, "inner", "inner", activation),
            expand=pointwise(block, "inner", "outputs"),
        )
        self.feature = pointwise(block, "inputs", "outputs")
        self.gate = GATES[gate]
        self.act = ACTIVATIONS[activation]()
        self.stride = block["stride"]

    def forward(self, x: Tensor) -> Tensor:
        """Attend on a condensed map."""
        condensed = self.condense(x)
        y: Tensor = self.act(self.gate(self.attention(condensed)) * self.feature(condensed))
        size = [-(-extent // self.stride) for extent in x.shape[2:]]
        return bring_back(y, size)


BLOCKS: dict[str, type[nn.Module]] = {
    "text": TextCondenser,
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


INPUT_SHAPE = (3, 32, 32)

SPEC: dict[str, Any] = {
    "activation": "relu",
    "gate": "sigmoid",
    "stem": {"inputs": 3, "width": 16, "kernel": 3, "stride": 2, "columns": 2, "pool": False},
    "stages": [
        [
            {
                "block": "text",
                "mixing": True,
                "stride": 2,
                "condense": 2,
                "pool": "max_blur",
                "columns": [2],
                "kernels": [3],
                "inputs": [16],
                "inner": [32],
                "outputs": [32],
            },
        ],
        [
            {
                "block": "text",
                "mixing": False,
                "stride": 2,
                "condense": 2,
                "pool": "max_blur",
                "columns": [2],
                "kernels": [3],
                "inputs": [32],
                "inner": [32],
                "outputs": [32],
            },
        ],
    ],
    "classes": 10,
}


def attendnext() -> nn.Module:
    """Build the network in evaluation mode; its weights are fresh until they are loaded."""
    return make(SPEC).eval()
