"""What a module stores: its parameters, packed weights and the constants of a frozen program."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from gensynth.graph.graph import Stored


def stored(module: nn.Module) -> Stored:
    """Return how many numbers `module` has learned, and their bytes.

    Parameters count whether or not an image reads them, once each; buffers do not count. The
    weights of quantised layers lie packed, and `torch.jit.freeze` turns all parameters into
    constants: both count as the parameters that they were. A network without any of these may
    hold tensors as constants; those are buffers by another name and do not count.
    """
    weights = [*_parameters(module), *_packed(module)]
    if not weights:
        weights = list(_frozen(module))
    return Stored(
        sum(tensor.numel() for tensor in weights),
        sum(tensor.numel() * tensor.element_size() for tensor in weights),
    )


def packed_weights(packed: Any) -> tuple[Tensor, ...]:
    """Return the weight and, if there is one, the bias of a packed object."""
    unpack = getattr(packed, "unpack", None)
    found = unpack() if unpack else ()
    tensors = found if isinstance(found, (tuple, list)) else (found,)
    return tuple(tensor for tensor in tensors if isinstance(tensor, Tensor))


def _parameters(module: nn.Module) -> Iterator[Tensor]:
    yield from (parameter for parameter in module.parameters() if not is_lazy(parameter))


def _packed(module: nn.Module) -> Iterator[Tensor]:
    """Yield the weights that lie packed in the objects of quantised layers."""
    seen: set[int] = set()
    for part in module.modules():
        for value in vars(part).values():
            if isinstance(value, torch.ScriptObject) and id(value) not in seen:
                seen.add(id(value))
                yield from packed_weights(value)


def _frozen(module: nn.Module) -> Iterator[Tensor]:
    for part in module.modules():
        if not isinstance(part, torch.jit.ScriptModule):
            continue
        try:
            graph = part.inlined_graph  # It owns its nodes: keep it while they are read.
        except RuntimeError:  # A part without a forward method has no graph.
            continue
        for node in graph.findAllNodes("prim::Constant"):  # type: ignore[attr-defined]
            if node.output().type().kind() != "TensorType":
                continue
            value = node.output().toIValue()
            if isinstance(value, Tensor) and value.is_floating_point():
                yield value
        return  # The first graph holds all others.
