"""Where on the sampling grid of a map each number of a tensor lies, whatever its layout.

Each tensor has two companions of its shape: the row and the column that each number belongs to,
counted from 1; 0 means no place (constants, padding, a class token). Operators that move numbers
are run on the companions too, so a grid survives reshapes, windows, tokens and rotations.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

_FINER_THAN = 1.01
"""Steps that differ by less are equal: borders shift the mean of the places in a window."""


class Places(NamedTuple):
    """Row and column of each number of a tensor; equal along an axis of stride 0."""

    rows: Tensor
    columns: Tensor

    def each(self, change: Callable[[Tensor], Tensor]) -> "Places":
        """Change both in the same way."""
        return Places(change(self.rows), change(self.columns))

    def over(self, shape: Sequence[int]) -> "Places":
        """Spread both over a shape."""
        return self.each(lambda labels: labels.expand(shape))


class Grid(NamedTuple):
    """How finely a tensor samples the map that it comes from."""

    rows: int
    """Different rows among its numbers."""
    columns: int
    cells: int
    """Different pairs of a row and a column."""
    row_step: float
    """Mean distance of neighbouring rows, in rows of the map; 0 if there is one row."""
    column_step: float

    def coarser_than(self, other: "Grid") -> bool:
        """Whether it samples the same map in longer steps, along an axis or irregularly."""
        return any(self.coarser_along(other)) or self._thinned(other)

    def coarser_along(self, other: "Grid") -> tuple[bool, bool]:
        """Whether the steps between rows, and between columns, are longer."""
        return (
            self.row_step > other.row_step * _FINER_THAN > 0,
            self.column_step > other.column_step * _FINER_THAN > 0,
        )

    def _thinned(self, other: "Grid") -> bool:
        """Whether cells are missing of a grid that was full, as when tokens are dropped."""
        missing = self.cells < 0.99 * self.rows * self.columns
        full = other.cells > 0.99 * other.rows * other.columns
        return missing and full and self.cells < other.cells and self.cells > 1


def numbered_places(tensor: Tensor) -> Places:
    """Number the last two axes of a map, or the last axis of a sequence (batch, channels, L)."""
    shape = tensor.shape
    if len(shape) < 3:
        return Places(torch.zeros(()).expand(shape), torch.zeros(()).expand(shape))
    columns = torch.arange(1.0, shape[-1] + 1).expand(shape)
    if len(shape) == 3:
        return Places(torch.ones(()).expand(shape), columns)
    rows = torch.arange(1.0, shape[-2] + 1)[:, None].expand(shape)
    return Places(rows, columns)


def nowhere(tensor: Tensor) -> Places:
    """Return places that mark every number of a tensor as having none."""
    return Places(torch.zeros(()).expand(tensor.shape), torch.zeros(()).expand(tensor.shape))


def tidy(labels: Tensor) -> Tensor:
    """Let each axis along which all labels are equal have stride 0."""
    shape = labels.shape
    labels = compact(labels)
    for axis, size in enumerate(labels.shape):
        if size > 1:
            first = labels.narrow(axis, 0, 1)
            labels = first if bool((labels == first).all()) else labels
    return labels.expand(shape)


def compact(labels: Tensor) -> Tensor:
    """Cut the axes of stride 0 to length 1."""
    for axis, (size, stride) in enumerate(zip(labels.shape, labels.stride(), strict=True)):
        if stride == 0 and size > 1:
            labels = labels.narrow(axis, 0, 1)
    return labels


def measure(places: Places) -> Grid:
    """Return the number of rows, columns and cells of a tensor, and the steps between them."""
    rows, columns = compact(places.rows), compact(places.columns)
    by_row, by_column = _different(rows), _different(columns)
    if all(1 in sizes for sizes in zip(rows.shape, columns.shape, strict=True)):
        cells = len(by_row) * len(by_column)
    else:
        cells = len(_different(torch.where((rows > 0) & (columns > 0), rows * 4099 + columns, 0)))
    return Grid(len(by_row), len(by_column), cells, _step(by_row), _step(by_column))


def line(places: Places, axis: int) -> int:
    """Return how many different places there are along an axis."""
    count = 1
    for labels in places:
        short = compact(labels)
        if short.shape[axis] > 1:
            flat = short.movedim(axis, 0).flatten(1)
            count = max(count, *(len(_different(column)) for column in (flat[:, 0], flat[:, -1])))
    return count


def _different(labels: Tensor) -> Tensor:
    values = (labels.flatten().double() * 256).round().unique() / 256  # type: ignore[no-untyped-call]
    return values[values > 0]  # type: ignore[no-any-return]


def _step(values: Tensor) -> float:
    return float(values[-1] - values[0]) / (len(values) - 1) if len(values) > 1 else 0.0


def renumber(places: Places) -> Places:
    """Number the remaining rows and columns from 1 again."""
    return places.each(_ranked)


def _ranked(labels: Tensor) -> Tensor:
    shape, labels = labels.shape, compact(labels)
    values = _different(labels)
    exact = (labels.double() * 256).round() / 256
    ranks = torch.searchsorted(values, exact.contiguous()).float() + 1
    return torch.where(labels > 0, ranks, 0.0).expand(shape)


def averaged(labels: Tensor, axes: Sequence[int], keepdim: bool = True) -> Tensor:
    """Return the mean over axes of the labels that have a place."""
    labels = compact(labels)
    count = (labels > 0).sum(list(axes), keepdim=keepdim)
    return labels.sum(list(axes), keepdim=keepdim) / count.clamp_min(1)


def windowed(labels: Tensor, axis: int, size: int, extent: int, step: int, before: int) -> Tensor:
    """Place the `size` windows of a convolution or a pool along an axis at their centres.

    A window is `extent` wide, the first begins `before` numbers outside, and they are `step` apart.
    """
    labels = compact(labels)
    length = labels.shape[axis]
    if length == 1:
        return labels
    centres = torch.arange(size) * step - before + (extent - 1) / 2
    low, high = (f(centres).clamp(0, length - 1).long() for f in (torch.floor, torch.ceil))
    return (labels.index_select(axis, low) + labels.index_select(axis, high)) / 2


def rescaled(places: Places, before: Places) -> Places:
    """Return places in units of the rows and columns of `before`, not of the original map."""
    return Places(
        _rescaled_labels(places.rows, before.rows), _rescaled_labels(places.columns, before.columns)
    )


def _rescaled_labels(labels: Tensor, before: Tensor) -> Tensor:
    shape, labels = labels.shape, compact(labels)
    values = compact(before).unique()  # type: ignore[no-untyped-call]
    values = values[values > 0]
    if len(values) < 2:
        return (labels > 0).float().expand(shape)
    high = torch.searchsorted(values, labels.contiguous()).clamp(1, len(values) - 1)
    low = high - 1
    share = (labels - values[low]) / (values[high] - values[low])
    return torch.where(labels > 0, low + share + 1, 0.0).expand(shape)


def broadcast(labels: Tensor, shape: torch.Size) -> Tensor:
    """Spread labels over the shape of what an operator made."""
    return labels.expand(shape) if labels.dim() <= len(shape) else labels.reshape(shape)
