"""attendnext: a network found by gensynth; this file needs only torch.

    model = attendnext()
    model.load_state_dict(safetensors.torch.load_file("model.safetensors"))
    logits = model(images)

Images have the shape (N, 3, 32, 32) and are prepared as PREPROCESSING and predict.py describe.
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
    """Filters each channel and keeps every second row and column.

    `(N, C, H, W) -> (N, C, ceil(H/2), ceil(W/2))`. Nothing is learned, and the filter is not part
    of the state dict. The edge is replicated, for an even number of taps by one pixel less before
    than after, so that an even map halves exactly and a constant image stays constant.
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
        """Return the blurred and subsampled map."""
        padded = F.pad(x, self.padding, mode="replicate")
        return F.conv2d(padded, self.filter, stride=2, groups=self.filter.shape[0])


def rect2(channels: int) -> nn.Module:
    """Return the average of 2x2 pixels, which is Rect-2 [1, 1]; an odd edge counts once."""
    return nn.AvgPool2d(2, ceil_mode=True)


def tri3(channels: int) -> nn.Module:
    """Return a blur with Tri-3 [1, 2, 1]."""
    return Blur(channels, TRI_3)


REDUCERS: dict[str, Callable[[int], nn.Module]] = {
    "rect2": rect2,
    "tri3": tri3,
}
"""Layers that halve a map without a convolution: `(N, C, H, W) -> (N, C, ceil(H/2), ceil(W/2))`."""


def stride_of(stage: Sequence[Mapping[str, Any]]) -> int:
    """Return the stride of a stage, which is the product of the strides of its blocks."""
    return prod(block.get("stride") or (2 if block.get("down") else 1) for block in stage)


def feature_info(stages: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
    """Describe the maps of a network as timm does, finest first: the last stage of each stride.

    Args:
        stages: (channels, stride) of each stage.

    Returns:
        For each map: `num_chs` channels, `reduction` (pixels of the image per pixel of the map,
        per side), and the `module` and number of the `stage` that returns it.
    """
    reduction, last = 1, {}
    for i, (channels, stride) in enumerate(stages):
        reduction *= stride
        facts = {"num_chs": channels, "reduction": reduction, "module": f"stages.{i}", "stage": i}
        last[reduction] = facts
    return list(last.values())


class Backbone(nn.Module):
    """Stem, stages, global mean, linear head: `(N, C, H, W) -> (N, classes)`.

    A detector or a segmenter can use the maps of the stages.
    """

    stem: nn.Module
    stages: nn.ModuleList
    head: nn.Module
    feature_info: list[dict[str, Any]]

    def forward_features(self, x: Tensor) -> list[Tensor]:
        """Return the output of each stage, `(N, C_i, H_i, W_i)`, the finest map first."""
        maps = [self.stem(x)]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        return maps[1:]

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits `(N, classes)` of images `(N, C, H, W)`."""
        logits: Tensor = self.head(self.forward_features(x)[-1].mean(dim=(2, 3)))
        return logits

    def forward_intermediates(
        self,
        x: Tensor,
        indices: int | Sequence[int] | None = None,
        intermediates_only: bool = False,
    ) -> Any:
        """Return the last map and a list of maps of `feature_info`, the finest first.

        Args:
            x: images `(N, C, H, W)`.
            indices: entries of `feature_info`; a number means the last so many; None means all.
            intermediates_only: return only the list.

        Returns:
            Maps `(N, num_chs, H / reduction, W / reduction)`, with sides rounded up.
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
    """Return the parts that are not None as a sequence of named modules."""
    return nn.Sequential(OrderedDict((k, part) for k, part in parts.items() if part is not None))


def conv2d(inputs: int, outputs: int, kernel: int, groups: int, stride: int) -> nn.Conv2d:
    """Return a convolution without bias, since a norm follows, padded to ceil(H / stride)."""
    padding = kernel // 2
    return nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)


def normed(conv: nn.Module, channels: int, activation: str | None) -> nn.Sequential:
    """Return a convolution with batch normalisation and, if it is named, an activation."""
    act = ACTIVATIONS[activation]() if activation else None
    return named(conv=conv, norm=nn.BatchNorm2d(channels), act=act)


BlockSpec = Mapping[str, Any]


class ParallelConv(nn.Module):
    """One convolution per bundle of columns, for bundles that differ.

    `(N, sum(inputs), H, W) -> (N, sum(outputs), H', W')`, in the order of the bundles.
    """

    def __init__(self, inputs: Sequence[int], convs: Sequence[nn.Conv2d]) -> None:
        super().__init__()
        self.inputs = list(inputs)
        self.bundles = nn.ModuleList(convs)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve each bundle and concatenate the results."""
        parts = torch.split(x, self.inputs, dim=1)
        return torch.cat(
            [conv(part) for conv, part in zip(self.bundles, parts, strict=True)], dim=1
        )


class Shuffle(nn.Module):
    """Distributes the channels of each column evenly to all columns, at no cost."""

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.columns = columns

    def forward(self, x: Tensor) -> Tensor:
        """Reorder the channels."""
        return F.channel_shuffle(x, self.columns)


def column_conv(block: BlockSpec, ends: tuple[str, str], pointwise: bool, stride: int) -> nn.Module:
    """Return a convolution of each column by itself; one grouped layer if all bundles are equal.

    Columns share a group if the input channels of their bundle cannot be divided among them.
    """
    inputs, outputs = block[ends[0]], block[ends[1]]
    kernels = [1] * len(inputs) if pointwise else block["kernels"]
    groups = [gcd(n, channels) for n, channels in zip(block["columns"], inputs, strict=True)]
    bundles = list(zip(inputs, outputs, kernels, groups, strict=True))
    if all(bundle == bundles[0] for bundle in bundles):
        return conv2d(sum(inputs), sum(outputs), kernels[0], sum(groups), stride)
    return ParallelConv(inputs, [conv2d(*bundle, stride) for bundle in bundles])


def spatial(
    block: BlockSpec, inputs: str, outputs: str, activation: str | None = None, stride: int = 1
) -> nn.Sequential:
    """Return a k x k convolution of each column by itself, normalised."""
    conv = column_conv(block, (inputs, outputs), False, stride)
    return normed(conv, sum(block[outputs]), activation)


def pointwise(
    block: BlockSpec, inputs: str, outputs: str, activation: str | None = None, stride: int = 1
) -> nn.Sequential:
    """Return a normalised 1x1 convolution, across columns if they mix, else column by column."""
    if block["mixing"]:
        conv: nn.Module = conv2d(sum(block[inputs]), sum(block[outputs]), 1, 1, stride)
    else:
        conv = column_conv(block, (inputs, outputs), True, stride)
    return normed(conv, sum(block[outputs]), activation)


ATTENTIONS: dict[str, type[nn.Module]] = {}
"""Attention modules; each takes channels, ratio, pool, gate and activation."""


def reducer(down: str | None, channels: int) -> nn.Module | None:
    """Return the layer that halves a map, or None if `down` is left to a convolution or unset."""
    return REDUCERS[down](channels) if down in REDUCERS else None


def basic_branch(block: BlockSpec, activation: str) -> nn.Sequential:
    """Return two k x k convolutions: `(N, I, H, W) -> (N, O, H', W')`.

    With g equal columns and inner width w: k^2 w (I + O) / g + 2w + 2O parameters.
    """
    stride = 2 if block["down"] in ("strided_3x3", "strided_1x1") else 1
    return named(
        shuffle=Shuffle(sum(block["columns"])) if block["shuffle"] else None,
        reduce=reducer(block["down"], sum(block["inputs"])),
        first=spatial(block, "inputs", "inner", activation, stride),
        second=spatial(block, "inner", "outputs"),
    )


def projection(block: BlockSpec) -> nn.Sequential:
    """Return a 1x1 convolution from the shape of a block's input to that of its output.

    With mixing: IO + 2O parameters.
    """
    average = "rect2" if block["down"] == "strided_3x3" else block["down"]
    stride = 2 if block["down"] == "strided_1x1" else 1
    return named(
        reduce=reducer(average, sum(block["inputs"])),
        project=pointwise(block, "inputs", "outputs", stride=stride),
    )


BRANCHES: dict[str, Callable[[BlockSpec, str], nn.Sequential]] = {
    "basic": basic_branch,
}


class Residual(nn.Module):
    """`act(branch(V) + shortcut(V))`: `(N, I, H, W) -> (N, O, H', W')`.

    If `attend` names an attention condenser, it is the last layer of the branch.
    """

    def __init__(self, block: BlockSpec, activation: str, gate: str) -> None:
        super().__init__()
        self.branch = BRANCHES[block["branch"]](block, activation)
        if block["attend"]:
            attend = ATTENTIONS[block["attend"]]
            sizes = sum(block["outputs"]), block["condense"], block["pool"]
            self.branch.add_module("attend", attend(*sizes, gate, activation))
        self.shortcut = projection(block) if block["project"] else nn.Identity()
        self.act = ACTIVATIONS[activation]()

    def forward(self, x: Tensor) -> Tensor:
        """Add the branch to the shortcut."""
        y: Tensor = self.act(self.branch(x) + self.shortcut(x))
        return y


BLOCKS: dict[str, type[nn.Module]] = {
    "residual": Residual,
}


def stem(spec: BlockSpec, activation: str) -> nn.Sequential:
    """Return the first layers: `(N, inputs, H, W) -> (N, width, H', W')`, of stride 1, 2 or 4."""
    inputs, width, columns = spec["inputs"], spec["width"], spec["columns"]
    first = conv2d(inputs, width, spec["kernel"], 1, spec["stride"])
    second = conv2d(width, width, spec["kernel"], columns, 1) if columns else None
    return named(
        first=normed(first, width, activation),
        second=normed(second, width, activation) if second else None,
        pool=nn.AvgPool2d(3, stride=2, padding=1) if spec["pool"] else None,
    )


class AttendNeXt(Backbone):
    """Stem, stages of columnar blocks, global mean, linear head."""

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
                "inner": [32],
                "outputs": [32],
            },
        ],
        [
            {
                "block": "residual",
                "mixing": False,
                "shuffle": False,
                "branch": "basic",
                "down": "tri3",
                "project": True,
                "attend": None,
                "columns": [1],
                "kernels": [3],
                "inputs": [32],
                "inner": [32],
                "outputs": [32],
            },
        ],
    ],
    "classes": 10,
}

PREPROCESSING = {
    "channels": 3,
    "height": 64,
    "width": 64,
    "mean": [0.4920879429502064, 0.48298711892898605, 0.44740433519172473],
    "std": [0.23876736626984782, 0.23629913926547083, 0.25468064355739356],
    "background": None,
    "white": 65280,
    "fit": "box",
    "filter": "bilinear",
    "then": [32, 32],
}

CLASSES = [
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
]


def attendnext() -> nn.Module:
    """Build the network in eval mode, with fresh weights."""
    return make(SPEC).eval()
