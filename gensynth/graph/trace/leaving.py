"""Notices values that leave torch: what comes back has a history that nobody recorded."""

from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.overrides import TorchFunctionMode, resolve_name

_DOORS = frozenset({"numpy", "__array__", "tolist", "__dlpack__", "data_ptr"})
"""Methods of a tensor that hand its numbers to other code."""


class Doors(TorchFunctionMode):
    """Calls `left(tensor, method)` for each tensor whose numbers leave torch."""

    def __init__(self, left: Callable[[Tensor, str], None]) -> None:
        super().__init__()
        self._left = left

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run the function and take note if it hands numbers out."""
        name = getattr(func, "__name__", "")
        if name in _DOORS and args and isinstance(args[0], Tensor):
            self._left(args[0], (resolve_name(func) or name).rpartition(".")[2])
        return func(*args, **(kwargs or {}))
