"""What the structural constraints say of real networks, and why."""

from dataclasses import dataclass

import pytest

from constraints.antialiased_downsampling import AntialiasedDownsampling
from constraints.columnar import Columnar
from constraints.strided_pointwise import StridedPointwise
from gensynth.evaluation.constraint import Candidate, Constraint
from gensynth.graph.profile import profile
from gensynth.graph.trace import trace
from gensynth.models.by_name import find_model
from gensynth.space import Task


@dataclass(frozen=True)
class Expected:
    """What is to be found in a network, and the reason; offenders by layer."""

    why: str
    share: float = 0.0
    """Percent of the spatial multiply-accumulates that lie in columns."""
    early: tuple[str, ...] = ()
    """Where columns mix too early, in the first stage after its entry block."""
    strided: tuple[str, ...] = ()
    aliased: tuple[str, ...] = ()
    reductions: int = 4
    """After the first convolution."""
    image_size: int = 224


SHORTCUTS = tuple(f"layer{i}.0.downsample.0" for i in (2, 3, 4))
EFFICIENT = tuple(f"blocks.{i}.0.conv_dw" for i in (1, 2, 3, 5))


def resnet_reductions(conv: str) -> tuple[str, ...]:
    pairs = [(f"layer{i}.0.{conv}", f"layer{i}.0.downsample.0") for i in (2, 3, 4)]
    return "maxpool", *[layer for pair in pairs for layer in pair]


REAL = {
    "attendnext:xa325": Expected(
        "4 columns but for the first convolution; every reduction is a mean: 3x3 in the stem, "
        "2x2 on both branches of three blocks",
        share=94,
        reductions=7,
    ),
    "attendnext:ref659": Expected("as xa325, deeper", share=97, reductions=7),
    "attendnext:prototype": Expected("as xa325, residual blocks only", share=97, reductions=7),
    "timm:mobilenetv1_100": Expected(
        "depthwise convolutions between dense 1x1 are no columns, and stride themselves",
        aliased=tuple(f"blocks.{i}.0.conv_dw" for i in (1, 2, 3, 4)),
    ),
    "timm:mobilenetv2_100": Expected("the same, in inverted residual blocks", aliased=EFFICIENT),
    "timm:mobilenetv3_large_100": Expected(
        "the same, with squeeze-and-excitation", aliased=EFFICIENT
    ),
    "timm:efficientnet_b0": Expected("the same", aliased=EFFICIENT),
    "timm:fbnetc_100": Expected("the same", aliased=EFFICIENT),
    "timm:ghostnet_100": Expected(
        "cheap depthwise features beside a 1x1 are no columns, nor is a separable shortcut; "
        "main branch and shortcut both stride",
        aliased=tuple(
            f"blocks.{i}.0.{layer}" for i in (1, 3, 5, 7) for layer in ("conv_dw", "shortcut.0")
        ),
        reductions=8,
    ),
    "timm:mobilevit_xs": Expected(
        "depthwise and dense 3x3 one after the other; attention lets all channels mix",
        aliased=tuple(f"stages.{i}.0.conv2_kxk.conv" for i in (1, 2, 3, 4)),
        image_size=256,
    ),
    "timm:mobileone_s1": Expected(
        "fused: depthwise 3x3, which strides, and dense 1x1",
        aliased=tuple(f"stages.{i}.0.reparam_conv" for i in range(4)),
    ),
    "timm:repvgg_a0": Expected(
        "fused: dense 3x3 convolutions that stride",
        aliased=tuple(f"stages.{i}.0.reparam_conv" for i in range(4)),
    ),
    "timm:resnet18": Expected(
        "dense; shortcuts are strided 1x1, and pool and convolutions stride unfiltered",
        strided=SHORTCUTS,
        aliased=resnet_reductions("conv1"),
        reductions=7,
    ),
    "timm:resnet50": Expected(
        "dense; shortcuts are strided 1x1, the 3x3 of a stage's first block strides",
        strided=SHORTCUTS,
        aliased=resnet_reductions("conv2"),
        reductions=7,
    ),
    "timm:resnetblur50": Expected(
        "the pool and the 3x3 are blurred before they subsample, the shortcuts are not",
        strided=SHORTCUTS,
        aliased=SHORTCUTS,
        reductions=7,
    ),
    "timm:resnext50_32x4d": Expected(
        "32 columns in each 3x3, mixed by the 1x1 that follows in every block, "
        "from the first stage on",
        share=66,
        early=("layer1.1.conv3", "layer1.2.conv3"),
        strided=SHORTCUTS,
        aliased=resnet_reductions("conv2"),
        reductions=7,
    ),
    "timm:convnext_atto": Expected(
        "depthwise 7x7 between dense linear layers; 2x2 convolutions at stride 2 skip nothing, "
        "but filter nothing either",
        aliased=tuple(f"stages.{i}.downsample.1" for i in (1, 2, 3)),
        reductions=3,
    ),
    "timm:vit_tiny_patch16_224": Expected(
        "its only convolution is the first, which is exempt; nothing is reduced after it",
        reductions=0,
    ),
}


def candidate(name: str, size: int) -> Candidate:
    model = find_model(name, Task(3, size, size, 1000))
    graph = trace(model.module, model.input_shape)
    return Candidate(graph, profile(graph))


@pytest.mark.slow
@pytest.mark.parametrize("name", REAL)
def test_verdicts_on_real_networks(name: str) -> None:
    expected = REAL[name]
    known = candidate(name, expected.image_size)
    constraints: list[Constraint] = [Columnar(), StridedPointwise(), AntialiasedDownsampling()]
    columnar, strided, aliased = (constraint(known) for constraint in constraints)

    assert columnar.ok is (expected.share >= 50 and not expected.early)
    assert columnar.reason.startswith(f"{expected.share:.0f}% of the spatial MACs in columns")
    if expected.share >= 50:
        assert columnar.offenders == expected.early
    else:
        spatial = [r.name for r in known.graph if r.kind == "conv" and max(r.kernel) > 1]
        assert columnar.offenders == tuple(spatial)

    assert (strided.ok, strided.offenders) == (not expected.strided, expected.strided)
    assert (aliased.ok, aliased.offenders) == (not expected.aliased, expected.aliased)
    filtered = expected.reductions - len(expected.aliased)
    if expected.reductions:
        assert aliased.reason.startswith(f"{filtered} of {expected.reductions} reductions")
    else:
        assert aliased.reason.startswith("no reductions after the first convolution")
