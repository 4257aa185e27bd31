"""A network as the operators that TensorFlow Lite Micro executes."""

from collections.abc import Hashable
from typing import Literal, NamedTuple

Precision = Literal["int8", "float"]
"""Numbers of the model: 8-bit integers (biases 32 bits), or float32."""
Role = Literal["weights", "bias", "values", "index"]
"""What the numbers of a constant are; `values` have one scale, `index` ones are always int32."""


class Constant(NamedTuple):
    """Numbers that are stored in the file."""

    role: Role
    numbers: int
    content: Hashable
    """Constants with equal content are stored once."""
    scales: int = 0
    """Numbers in int8 that each have a scale and a zero point."""

    def bytes(self, precision: Precision) -> int:
        """Return the bytes of the numbers."""
        narrow = precision == "int8" and self.role in ("weights", "values")
        return self.numbers if narrow else 4 * self.numbers


class Operator(NamedTuple):
    """One operator, such as `CONV_2D`; an activation may be fused into it."""

    name: str
    inputs: tuple[int, ...]
    """Tensors that it reads."""
    output: int
    """The tensor that it writes."""
    constants: tuple[Constant, ...] = ()
    channels: int = 0
    """Output channels that have scales of their own in int8; 0 if one scale serves all."""


class Program(NamedTuple):
    """Operators in the order of execution."""

    tensors: tuple[int, ...]
    """Numbers in each tensor that is not constant; the first is the image."""
    operators: tuple[Operator, ...]
    lacking: tuple[str, ...] = ()
    """Operators of the network that TFLM does not have, as `op (module)`."""
    unruled: tuple[str, ...] = ()
    """Operators whose conversion is not known here, as `op (module)`."""

    def constants(self, precision: Precision) -> tuple[Constant, ...]:
        """Return the constants as they are stored: equal ones once.

        In int8 the scale of a bias depends on the operator's input, so each operator has its own.
        """
        own = precision == "int8"
        return tuple(
            dict.fromkeys(
                c._replace(content=(o.output, c.content)) if own and c.role == "bias" else c
                for o in self.operators
                for c in o.constants
            )
        )
