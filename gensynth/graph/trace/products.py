"""Follows sampling grids through matrix products: learned weights, fixed matrices, attention."""

import torch
from torch import Tensor

from gensynth.graph.trace.call import OperatorCall
from gensynth.graph.trace.describe import operands
from gensynth.graph.trace.grid import Places, averaged, line, measure, nowhere, renumber, tidy
from gensynth.graph.trace.linear import as_learned, runs
from gensynth.graph.trace.pieces import Piece
from gensynth.graph.trace.reduction_verdicts import WEIGHED
from gensynth.graph.trace.windows import Windows

_INVERSES = frozenset({"reciprocal", "rsqrt", "pow"})


class Products(Windows):
    """Places what a product makes where the numbers lie that it sums."""

    def _multiply(self, call: OperatorCall, parent: Piece, row: int) -> None:
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
        if call.frozen and not learned and line(parent.places, axis) <= 1:  # Mixes channels only.
            call, learned = call._replace(learned=True), True
            run = runs(call, 0, row)
        if learned:
            self._mix(call, parent, axis, row)
        places = parent.places.each(contracted if learned else weighted)
        self._go_on(call.out, row, [parent], places, run, learned=learned)
        self._learn(call, row)

    def _attend(self, call: OperatorCall, parents: list[Piece], row: int) -> None:
        """Place a product of two activations as its first factor, the queries, or as its second."""
        for parent in parents:
            self._end(parent)
        known = {id(tensor): piece for tensor, piece in zip(call.inputs, parents, strict=True)}
        first, second = ("query", "value") if call.kind == "matmul" else operands(call)
        self._map(call.out, row, nowhere(call.out))
        for name, axis in ((first, -1), (second, -2)):
            piece = known.get(id(call.arguments[name]))
            places = _contracted(piece.places, axis, call.out.shape) if piece else None
            left = measure(places).cells if places else 0
            if piece and places and left > 1:
                self._map(call.out, row, renumber(places))
                if left < piece.grid.cells:
                    self._note(row, WEIGHED)
                break
        self._blend(call, known, second, row)

    def _blend(self, call: OperatorCall, known: dict[int, Piece], second: str, row: int) -> None:
        """Note a product that sums over all positions of a map for each of fewer queries.

        The product of a map with itself, channel by channel, is a statistic of the map.
        """
        shape, value = call.out.shape, call.arguments[second]
        if id(value) not in known or len(shape) < 2 or self._pieces[call.out].grid.cells > 1:
            return
        axis = -2 if call.kind == "matmul" or value.dim() > 1 else -1
        summed = line(known[id(value)].places, axis)
        mine = {id(piece.origin) for piece in known.values() if piece.moves}
        itself = len(known) > 1 and len(mine) == 1 and all(p.moves for p in known.values())
        if 1 < min(shape[-2:]) < summed and not (itself and call.kind == "linear"):
            self._blended[call.out] = row

    def _weigh(
        self, call: OperatorCall, parents: list[Piece], pending: list[bool], row: int
    ) -> None:
        """Note weights that depend on the image, and how they weigh samples against each other.

        Such weights are a softmax over samples, or a quotient of two sums of samples.
        """
        made, operator = self._pieces[call.out], call.operator
        if call.kind == "softmax":
            made.weighs = line(parents[0].places, int(call.arguments["dim"])) > 1
        elif operator in _INVERSES and len(parents) == 1:
            made.inverse = pending[0]
        elif operator == "div" and len(parents) == 2 and pending[1]:
            made.weighs = not pending[0]
            if pending[0]:
                self._note(row, WEIGHED)
        elif operator == "mul" and any(pending) and any(p.origin.inverse for p in parents):
            self._note(row, WEIGHED)
        elif operator == "mul" or len(parents) == 1:
            made.weighs = any(p.origin.weighs for p in parents)

    def _taint(self, call: OperatorCall) -> None:
        """Pass on that a tensor blends positions, until it meets a map that has its grid."""
        rows = [self._blended[tensor] for tensor in call.inputs if tensor in self._blended]
        for out in call.outputs if rows else ():
            if out not in self._blended and self._pieces[out].grid.cells <= 1:
                self._blended[out] = rows[0]


def _contracted(places: Places, axis: int, shape: torch.Size) -> Places:
    means = places.each(lambda labels: averaged(labels, [axis]))
    return means.each(lambda labels: tidy(labels.expand(shape)))
