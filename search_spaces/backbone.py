"""A network as a backbone: its maps at each stride, in timm's words; imports torch only."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn


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
