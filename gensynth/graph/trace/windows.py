"""Follows sampling grids through what runs a window over a map: convolutions, pools, resizes."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from gensynth.graph.trace import grid as on_grid
from gensynth.graph.trace.call import OperatorCall
from gensynth.graph.trace.following import Following
from gensynth.graph.trace.grid import Places, averaged, compact, tidy, windowed
from gensynth.graph.trace.linear import as_learned, maxima, padding_of, runs
from gensynth.graph.trace.pieces import Piece

_BENDING_RESIZES = frozenset({"grid_sampler_2d"})
_AVERAGES = frozenset({"avg_pool2d", "adaptive_avg_pool2d"})


class Windows(Following):
    """Places the windows of an operator at their centres."""

    def _convolve(
        self, call: OperatorCall, columns: dict[str, Any], parent: Piece, row: int
    ) -> None:
        arguments = call.arguments
        if call.func.namespace == "quantized" or arguments.get("transposed"):
            self._window(
                call, columns, self._cells(call.inputs[0], parent, row), row, quantised=True
            )
            return
        parent = self._cells(call.inputs[0], parent, row)
        if len(call.inputs) > 1:  # The filter depends on the image.
            if max(columns.get("stride", (1, 1))) > 1:
                words = "its weights depend on the image: no fixed low-pass filter comes before"
                self._note(row, words, filtered=False)
            self._begin_after(call.inputs, call.out, row)
            return
        groups, outputs = columns["groups"], call.out.shape[1]

        def channels(labels: Tensor) -> Tensor:
            labels = on_grid.compact(labels)
            if labels.shape[1] > 1:
                labels = averaged(labels.unflatten(1, (groups, -1)), [2]).flatten(1, 2)  # type: ignore[no-untyped-call]
                labels = labels.repeat_interleave(outputs // groups, 1)
            return labels

        self._window(call, columns, parent, row, channels)

    def _pool(self, call: OperatorCall, columns: dict[str, Any], parent: Piece, row: int) -> None:
        parent = self._cells(call.inputs[0], parent, row)
        if call.operator.startswith("adaptive"):
            size = call.out.shape[-2:]
            shape = call.inputs[0].shape

            def pooled(labels: Tensor) -> Tensor:
                return tidy(torch.nn.functional.adaptive_avg_pool2d(labels.expand(shape), size))  # type: ignore[arg-type]

            # All positions are averaged: that is not a reduction, whatever the window.
            stride = columns.get("stride", (1, 1)) if max(size) > 1 else (1, 1)
            average = call.operator in _AVERAGES
            self._go_on(
                call.out, row, [parent], parent.places.each(pooled),
                runs(call) if average else maxima(call),
                stride=_along_grid(parent.places, stride),
                loss="" if average else "maximum",
            )  # fmt: skip
            return
        self._window(call, columns, parent, row)

    def _window(
        self, call: OperatorCall, columns: dict[str, Any], parent: Piece, row: int,
        channels: Any = None, quantised: bool = False,
    ) -> None:  # fmt: skip
        """Place the windows of a convolution or a pool at their centres."""
        kernel, stride = columns.get("kernel", (1, 1)), columns.get("stride", (1, 1))
        covered = [k >= size for k, size in zip(kernel, call.inputs[0].shape[-2:], strict=True)]
        pooled = columns["kind"] == "pool" and all(covered) and call.out.shape[-2:].numel() == 1
        steps = (1, 1) if pooled else _along_grid(parent.places, stride)
        if columns["op"].startswith("conv_transpose"):
            self._end(parent)
            self._map(call.out, row, on_grid.numbered_places(call.out))
            self._learn(call, row)
            return
        shape, size = call.out.shape, call.out.shape[-2:]
        before = padding_of(columns)
        same = tuple(call.inputs[0].shape[-2:]) == tuple(size) and stride == (1, 1)

        def placed(labels: Tensor) -> Tensor:
            labels = channels(labels) if channels else on_grid.compact(labels)
            if not same:
                for axis in (-2, -1) if len(shape) > 3 else (-1,):
                    labels = windowed(
                        labels, axis, shape[axis], kernel[axis], stride[axis], before[axis]
                    )
            if labels.shape[1] not in (1, shape[1]):
                labels = averaged(labels, [1])
            return tidy(labels.expand(shape))

        places = parent.places.each(placed)
        run, loss = _how(call, columns, row, quantised)
        learned = columns["kind"] == "conv" and (quantised or call.learned)
        self._go_on(call.out, row, [parent], places, run, stride=steps, loss=loss, learned=learned)
        self._learn(call, row)

    def _resize(self, call: OperatorCall, parent: Piece, row: int) -> None:
        image, out = call.inputs[0], call.out
        if call.operator in _BENDING_RESIZES or image.dim() != 4 or len(call.inputs) > 1:
            self.lose(call.inputs, out, row)
            return
        parent = self._cells(image, parent, row)
        size = out.shape[-2:]
        if any(made > given for made, given in zip(size, image.shape[-2:], strict=True)):
            self._end(parent)
            self._map(out, row, on_grid.numbered_places(out))
            if "nearest" in call.operator:
                self._pieces[out].copies = _copies(image.shape[-2:], size)
            return

        def resized(labels: Tensor) -> Tensor:
            spread = labels.expand(image.shape)
            return tidy(torch.nn.functional.interpolate(spread, size, mode="bilinear"))

        self._go_on(out, row, [parent], parent.places.each(resized), runs(call))


def _copies(given: Sequence[int], made: Sequence[int]) -> tuple[int, int]:
    """Return how often each row and column is repeated, if all are equally often; else 1."""
    rows, columns = (
        new // old if new % old == 0 else 1 for old, new in zip(given, made, strict=True)
    )
    return rows, columns


def _along_grid(places: Places, stride: tuple[int, int]) -> tuple[int, int]:
    """Turn the steps along the last two axes into steps along rows and columns of the map."""
    by_axis = {}
    for axis, step in zip((-2, -1), stride, strict=True):
        across = [compact(labels).shape[axis] > 1 for labels in places if labels.dim() >= -axis]
        by_axis["rows" if across == [True, False] else "columns" if any(across) else ""] = step
    return by_axis.get("rows", 1), by_axis.get("columns", 1)


def _how(call: OperatorCall, columns: dict[str, Any], row: int, quantised: bool) -> tuple[Any, str]:
    """Return how a window acts on a pattern, and what it loses beside: "maximum" or nothing."""
    if call.operator.startswith(("max_pool", "quantized_max_pool")):
        return maxima(call), "maximum"
    return (as_learned(call, columns) if quantised else runs(call, 0, row)), ""
