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
from gensynth.graph.trace.call import OperatorCall, repeat
from gensynth.graph.trace.grid import (
    Places,
    averaged,
    broadcast,
    line,
    measure,
    renumber,
    tidy,
)
from gensynth.graph.trace.linear import maxima, runs, spread_over
from gensynth.graph.trace.pieces import PatternKind, Piece, Rerun
from gensynth.graph.trace.products import Products
from gensynth.graph.trace.reduction_verdicts import judge_reductions

_SUMS = frozenset({"mean", "sum"})
_LINEAR = {"add", "sub", "rsub", "mul", "div", "neg"}
_ROUNDING = ("quantize_per", "dequantize", "fake_quant", "fused_moving_avg_obs")
_DROPPING = frozenset({"argmax", "argmin", "kthvalue", "mode"})
_RUNNING = frozenset({"cummax", "cummin", "cumprod", "logcumsumexp"})
_ALONG_AN_AXIS = _DROPPING | _RUNNING | {"sort", "argsort", "topk", "glu"}
_MAXIMA = frozenset({"maximum", "minimum", "fmax", "fmin"})


class Sampling(Products):
    """Follows the sampling grids of all tensors that depend on the image."""

    def see(self, call: OperatorCall, columns: dict[str, Any], rows: Sequence[int]) -> None:
        """Follow the grids through an operator, whose outputs are the tensors of `rows`."""
        try:
            # What is kept here is run again with gradients, which inference mode would forbid.
            with torch.inference_mode(False), torch.no_grad():
                self._follow(call, columns, rows)
        except (RuntimeError, TypeError, IndexError, StopIteration, KeyError):
            for out, row in zip(call.outputs, rows, strict=True):
                if out not in self._pieces or self._pieces[out].row != row:
                    self.lose(call.inputs, out, row)
        self._taint(call)

    def close(self, outputs: Sequence[Tensor]) -> list[Reduction]:
        """End all pieces that reach the output, and judge the reductions, in their order."""
        for tensor in outputs:
            self._end(self._pieces[tensor])
            if tensor in self._blended:
                words = "weights that depend on the image sum all positions for each of fewer"
                self._note(self._blended[tensor], words)
        judged = judge_reductions(list(self._ended), self._first)
        known = {reduction.row for reduction in judged}
        others = [reduction for reduction in self._unfollowed if reduction.row not in known]
        return sorted((*judged, *others), key=lambda reduction: reduction.row)

    def _follow(self, call: OperatorCall, columns: dict[str, Any], rows: Sequence[int]) -> None:
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
        elif operator == "cumsum":
            self._go_on(out, row, parents, parents[0].places, runs(call))
        elif operator in _ALONG_AN_AXIS and isinstance(call.arguments.get("dim"), int):
            self._pick(call, parents[0], rows)
        else:
            self.lose(call.inputs, out, row)
        for other, at in zip(call.outputs[1:], rows[1:], strict=True):
            if other not in self._pieces:  # Such as the indices of a maximum.
                self._begin_after(call.inputs, other, at)

    def _move(self, call: OperatorCall, parents: list[Piece], rows: Sequence[int]) -> None:
        if call.operator == "copy" and len(parents) == 2:  # What was there before is gone.
            shape, given = call.out.shape, parents[1]
            places = given.places.each(lambda labels: tidy(broadcast(labels, shape)))
            self._go_on(call.out, rows[0], [given], places, _through(shape), True)
            return
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

    def _reduce(self, call: OperatorCall, parent: Piece, row: int) -> None:
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

    def _bend(self, call: OperatorCall, parents: list[Piece], row: int) -> None:
        """Follow what acts number by number; several inputs, or what bends, may end pieces."""
        pending = [p.grid.coarser_than(p.origin.grid) for p in parents]
        shape, parents = call.out.shape, self._met(parents)
        spread = [p.places.each(lambda labels: tidy(broadcast(labels, shape))) for p in parents]
        places = _finest(spread, [measure(p) for p in spread], parents)
        one_map = all(piece.origin is parents[0].origin for piece in parents)
        if _is_linear(call) and one_map:
            self._go_on(call.out, row, parents, places, runs(call))
        elif one_map and all(pending) and call.operator in _MAXIMA:
            self._go_on(call.out, row, parents, places, maxima(call), loss="maximum", hold=True)
        elif len(parents) == 1 and all(pending) and all(p.moves for p in parents):
            self._go_on(call.out, row, parents, places, _through(shape), moves=True)
        else:
            for parent in parents:
                self._end(parent)
            self._map(call.out, row, renumber(places))
            self._weigh(call, parents, pending, row)

    def _pick(self, call: OperatorCall, parent: Piece, rows: Sequence[int]) -> None:
        """Follow what sorts or picks along an axis; along samples, that acts like a maximum."""
        axis, out = int(call.arguments["dim"]), call.out
        given = call.inputs[0].shape
        halves = call.operator == "glu"
        keep = halves or call.operator not in _DROPPING or bool(call.arguments.get("keepdim"))

        def along(labels: Tensor) -> Tensor:
            labels = averaged(labels, [axis], keep)
            return tidy(labels.expand(out.shape))

        if call.operator in _RUNNING:
            along = tidy
        places = parent.places.each(along)
        if line(parent.places, axis) > 1 and not halves and call.operator not in _RUNNING:
            one = given[axis]

            def summed(values: Sequence[Tensor], purpose: PatternKind) -> Tensor:
                made = values[0].sum(axis, keepdim=keep) / one
                return made.expand(out.shape)

            self._go_on(out, rows[0], [parent], places, summed, loss="maximum")
        else:
            self._end(parent)
            self._map(out, rows[0], renumber(places))


def _is_linear(call: OperatorCall) -> bool:
    operator, several = call.operator, len(call.inputs) > 1
    if operator == "lerp":
        weight = call.arguments["weight"]
        return several and not call.learned and all(weight is not t for t in call.inputs)
    if operator == "div" and call.args[0] is not call.inputs[0]:
        return False
    if operator.startswith(("native_batch_norm", "batch_norm", "cudnn_batch", *_ROUNDING)):
        return True
    if operator in ("where", "masked_fill"):  # By a mask that is the same for every image.
        mask = call.args[0 if operator == "where" else 1]
        return not mask.is_meta and all(mask is not t for t in call.inputs)
    return operator in _LINEAR and (not several or operator in ("add", "sub", "rsub"))


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
