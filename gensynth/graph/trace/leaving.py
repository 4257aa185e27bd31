"""Intercepts torch's functions: values that leave torch, and recurrent layers as a whole.

Nothing is known of what happens to values outside torch. A recurrent layer is intercepted as a
whole because, depending on its precision, it runs as thousands of operators or as a fused one.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode, resolve_name
from torch.utils._python_dispatch import _disable_current_modes

from gensynth.graph.trace.call import tensors_in

_DOORS = frozenset(
    {"numpy", "__array__", "tolist", "__dlpack__", "data_ptr", "item", "__float__", "__int__"}
)
"""Methods of a tensor that hand its numbers to other code."""


_RECURRENT = frozenset({"lstm", "gru", "rnn_tanh", "rnn_relu"})


class Doors(TorchFunctionMode):
    """Calls `left(tensor, method)` for each tensor whose numbers leave torch.

    `whole(columns, read, outputs)` is called for each recurrent layer, whose parts stay unseen.
    """

    def __init__(
        self,
        left: Callable[[Tensor, str], None],
        whole: Callable[[dict[str, Any], tuple[Tensor, ...], tuple[Tensor, ...]], None],
    ) -> None:
        super().__init__()
        self._left = left
        self._whole = whole

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run the function, and report if it hands numbers to other code."""
        name = getattr(func, "__name__", "")
        if name in _DOORS and args and isinstance(args[0], Tensor):
            self._left(args[0], (resolve_name(func) or name).rpartition(".")[2])
        if name in _RECURRENT and getattr(torch, name, None) is func:
            return self._recur(func, args, kwargs or {})
        return func(*args, **(kwargs or {}))

    def _recur(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Record a recurrent layer, which reads each weight matrix once per step and sequence."""
        with _disable_current_modes():
            out = func(*args, **kwargs)
        read = tensors_in((args, kwargs))
        sequence, *_ = read
        steps = sequence.shape[:-1].numel()
        values = [*args, *kwargs.values()]
        params = values[3 if isinstance(values[3], (list, tuple)) else 2]
        weights = [t for t in params if t.dim() == 2]
        macs = steps * sum(weight.numel() for weight in weights)
        columns = {"kind": "linear", "op": func.__name__, "macs": macs}
        self._whole(columns, read, tensors_in(out))
        return out
