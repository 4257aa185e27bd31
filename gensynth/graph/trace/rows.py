"""The rows that a trace writes down, seen from their tensors, and which of them stay."""

import torch
from torch import Tensor

from gensynth.graph.graph import Layer


def shape_of(tensor: Tensor) -> tuple[int, ...]:
    """Return the shape in a row: without a leading axis of one, unless it is the only axis."""
    shape = tuple(tensor.shape)
    return shape[1:] if len(shape) > 1 and shape[0] == 1 else shape


def memory_of(tensor: Tensor) -> int:
    """Name the memory that a tensor looks at; on the meta device there are no addresses."""
    strided = tensor.layout is torch.strided  # Others (MKL-DNN) do not show their memory.
    return int(tensor.untyped_storage()._cdata) if strided else id(tensor)


def without_unread_views(layers: list[Layer]) -> tuple[tuple[Layer, ...], dict[int, int]]:
    """Drop views that lead nowhere; return the other rows, and their new numbers by the old."""
    read = {len(layers) - 1}
    for i in range(len(layers) - 1, -1, -1):
        if i in read or not (layers[i].kind == "move" and layers[i].alias):
            read |= {i, *layers[i].inputs}
    kept = sorted(read)
    number = {row: place for place, row in enumerate(kept)}
    rows = (layers[i]._replace(inputs=tuple(number[j] for j in layers[i].inputs)) for i in kept)
    return tuple(rows), number
