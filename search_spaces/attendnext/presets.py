"""Named networks of the AttendNeXt space, as decisions.

- `xa325`: the family as the authors' lab released it.
- `ref659`: the same, with depths that we inferred.
- `prototype`: their plain residual ancestor, without attention.
- `tiny`: a start for images of a few pixels (2,262 parameters; 99.4 % top-1 on the validation split
  of the digits after 25 epochs, mean of 5 seeds).
- `fast`: a start if latency matters: few layers, with widths that are multiples of 16, the numbers
  that a processor handles at once.
- `plain`: the same without attention.
- `pyramid`: likewise, with a third stage, for the full resolution of 64 pixels.
- `cifar10`: what our campaign of record found for CIFAR-10 at 64 pixels (29,242 parameters; see
  experiments/README.md).
- `cifar10_large`: the best network that another campaign trained there (276,666 parameters).

None of them is the network of the paper, whose depths are not public.
"""

from collections.abc import Mapping, Sequence

from gensynth.genome import Decision, Decisions


def _released(depths: Sequence[int], attention: str) -> dict[str, Decision]:
    """Return the released family (4 columns of 10, 21, 44 and 93 channels) at these depths."""
    decisions: dict[str, Decision] = {
        "stages": 4,
        "resolution": 1.0,
        "activation": "silu",
        "gate": "softmax",
        "stem.width": 32,
        "stem.kernel": 3,
        "stem.convs": 2,
        "stem.stride": 4,
    }
    for i, (depth, width) in enumerate(zip(depths, (10, 21, 44, 93), strict=True)):
        early = i < 2
        stage: dict[str, Decision] = {
            "columns": 4,
            "width": width,
            "depth": depth,
            "branch": "basic" if early else "bottleneck",
            "interaction": "entry" if early else "every",
            "mix": "same",
            "stride": 2 if i else 1,
            "down": "rect2",
            "attention": attention,
            "place": "first",
        }
        for k in range(1, 4):
            stage |= {f"block{k}.kernel": 3, f"block{k}.inner": 1.0}
        decisions |= {f"stage{i + 1}.{name}": option for name, option in stage.items()}
    return decisions


def _stage(name: str, width: int) -> dict[str, Decision]:
    """Return a stage of one gated block in four columns, on a map halved by Rect-2."""
    stage: dict[str, Decision] = {
        "columns": 4,
        "width": width,
        "depth": 1,
        "branch": "basic",
        "interaction": "entry",
        "mix": "same",
        "stride": 2,
        "down": "rect2",
        "attention": "released",
        "block1.kernel": 3,
        "block1.inner": 1.0,
    }
    return {f"{name}.{key}": option for key, option in stage.items()}


_TINY: Decisions = {
    "stages": 2,
    "resolution": 1.0,
    "activation": "hardswish",
    "gate": "sigmoid",
    "stem.width": 8,
    "stem.kernel": 3,
    "stem.convs": 1,
    "stem.stride": 1,
    **_stage("stage1", 3),
    **_stage("stage2", 4),
}


def _plain(
    name: str,
    columns: int,
    width: int,
    interaction: str = "entry",
    inners: Sequence[float] = (1.0,),
) -> dict[str, Decision]:
    """Return a stage of residual blocks, one for each of `inners`, that halves the map."""
    stage: dict[str, Decision] = {
        "columns": columns,
        "width": width,
        "depth": len(inners),
        "branch": "basic",
        "interaction": interaction,
        "mix": "same",
        "stride": 2,
        "attention": "none",
        "down": "rect2",
    }
    for k, inner in enumerate(inners, 1):
        stage |= {f"block{k}.kernel": 3, f"block{k}.inner": inner}
    return {f"{name}.{key}": option for key, option in stage.items()}


def _attending(
    name: str, columns: int, width: int, condense: int = 1, interaction: str = "entry"
) -> dict[str, Decision]:
    """Return a stage of one DC-AC, as the paper describes it, that halves the map."""
    attention: dict[str, Decision] = {"attention": "text", "condense": condense, "pool": "max_blur"}
    return _plain(name, columns, width, interaction) | {
        f"{name}.{key}": option for key, option in attention.items()
    }


def _small(stem_width: int, stem_convs: int) -> dict[str, Decision]:
    """Return the stem before two stages, for images of 64 pixels at half their resolution."""
    return {
        "stages": 2,
        "resolution": 0.5,
        "activation": "relu",
        "gate": "sigmoid",
        "stem.width": stem_width,
        "stem.kernel": 3,
        "stem.convs": stem_convs,
        "stem.stride": 2,
    }


_FAST: Decisions = {
    **_small(32, 1),
    **_attending("stage1", 2, 32),
    **_attending("stage2", 4, 32),
}
_PLAIN: Decisions = {
    **_small(16, 2),
    **_plain("stage1", 2, 16),
    **_plain("stage2", 2, 32, interaction="none"),
}
_PYRAMID: Decisions = {
    **_small(16, 2),
    "stages": 3,
    "resolution": 1.0,
    **_plain("stage1", 2, 16),
    **_plain("stage2", 2, 32),
    **_plain("stage3", 2, 64),
}
_CIFAR10: Decisions = {
    **_small(16, 2),
    **_plain("stage1", 2, 16),
    **_plain("stage2", 1, 32),
    "stage2.down": "tri3",
}

_CIFAR10_LARGE: Decisions = {
    **_PYRAMID,
    **_plain("stage1", 2, 16, inners=(2.0, 2.0)),
    **_plain("stage2", 2, 32, inners=(2.0,)),
    **_plain("stage3", 1, 48, inners=(2.0, 2.0)),
}

PRESETS: Mapping[str, Decisions] = {
    "xa325": _released((2, 2, 3, 1), "released"),
    "ref659": _released((2, 3, 10, 2), "released"),
    "prototype": _released((3, 4, 7, 3), "none"),
    "tiny": _TINY,
    "fast": _FAST,
    "plain": _PLAIN,
    "pyramid": _PYRAMID,
    "cifar10": _CIFAR10,
    "cifar10_large": _CIFAR10_LARGE,
}
