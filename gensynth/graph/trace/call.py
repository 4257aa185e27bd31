"""One call of an operator, as it happened while a network ran."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from torch import Tensor

_LAYOUT = frozenset({"dtype", "layout", "device", "memory_format", "pin_memory", "non_blocking"})
"""Arguments that say how numbers are stored, not what they are."""


class Call(NamedTuple):
    """One call of an operator, as it happened."""

    func: Any
    """The operator itself."""
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    inputs: tuple[Tensor, ...]
    """Tensors it read that depend on the network's input, in the order of the arguments."""
    learned: bool
    """Whether it read a parameter, or a constant computed from one."""
    outputs: tuple[Tensor, ...]

    @property
    def out(self) -> Tensor:
        """What it returned first."""
        return self.outputs[0]

    @property
    def operator(self) -> str:
        """Its bare name: no namespace, no underscores at the ends."""
        return bare_name(self.func)

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


def bare_name(func: Any) -> str:
    """Strip namespace, overload and underscores from an operator's name."""
    name: str = func._schema.name
    return name.split("::")[-1].strip("_")


def _is_plain(value: Any) -> bool:
    items = value if isinstance(value, (list, tuple)) else [value]
    return all(isinstance(item, (bool, int, float, str)) for item in items)
