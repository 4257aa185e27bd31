"""The weights that lie packed in the objects of quantised layers."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn


def packed_weights(packed: Any) -> tuple[Tensor, ...]:
    """Return the weight and, if there is one, the bias of a packed object."""
    unpack = getattr(packed, "unpack", None)
    found = unpack() if unpack else ()
    tensors = found if isinstance(found, (tuple, list)) else (found,)
    return tuple(tensor for tensor in tensors if isinstance(tensor, Tensor))


def packed_objects(module: nn.Module) -> Iterator[torch.ScriptObject]:
    """Find the packed objects of all parts of `module`."""
    seen: set[int] = set()
    for part in module.modules():
        for value in vars(part).values():
            if isinstance(value, torch.ScriptObject) and id(value) not in seen:
                seen.add(id(value))
                yield value
