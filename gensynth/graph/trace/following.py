"""Follows linear pieces of a network from tensor to tensor: where each begins and where it ends.

A piece begins at a map and goes on through moves, fixed filters and learned products. It ends if
the numbers are bent (an activation, a maximum, a product of two activations), if two maps meet, or
if an axis becomes coarser a second time.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from gensynth.graph.graph import Reduction
from gensynth.graph.trace import grid as on_grid
from gensynth.graph.trace.call import OperatorCall
from gensynth.graph.trace.grid import (
    Places,
    averaged,
    measure,
    renumber,
    rescaled,
    tidy,
)
from gensynth.graph.trace.pieces import Piece, Rerun


class Following:
    """The pieces of all tensors that depend on the image."""

    def __init__(self) -> None:
        self._pieces: Any = WeakTensorKeyDictionary()
        self._first: int | None = None
        """The row of the first learned product: everything up to it is exempt."""
        self._ended: dict[Piece, None] = {}
        self._unfollowed: list[Reduction] = []
        """Reductions after which no grid can be followed, so that no piece shows them."""
        self._latest = 0
        """Cells of the latest map that has a grid."""
        self._blended: Any = WeakTensorKeyDictionary()
        """Rows at which products with activations summed all positions, by what was made of it."""
        self._repeated: dict[Piece, Piece] = {}
        """Pieces once more, on a map that begins later."""
        self._restarted: dict[Piece, Piece] = {}
        """Maps that begin where a piece ended, by the piece."""

    def begin(self, image: Tensor) -> None:
        """Take `image` for the first map."""
        self._map(image, 0, on_grid.numbered_places(image))

    def same(self, tensor: Tensor, out: Tensor) -> None:
        """Let `out` be the numbers of `tensor`."""
        self._pieces[out] = self._pieces[tensor]

    def lose(self, inputs: Sequence[Tensor], out: Tensor, row: int) -> None:
        """Begin a map at what an operator made whose ways are not known; note if it is smaller."""
        self._begin_after(inputs, out, row)
        before = max((self._pieces[t].grid.cells for t in inputs), default=0)
        left = self._pieces[out].grid.cells
        fewer = 1 < out.numel() < max((t.numel() for t in inputs), default=0)
        if 1 < left < before or (left <= 1 < before and fewer):
            self._note(row, "what this operator does to the samples cannot be followed")

    def recur(self, sequence: Tensor, out: Tensor, row: int) -> None:
        """Let what a recurrent layer makes of each step lie where the step does."""
        piece, shape = self._pieces[sequence], out.shape
        if shape[:-1] != sequence.shape[:-1]:  # The last state knows all steps.
            self._begin_after((sequence,), out, row)
            return
        self._end(piece)
        places = piece.places.each(lambda labels: tidy(averaged(labels, [-1]).expand(shape)))
        self._map(out, row, renumber(places))

    def _note(self, row: int, words: str, filtered: bool | None = None) -> None:
        """Take note of a reduction that no piece shows."""
        self._unfollowed.append(Reduction(row, filtered, False, words, self._first is None))

    def _begin_after(self, inputs: Sequence[Tensor], out: Tensor, row: int) -> None:
        for tensor in inputs:
            self._end(self._pieces[tensor])
        alike = [self._pieces[t].places for t in inputs if t.shape == out.shape]
        self._map(out, row, renumber(alike[0]) if alike else _unknown(out))

    def write(self, view: Tensor, written: Tensor, row: int) -> None:
        """Show in `view` what was written in place to `written`, which shares its memory."""
        new, old = self._pieces[written], self._pieces.get(view)
        if old is not None:
            old, new = self._met([old, new])
        elements = view.untyped_storage().nbytes() // view.element_size()

        def run(values: Sequence[Tensor], purpose: Any = "cover") -> Tensor:
            memory = torch.zeros(elements)
            if old is not None:
                memory = _into(memory, view, values[0])
            memory = _into(memory, written, values[-1])
            return memory.as_strided(view.shape, view.stride(), view.storage_offset())

        parents = (old, new) if old is not None else (new,)
        places = Places(
            tidy(run([piece.places.rows for piece in parents])),
            tidy(run([piece.places.columns for piece in parents])),
        )
        self._go_on(view, row, list(parents), places, run, moves=True)

    def _met(self, parents: list[Piece]) -> list[Piece]:
        """Let each of several maps count its own rows and columns, where they meet."""
        if all(piece.origin is parents[0].origin for piece in parents):
            return parents
        return [self._restart(piece) if piece.parents else piece for piece in parents]

    def _learn(self, call: OperatorCall, row: int) -> None:
        """Begin a map at the first learned product; its reduction is exempt."""
        if self._first is None and (call.learned or call.func.namespace == "quantized"):
            self._first = row
            self._end(self._pieces[call.out])
            self._map(call.out, row, renumber(self._pieces[call.out].places))

    def _go_on(
        self, out: Tensor, row: int, parents: list[Piece], places: Places, run: Rerun,
        moves: bool = False, stride: tuple[int, int] = (1, 1), loss: str = "",
        hold: bool = False, depends: bool = False, learned: bool = False,
    ) -> None:  # fmt: skip
        """Lengthen a piece, unless maps meet or an axis becomes coarser a second time."""
        if not all(piece.origin is parents[0].origin for piece in parents):
            for parent in parents:
                self._end(parent)
            self._map(out, row, renumber(places))
            return
        grid = measure(places)
        piece = Piece(
            row, places, grid, tuple(parents), run, moves and all(p.moves for p in parents),
            stride, loss, learned, depends or any(p.depends for p in parents),
        )  # fmt: skip
        again = any(
            all(axes)
            for parent in parents
            for axes in zip(
                grid.coarser_along(parent.grid),
                parent.grid.coarser_along(parent.origin.grid),
                strict=True,
            )
        )
        again &= not piece.moves  # A slice of a slice is one slice.
        if len(parents) == 1 and (again or _steps_again(parents[0], stride)):
            parent, cut = self._again(parents[0])
            scale = rescaled(places, cut.places)
            piece = Piece(
                row, scale, measure(scale), (parent,), run, moves, stride, loss, learned, depends
            )
        self._pieces[out] = piece
        if loss and not hold:
            self._end(piece if piece.coarsens else piece.parents[0])
            self._map(out, row, renumber(piece.places))

    def _restart(self, piece: Piece) -> Piece:
        """End a piece and begin a map where it ended."""
        if piece not in self._restarted:
            self._end(piece)
            places = renumber(piece.places)
            self._restarted[piece] = Piece(piece.row, places, measure(places))
        return self._restarted[piece]

    def _again(self, piece: Piece) -> tuple[Piece, Piece]:
        """Begin a map where a piece became coarser last, and repeat on it what follows there.

        Return the piece that ends there as `piece` does, and the one that the map begins with.
        """
        path = [piece]
        while len(path[-1].parents) == 1 and not path[-1].coarsens:
            path.append(path[-1].parents[0])
        cut = path.pop()
        if not (cut.coarsens or cut.grid.coarser_than(cut.origin.grid)):
            return self._restart(piece), piece
        made = self._restart(cut)
        for old in reversed(path):
            if old not in self._repeated:
                places = rescaled(old.places, cut.places)
                self._repeated[old] = replace(
                    old, places=places, grid=measure(places), parents=(made,)
                )
            made = self._repeated[old]
        return made, cut

    def _cells(self, image: Tensor, parent: Piece, row: int) -> Piece:
        """Take what a window runs over for a map of its own if several cells have one place."""
        axes = [-1] if image.dim() == 3 else [-2, -1]
        for axis in axes:
            size = image.shape[axis]
            middle = [length // 2 for length in image.shape]
            at = [slice(None) if a == image.dim() + axis else m for a, m in enumerate(middle)]
            labels = [labels.expand(image.shape)[tuple(at)] for labels in parent.places]
            code = labels[0] * 4099 + labels[1]
            placed = code[(labels[0] > 0) & (labels[1] > 0)]
            if size > 1 and len(placed.unique()) * 1.5 <= max(len(placed), size // 2):  # type: ignore[no-untyped-call]
                if parent not in self._restarted:
                    self._end(parent)
                    self._arrange(image, parent, row)
                    places = on_grid.numbered_places(image)
                    self._restarted[parent] = Piece(parent.row, places, measure(places))
                return self._restarted[parent]
        return parent

    def _mix(self, call: OperatorCall, parent: Piece, axis: int, row: int) -> None:
        """Note learned weights that mix all positions of every channel into fewer, but not one."""
        given, made = call.inputs[0].shape, call.out.shape
        positions = parent.grid.cells
        if made and 1 < made[axis] < given[axis] == positions and call.out.numel() > made[axis]:
            line = parent.places.each(
                lambda labels: labels.expand(given).movedim(axis, -1).flatten(0, -2)[0]
            )
            if measure(line).cells == positions:
                words = "learned weights mix all positions into fewer"
                self._note(row, words, filtered=False)
                self._latest = made[axis]

    def _arrange(self, image: Tensor, parent: Piece, row: int) -> None:
        """Note a smaller map whose positions mix all of a larger one, as attention pools it."""
        height, width = image.shape[-2:]
        is_map = image.dim() == 4 and min(height, width) > 1
        if is_map and parent.grid.cells <= 1 and height * width < self._latest:
            words = "each position mixes all of a larger map, by weights that depend on the image"
            self._note(row, words)

    def _map(self, out: Tensor, row: int, places: Places) -> None:
        piece = self._pieces[out] = Piece(row, places, measure(places))
        if piece.grid.cells > 1:
            self._latest = piece.grid.cells

    def _end(self, piece: Piece) -> None:
        """Remember a piece that ended, if its grid became coarser."""
        if piece.parents and (
            piece.grid.coarser_than(piece.origin.grid) or any(p.coarsens for p in piece.chain())
        ):
            self._ended[piece] = None


def _steps_again(piece: Piece, stride: tuple[int, int]) -> bool:
    """Whether a window steps along an axis along which one of the piece has stepped before."""
    before = (part.stride for part in piece.chain() if max(part.stride) > 1)
    return max(stride) > 1 and any(_share_an_axis(steps, stride) for steps in before)


def _share_an_axis(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return any(min(steps) > 1 for steps in zip(one, other, strict=True))


def _unknown(out: Tensor) -> Places:
    return on_grid.numbered_places(out) if out.dim() >= 4 else on_grid.nowhere(out)


def _into(memory: Tensor, window: Tensor, values: Tensor) -> Tensor:
    filled = memory.clone()
    filled.as_strided(window.shape, window.stride(), window.storage_offset()).copy_(
        values.expand(window.shape)
    )
    return filled
