"""A piece of a network that is linear: from a map, through fixed filters and moves, to a tensor.

A piece can be run again on a pattern: a constant, the Nyquist frequency or an impulse. Learnable
weights are replaced, as they guarantee nothing about frequencies: each output then shows one number
of its window. To find which samples arrive, they are ones, as they may read the whole window.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from gensynth.graph.trace.grid import Grid, Places, compact

PatternKind = Literal["response", "mixed", "cover"]
"""The purpose of sending a pattern through a piece: its frequencies, or which samples arrive.

`mixed` is a response in which several learned weights take part; each has another size, since
equal ones could cancel a frequency."""
Rerun = Callable[[Sequence[Tensor], PatternKind], Tensor]


@dataclass(eq=False)
class Piece:
    """One tensor of a linear piece; one without parents is the map that the piece begins with."""

    row: int
    """The row of the graph that made it."""
    places: Places
    """In rows and columns of the map that the piece begins with."""
    grid: Grid
    parents: "tuple[Piece, ...]" = ()
    run: Rerun | None = None
    """Makes its numbers of those of its parents."""
    moves: bool = True
    """Numbers only moved since the map."""
    stride: tuple[int, int] = (1, 1)
    """Steps of the window, if it is a convolution or a pool."""
    loss: str = ""
    """What it does that no filter before it can make up for, such as taking a maximum."""
    learned: bool = False
    """It is a product with learned weights."""
    depends: bool = False
    """Which samples it picks depends on the image."""
    copies: tuple[int, int] = (1, 1)
    """If it is a map: how often each row and column is repeated in it."""
    weighs: bool = False
    """If it is a map: it is, or was multiplied by, weights of samples that depend on the image."""
    inverse: bool = False
    """If it is a map: it is the inverse of sums of samples."""
    origin: "Piece" = field(init=False)
    """The map that the piece begins with."""

    def __post_init__(self) -> None:
        """Find the map that the piece begins with."""
        self.origin = self.parents[0].origin if self.parents else self

    @property
    def coarsens(self) -> bool:
        """Whether the sampling grid becomes coarser here."""
        finer = (self.grid.coarser_than(parent.grid) for parent in self.parents)
        if not self.parents:
            return False
        start = self.origin.grid
        together = (  # Picked one by one, then put together with gaps.
            len(self.parents) > 1
            and self.grid.coarser_than(start)
            and not any(parent.grid.coarser_than(start) for parent in self.parents)
        )
        return max(self.stride) > 1 or all(finer) or together

    @property
    def drops_copies_only(self) -> bool:
        """Whether it only picks numbers, and of each that the map repeats, one."""
        grid, copies = self.grid, self.origin.copies
        near = grid.row_step <= copies[0] and grid.column_step <= copies[1]
        return self.moves and max(copies) > 1 and near and max(grid.rows, grid.columns) > 1

    def chain(self) -> "Iterator[Piece]":
        """List the piece with all that it is made of, the map excluded, last first."""
        todo, seen = [self], {id(self.origin)}
        while todo:
            piece = todo.pop()
            if id(piece) not in seen:
                seen.add(id(piece))
                yield piece
                todo += piece.parents

    def send(self, pattern: Tensor, purpose: PatternKind) -> Tensor:
        """Run the piece on `pattern`, of the shape of the map that it begins with."""
        known = {id(self.origin): pattern}
        for piece in sorted(self.chain(), key=_depth):
            if piece.run is not None:
                values = [known[id(parent)] for parent in piece.parents]
                known[id(piece)] = piece.run(values, purpose)
        return known[id(self)]


def _depth(piece: Piece) -> int:
    return piece.row


def patterns(origin: Piece) -> tuple[Tensor, ...]:
    """Return a constant, and the Nyquist frequency along rows, columns and both, on a map.

    Their axes of length 1 are to be spread over the map: all channels show the same.
    """
    rows, columns = (compact(labels) for labels in origin.places)
    constant = ((rows > 0) & (columns > 0)).float()
    high, across = 1 - rows % 2 * 2, 1 - columns % 2 * 2
    return constant, constant * high, constant * across, constant * high * across


def response(piece: Piece) -> float:
    """Compare |response| at the Nyquist frequency with that at zero; infinite if zero is blocked.

    Of the axes that become coarser, the worse one and the worst number count, those at the border
    of the map excepted, where padding takes part. An axis with one row or column has no Nyquist
    frequency.
    """
    constant, *highest = patterns(piece.origin)
    shape = piece.origin.places.rows.shape
    several = sum(part.learned for part in piece.chain()) > 1
    purpose: PatternKind = "mixed" if several else "response"
    zero = piece.send(constant.expand(shape), purpose).abs()
    inside = _inside(piece)
    worst = 0.0
    grid = piece.origin.grid
    by_row, by_column = _subsampled(piece)
    wanted = by_row, by_column, by_row or by_column
    counts = grid.rows, grid.columns, min(grid.rows, grid.columns)
    for pattern, asked, count in zip(highest, wanted, counts, strict=True):
        if asked and count > 1:
            found = piece.send(pattern.expand(shape), purpose).abs()
            live = inside & ((zero > 1e-6) | (found > 1e-6))
            if bool(live.any()):
                worst = max(worst, float((found[live] / zero[live].clamp_min(1e-9)).max()))
    return round(worst, 4)


def _subsampled(piece: Piece) -> tuple[bool, bool]:
    """Whether rows, and columns, are subsampled; both if that shows along neither axis."""
    grid, before = piece.grid, piece.origin.grid
    longer = grid.coarser_along(before)
    collapsed = grid.rows == 1 < before.rows, grid.columns == 1 < before.columns
    axes = longer[0] or collapsed[0], longer[1] or collapsed[1]
    return axes if any(axes) else (True, True)


def _inside(piece: Piece) -> Tensor:
    """Mark the numbers of a tensor that lie away from the border of its grid."""
    return _middle(piece.places.rows, piece.grid.rows) & _middle(
        piece.places.columns, piece.grid.columns
    )


def _middle(labels: Tensor, count: int) -> Tensor:
    border = 2 if count >= 6 else 1 if count >= 3 else 0
    values = compact(labels).unique()  # type: ignore[no-untyped-call]
    values = values[values > 0]
    if not len(values):
        return labels < 0
    low, high = values[min(border, len(values) - 1)], values[max(len(values) - 1 - border, 0)]
    return (labels >= low) & (labels <= high)  # type: ignore[no-any-return]


def covered(piece: Piece) -> Tensor:
    """Find which cells of the map reach the piece: a number for each, row times 4099 + column."""
    constant, *_ = patterns(piece.origin)
    with torch.enable_grad():
        pattern = constant.clone().requires_grad_()
        sent = piece.send(pattern.expand(piece.origin.places.rows.shape), "cover")
        (arrived,) = torch.autograd.grad(sent.sum(), pattern)
    return _cells(piece.origin.places, arrived != 0)


def missing(piece: Piece, arrived: Tensor) -> Tensor:
    """Find the cells that do not arrive though they lie in reach of the steps of the piece.

    What is left over at the end of a map that the steps do not divide is not missing.
    """
    every = _cells(piece.origin.places, torch.ones((), dtype=torch.bool))
    if not len(arrived):
        return every
    grid, reach = piece.grid, torch.ones_like(every, dtype=torch.bool)
    for at, seen, count, step, stride in (
        (every // 4099, arrived // 4099, grid.rows, grid.row_step, piece.stride[0]),
        (every % 4099, arrived % 4099, grid.columns, grid.column_step, piece.stride[1]),
    ):
        end = max(seen.min() + math.ceil(count * max(step, stride)) - 1, seen.max())
        reach &= (at >= seen.min()) & (at <= end)
    return every[reach & ~torch.isin(every, arrived)]


def _cells(places: Places, wanted: Tensor) -> Tensor:
    rows, columns = (compact(labels) for labels in places)
    marks = torch.where((rows > 0) & (columns > 0) & wanted, rows * 4099 + columns, 0)
    return marks.long()[marks > 0].unique()  # type: ignore[no-any-return, no-untyped-call]


def scattered(piece: Piece) -> Piece | None:
    """Return the place at which channels that keep different samples were put together, if any.

    Taken together, they may show all samples of a map, and still each channel has lost some.
    """
    shape = piece.origin.places.rows.shape
    joined = [part for part in piece.chain() if part.moves and len(part.parents) > 1]
    if len(shape) != 4 or not joined:
        return None
    last = max(joined, key=_depth)
    if not any(parent.grid.coarser_than(last.origin.grid) for parent in last.parents):
        return None
    with torch.enable_grad():
        pattern = torch.ones(shape).requires_grad_()
        (arrived,) = torch.autograd.grad(last.send(pattern, "cover").sum(), pattern)
    kept = (arrived[0] != 0).flatten(1)
    some = kept[kept.any(1)]
    each = covered(last)
    return last if bool(len(some)) and bool((some.sum(1) * 2 <= len(each)).all()) else None
