"""What the networks have in common: stages whose maps others can use; imports only torch."""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from torch import Tensor, nn


def stride_of(stage: Sequence[Mapping[str, Any]]) -> int:
    """Return the stride of a stage, which is the product of the strides of its blocks."""
    return prod(block.get("stride") or (2 if block.get("down") else 1) for block in stage)


def feature_info(stages: Sequence[tuple[int, int]], reduction: int) -> list[dict[str, Any]]:
    """Describe the maps of a network as timm does, finest first: the last stage of each stride.

    Args:
        stages: (channels, stride) of each stage.
        reduction: stride of the stem.

    Returns:
        For each map: `num_chs` channels, `reduction` (pixels of the image per pixel of the map,
        per side), and the `module` and number of the `stage` that returns it.
    """
    last = {}
    for i, (channels, stride) in enumerate(stages):
        reduction *= stride
        facts = {"num_chs": channels, "reduction": reduction, "module": f"stages.{i}", "stage": i}
        last[reduction] = facts
    return list(last.values())


class Backbone(nn.Module):
    """Stem, stages, global mean, linear head: `(N, C, H, W) -> (N, classes)`.

    A detector or a segmenter can use the maps of the stages.
    """

    def __init__(
        self,
        stem: nn.Module,
        stages: Sequence[Sequence[nn.Module]],
        sizes: Sequence[tuple[int, int]],
        stem_stride: int,
        classes: int,
    ) -> None:
        """Put the blocks of each stage in a row; `sizes` are (channels, stride) of each stage."""
        super().__init__()
        self.stem = stem
        self.stages = nn.ModuleList(nn.Sequential(*blocks) for blocks in stages)
        self.head = nn.Linear(sizes[-1][0], classes)
        self.feature_info = feature_info(sizes, stem_stride)

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
