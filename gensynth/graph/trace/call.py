"""One call of an operator, as it happened while a network ran, and the same call repeated."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

from gensynth.graph.graph import Kind
from gensynth.graph.trace.operators import KIND, OVERLOADS

_LAYOUT = frozenset({"dtype", "layout", "device", "memory_format", "pin_memory", "non_blocking"})
"""Arguments that say how numbers are stored, not what they are."""
_RESHAPES = frozenset({"view", "unsafe_view", "reshape_alias"})
_INDEXES = frozenset({"index", "index_select", "gather", "take", "repeat_interleave"})
"""They read where to look in all arguments but the first."""
_COPIES = frozenset({"clone", "to_copy", "contiguous", "conj", "resolve_conj", "resolve_neg"})


class OperatorCall(NamedTuple):
    """One call of an operator, as it happened."""

    func: Any
    """The operator itself."""
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    inputs: tuple[Tensor, ...]
    """Tensors it read that depend on the network's input, in the order of the arguments."""
    learned: bool
    """Whether it read a trainable parameter, or a constant computed from one."""
    outputs: tuple[Tensor, ...]
    frozen: bool = False
    """Whether it read a parameter that is not trained, and none that is."""

    @property
    def out(self) -> Tensor:
        """The first tensor that it returned."""
        return self.outputs[0]

    @property
    def operator(self) -> str:
        """Its bare name: no namespace, no underscores at the ends."""
        return bare_name(self.func)

    @property
    def kind(self) -> Kind:
        """The kind of layer that it is; `other` if no table has it."""
        return kind_of(self.func)

    @property
    def arguments(self) -> dict[str, Any]:
        """Its arguments by the names of its schema, defaults included."""
        schema = self.func._schema.arguments
        given = dict(zip((a.name for a in schema), self.args, strict=False)) | dict(self.kwargs)
        return {a.name: given.get(a.name, a.default_value) for a in schema}

    @property
    def options(self) -> dict[str, Any]:
        """Those arguments that are plain values and differ from their defaults."""
        defaults = {a.name: a.default_value for a in self.func._schema.arguments}
        return {
            name: value
            for name, value in self.arguments.items()
            if _is_plain(value) and value != defaults[name] and name not in _LAYOUT
        }


@lru_cache(maxsize=4096)
def bare_name(func: Any) -> str:
    """Strip namespace, overload and underscores from an operator's name."""
    name: str = func._schema.name
    return name.split("::")[-1].strip("_")


@lru_cache(maxsize=4096)
def qualified_name(func: Any) -> str:
    """Return namespace and bare name, as `aten::add`."""
    name: str = func._schema.name
    return f"{name.split('::')[0]}::{bare_name(func)}"


def full_name(func: Any) -> str:
    """Return an operator's name with namespace and overload, as torch prints it."""
    schema = getattr(func, "_schema", None)
    if schema is None:
        return f"{func.namespace}::{func.name()}"
    overload = f".{schema.overload_name}" if schema.overload_name else ""
    return f"{schema.name}{overload}"


@lru_cache(maxsize=4096)
def kind_of(func: Any) -> Kind:
    """Look up the kind of layer that an operator is; `other` if no table has it."""
    overload = f"{qualified_name(func)}.{func._schema.overload_name}"
    return OVERLOADS.get(overload) or KIND.get(qualified_name(func), "other")


def repeat(
    call: OperatorCall,
    values: Sequence[Tensor],
    constant: Callable[[Tensor], Tensor],
    empty: float = 0.0,
) -> Any:
    """Run an operator again on other numbers of the same shapes.

    `values` take the place of `call.inputs`; each other tensor is replaced by `constant` of it,
    but for the indices of an operator that picks. `empty` fills what the operator pads.
    """
    places = iter(range(len(call.inputs)))
    read = {id(tensor) for tensor in call.inputs}
    picks = call.operator in _INDEXES

    def substitute(value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value
        place = next(places) if id(value) in read else None
        if picks and value is not call.args[0]:
            return value
        return constant(value) if place is None else values[place]

    args, kwargs = tree_map(substitute, (call.args, dict(call.kwargs)))
    if call.operator in _RESHAPES:
        return args[0].reshape(args[1])
    if call.operator == "constant_pad_nd":
        return torch.nn.functional.pad(args[0], args[1], value=empty)
    if call.operator == "copy":
        return args[1].expand(args[0].shape)
    if call.operator in _COPIES:
        return args[0]
    if call.operator == "as_strided":
        args = (args[0].contiguous(), *args[1:])
    if call.func._schema.is_mutable:
        args = (args[0].clone(), *args[1:])
    return call.func(*args, **{k: v for k, v in kwargs.items() if k not in _LAYOUT})


def _is_plain(value: Any) -> bool:
    items = value if isinstance(value, (list, tuple)) else [value]
    return all(isinstance(item, (bool, int, float, str)) for item in items)


def inside_dataclasses(output: Any) -> Any:
    """Look into the dataclasses that a network may return."""

    def values(leaf: Any) -> Any:
        if not is_dataclass(leaf):
            return leaf
        return [getattr(leaf, field.name, None) for field in fields(leaf)]

    return tree_map(values, output)


def tensors_in(values: Any) -> tuple[Tensor, ...]:
    """Return the tensors among nested values."""
    return tuple(value for value in tree_leaves(values) if isinstance(value, Tensor))
