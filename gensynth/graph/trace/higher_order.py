"""Runs operators that take functions: the branch that is taken, and attention as one product."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol
from unittest.mock import patch

import torch
from torch import Tensor
from torch._ops import HigherOrderOperator

from gensynth.graph.trace.call import full_name, tensors_in


class Notes(Protocol):
    """The recorder as this module uses it: a context manager that can append a row."""

    def __enter__(self) -> Any: ...
    def __exit__(self, *error: Any) -> Any: ...
    def note(
        self, columns: dict[str, Any], read: tuple[Tensor, ...], outputs: tuple[Tensor, ...]
    ) -> None:
        """Append one row."""


def run_higher_order(
    recorder: Notes, func: HigherOrderOperator, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Run a higher-order operator and record what it did.

    Of `torch.cond`, only the branch that this image takes is run and recorded. Attention with a
    score function (`flex_attention`) is one product of activations, like other forms of attention.
    Any other operator is recorded as unknown.
    """
    name = func.name()  # type: ignore[no-untyped-call]
    if name == "cond":
        condition, taken, other, operands = (*args, *kwargs.values())[:4]
        with recorder:
            return (taken if bool(condition) else other)(*operands)
    out = func(*args, **kwargs)
    read, outputs = tensors_in((args, kwargs)), tensors_in(out)
    columns: dict[str, Any] = {"kind": "other", "op": full_name(func), "route": None}
    if name == "flex_attention":
        query, key, value = args[:3]
        pairs = query.shape[:-1].numel() * key.shape[-2]
        macs = pairs * (query.shape[-1] + value.shape[-1])
        columns = {"kind": "matmul", "op": "attention", "macs": macs}
        outputs = outputs[:1]
    recorder.note(columns, read, outputs)
    return out


@contextmanager
def uncompiled() -> Iterator[None]:
    """Let higher-order operators reach the recorder, instead of a compiler that hides their parts.

    Called eagerly, they first compile themselves unless a compilation is in progress. Meanwhile,
    they are made to believe that one is; other callers are not affected. Parts made by
    `torch.compile` run uncompiled, since the compiler would translate the recorder as well.
    """
    asked = torch.compiler.is_dynamo_compiling

    def compiling() -> bool:
        caller: str = sys._getframe(1).f_globals.get("__name__", "")
        return caller.startswith(_HIGHER_ORDER) or asked()

    eager = torch.compiler.set_stance("force_eager")
    with eager, patch.object(torch.compiler, "is_dynamo_compiling", compiling):
        yield


_HIGHER_ORDER = ("torch._higher_order_ops", "torch.nn.attention.flex_attention")
