"""Finds where the sampling grid of a map becomes coarser, and judges that by what it does.

A linear piece begins at a map and goes on through moves, fixed filters, learned products, and
functions of single numbers if nothing but picking lies before them. It ends where the numbers are
bent (an activation, a maximum, a product of two activations) or two maps meet; there its grid is
compared with that of the map it began with.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from gensynth.graph.graph import Reduction
from gensynth.graph.trace import grid as on_grid
from gensynth.graph.trace.call import Call, repeat
from gensynth.graph.trace.describe import operands
from gensynth.graph.trace.following import Following
from gensynth.graph.trace.grid import (
    Places,
    averaged,
    broadcast,
    measure,
    renumber,
    tidy,
    windowed,
)
from gensynth.graph.trace.judge import judge
from gensynth.graph.trace.linear import as_learned, maxima, padding_of, runs, spread_over
from gensynth.graph.trace.pieces import Piece, Rerun

_SUMS = frozenset({"mean", "sum"})
_LINEAR = {"add", "sub", "rsub", "mul", "div", "neg", "quantize_per_tensor", "dequantize"}
_MAXIMA = frozenset({"maximum", "minimum", "fmax", "fmin"})
_BENDING_RESIZES = frozenset({"grid_sampler_2d"})
_AVERAGES = frozenset({"avg_pool2d", "adaptive_avg_pool2d"})


class Sampling(Following):
    """Follows the sampling grids of all tensors that depend on the image."""

    def see(self, call: Call, columns: dict[str, Any], rows: Sequence[int]) -> None:
        """Follow the grids through an operator, whose outputs are the tensors of `rows`."""
        try:
            self._follow(call, columns, rows)
        except (RuntimeError, TypeError, IndexError, StopIteration, KeyError):
            for out, row in zip(call.outputs, rows, strict=True):
                if out not in self._pieces or self._pieces[out].row != row:
                    self.lose(call.inputs, out, row)

    def close(self, outputs: Sequence[Tensor]) -> list[Reduction]:
        """End all pieces that reach the output, and judge the reductions, in their order."""
        for tensor in outputs:
            self._end(self._pieces[tensor])
        judged = judge(list(self._ended), self._first)
        known = {reduction.row for reduction in judged}
        others = [reduction for reduction in self._unfollowed if reduction.row not in known]
        return sorted((*judged, *others), key=lambda reduction: reduction.row)

    def _follow(self, call: Call, columns: dict[str, Any], rows: Sequence[int]) -> None:
        kind, operator = columns["kind"], call.operator
        row, out = rows[0], call.out
        parents = [self._pieces[tensor] for tensor in call.inputs]
        if kind == "move":
            self._move(call, parents, rows)
        elif kind == "conv" or (kind == "pool" and operator == "convolution"):
            self._convolve(call, columns, parents[0], row)
        elif kind == "pool":
            self._pool(call, columns, parents[0], row)
        elif kind == "linear" and len(call.inputs) == 1 and operator != "mkldnn_rnn_layer":
            self._multiply(call, parents[0], row)
        elif kind == "matmul" or kind == "linear":
            self._attend(call, parents, row)
        elif kind == "reduce":
            self._reduce(call, parents[0], row)
        elif kind == "resize":
            self._resize(call, parents[0], row)
        elif kind in ("norm", "activation", "softmax", "combine"):
            self._bend(call, parents, row)
        else:
            self.lose(call.inputs, out, row)
        for other, at in zip(call.outputs[1:], rows[1:], strict=True):
            if other not in self._pieces:  # Such as the indices of a maximum.
                self._begin_after(call.inputs, other, at)

    def _move(self, call: Call, parents: list[Piece], rows: Sequence[int]) -> None:
        parents = self._met(parents)
        made = [
            repeat(call, [spread_over(call, labels, t.shape) for labels, t in pairs], _no_place)
            for pairs in (
                [(p.places.rows, t) for p, t in zip(parents, call.inputs, strict=True)],
                [(p.places.columns, t) for p, t in zip(parents, call.inputs, strict=True)],
            )
        ]
        by_row, by_column = ([m] if isinstance(m, Tensor) else list(m) for m in made)
        picks = [t for t in call.inputs[1:] if not t.is_floating_point()]
        sources = [
            p for p, t in zip(parents, call.inputs, strict=True) if all(t is not i for i in picks)
        ]
        for part, out in enumerate(call.outputs):
            places = Places(tidy(by_row[part]), tidy(by_column[part]))
            self._go_on(
                out, rows[part], sources, places, runs(call, part), True, depends=bool(picks)
            )

    def _convolve(self, call: Call, columns: dict[str, Any], parent: Piece, row: int) -> None:
        arguments = call.arguments
        if call.func.namespace == "quantized" or arguments.get("transposed"):
            self._window(
                call, columns, self._cells(call.inputs[0], parent, row), row, quantised=True
            )
            return
        parent = self._cells(call.inputs[0], parent, row)
        if len(call.inputs) > 1:  # The filter depends on the image.
            self._bend(call, [self._pieces[t] for t in call.inputs], row)
            return
        groups, outputs = columns["groups"], call.out.shape[1]

        def channels(labels: Tensor) -> Tensor:
            labels = on_grid.compact(labels)
            if labels.shape[1] > 1:
                labels = averaged(labels.unflatten(1, (groups, -1)), [2]).flatten(1, 2)  # type: ignore[no-untyped-call]
                labels = labels.repeat_interleave(outputs // groups, 1)
            return labels

        self._window(call, columns, parent, row, channels)

    def _pool(self, call: Call, columns: dict[str, Any], parent: Piece, row: int) -> None:
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
                runs(call) if average else maxima(call), stride=stride,
                loss="" if average else "maximum",
            )  # fmt: skip
            return
        self._window(call, columns, parent, row)

    def _window(
        self, call: Call, columns: dict[str, Any], parent: Piece, row: int,
        channels: Any = None, quantised: bool = False,
    ) -> None:  # fmt: skip
        """Place the windows of a convolution or a pool at their centres."""
        kernel, stride = columns.get("kernel", (1, 1)), columns.get("stride", (1, 1))
        if columns["op"].startswith("conv_transpose"):
            self._end(parent)
            self._map(call.out, row, on_grid.fresh(call.out))
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
        maximum = call.operator.startswith(("max_pool", "quantized_max_pool"))
        run = (
            maxima(call)
            if maximum
            else as_learned(call, columns)
            if quantised
            else runs(call, 0, row)
        )
        loss = "maximum" if maximum else ""
        learned = columns["kind"] == "conv" and (quantised or call.learned)
        self._go_on(call.out, row, [parent], places, run, stride=stride, loss=loss, learned=learned)
        self._learn(call, row)

    def _multiply(self, call: Call, parent: Piece, row: int) -> None:
        shape = call.out.shape
        if call.func.namespace == "quantized":
            right, run = True, as_learned(call, {})
        else:
            first, _ = operands(call)
            right, run = call.arguments[first] is call.inputs[0], runs(call, 0, row)
        axis = -1 if right or call.inputs[0].dim() == 1 else -2

        def contracted(labels: Tensor) -> Tensor:
            keep = call.inputs[0].dim() == call.out.dim()
            return tidy(averaged(labels, [axis], keep).expand(shape))

        def weighted(labels: Tensor) -> Tensor:
            spread = labels.expand(call.inputs[0].shape)
            weight = run([(spread > 0).float()], "cover")
            return tidy(run([spread], "cover") / weight.clamp_min(1e-9))

        learned = call.learned or call.func.namespace == "quantized"
        if learned:
            self._mix(call, parent, axis, row)
        places = parent.places.each(contracted if learned else weighted)
        self._go_on(call.out, row, [parent], places, run, learned=learned)
        self._learn(call, row)

    def _attend(self, call: Call, parents: list[Piece], row: int) -> None:
        """Place a product of two activations as its first factor, the queries, or as its second."""
        for parent in parents:
            self._end(parent)
        shape, candidates = call.out.shape, []
        for at, piece in enumerate(parents[:2]):
            axis = -1 if at == 0 or call.kind == "matmul" else -2
            if call.kind == "matmul" and at:
                break
            contracted = piece.places.each(lambda labels, axis=axis: averaged(labels, [axis]))  # type: ignore[misc]
            candidates.append(contracted.each(lambda labels: tidy(labels.expand(shape))))
        best = next((p for p in candidates if measure(p).cells > 1), candidates[0])
        self._map(call.out, row, renumber(best))

    def _reduce(self, call: Call, parent: Piece, row: int) -> None:
        shape = call.inputs[0].shape
        axes = call.arguments.get("dim")
        axes = [axes] if isinstance(axes, int) else list(axes or range(len(shape)))
        keep = bool(call.arguments.get("keepdim"))
        places = parent.places.each(
            lambda labels: tidy(averaged(labels, axes, keep).expand(call.out.shape))
        )
        if call.operator in _SUMS:
            self._go_on(call.out, row, [parent], places, runs(call))
        else:
            self._go_on(call.out, row, [parent], places, maxima(call), loss="maximum")

    def _resize(self, call: Call, parent: Piece, row: int) -> None:
        image, out = call.inputs[0], call.out
        if call.operator in _BENDING_RESIZES or image.dim() != 4 or len(call.inputs) > 1:
            self.lose(call.inputs, out, row)
            return
        parent = self._cells(image, parent, row)
        size = out.shape[-2:]
        if any(made > given for made, given in zip(size, image.shape[-2:], strict=True)):
            self._end(parent)
            self._map(out, row, on_grid.fresh(out))
            return

        def resized(labels: Tensor) -> Tensor:
            spread = labels.expand(image.shape)
            return tidy(torch.nn.functional.interpolate(spread, size, mode="bilinear"))

        self._go_on(out, row, [parent], parent.places.each(resized), runs(call))

    def _bend(self, call: Call, parents: list[Piece], row: int) -> None:
        """Follow what acts number by number; several inputs, or what bends, may end pieces."""
        shape, parents = call.out.shape, self._met(parents)
        spread = [p.places.each(lambda labels: tidy(broadcast(labels, shape))) for p in parents]
        places = _finest(spread, [measure(p) for p in spread], parents)
        one_map = all(piece.origin is parents[0].origin for piece in parents)
        linear = call.operator in _LINEAR and (
            len(parents) == 1 or call.operator in ("add", "sub", "rsub")
        )
        linear &= not (call.operator == "div" and call.args[0] is not call.inputs[0])
        linear |= call.operator.startswith(("native_batch_norm", "batch_norm", "cudnn_batch"))
        pending = all(p.grid.coarser_than(p.origin.grid) for p in parents)
        if linear and one_map:
            self._go_on(call.out, row, parents, places, runs(call))
        elif one_map and pending and call.operator in _MAXIMA:
            self._go_on(call.out, row, parents, places, maxima(call), loss="maximum", hold=True)
        elif len(parents) == 1 and pending and all(p.moves for p in parents):
            self._go_on(call.out, row, parents, places, _through(shape), moves=True)
        else:
            for parent in parents:
                self._end(parent)
            self._map(call.out, row, renumber(places))


def _through(shape: torch.Size) -> Rerun:
    return lambda values, purpose: values[0].expand(shape)


def _no_place(constant: Tensor) -> Tensor:
    return torch.zeros(constant.shape)


def _finest(places: list[Places], grids: list[Any], parents: list[Piece]) -> Places:
    """Take the places of the input that samples most finely; of equals of one map, their mean."""
    most = max(grid.cells for grid in grids)
    best = [p for p, grid in zip(places, grids, strict=True) if grid.cells == most]
    one_map = all(piece.origin is parents[0].origin for piece in parents)
    if len(best) == 1 or not one_map:
        return best[0]
    rows = averaged(torch.stack([p.rows for p in best]), [0], False)
    columns = averaged(torch.stack([p.columns for p in best]), [0], False)
    return Places(tidy(rows.expand(places[0].rows.shape)), tidy(columns.expand(rows.shape)))
