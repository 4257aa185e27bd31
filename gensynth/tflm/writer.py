"""Writes a program operator by operator: equal ones once, activations into what comes before."""

from collections.abc import Hashable, Sequence

from gensynth.tflm.program import Constant, Operator, Program

TAKES_ACTIVATION = frozenset(
    ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "ADD", "SUB", "MUL", "DIV")
)
"""Operators that can end in ReLU or ReLU6."""


class Writer:
    """The operators so far. Tensors are known by their numbers; 0 is the image."""

    def __init__(self, image: int) -> None:
        """Start with an image of so many numbers."""
        self._tensors = [image]
        self._operators: list[Operator] = []
        self._known: dict[Hashable, int] = {}
        self._ended: set[int] = set()
        self._made_by = {0: -1}
        self.lacking: list[str] = []
        """What TFLM does not have, as `op (module)`."""
        self.unruled: list[str] = []
        """What is not known here, as `op (module)`."""

    def program(self) -> Program:
        """Return what was written."""
        lists = (tuple(dict.fromkeys(names)) for names in (self.lacking, self.unruled))
        return Program(tuple(self._tensors), tuple(self._operators), *lists)

    def write(
        self,
        name: str,
        inputs: Sequence[int],
        size: int,
        constants: Sequence[Constant] = (),
        form: Hashable = (),
        channels: int = 0,
    ) -> int:
        """Return the output of an operator, written unless it is known already.

        Args:
            name: the operator's.
            inputs: tensors that it reads.
            size: numbers in its output.
            constants: what else it reads.
            form: what else decides its output.
            channels: see `Operator`.
        """
        key = (name, tuple(inputs), size, tuple(constants), form)
        if key in self._known:
            return self._known[key]
        self._tensors.append(size)
        tensor = self._known[key] = len(self._tensors) - 1
        self._made_by[tensor] = len(self._operators)
        operator = Operator(name, tuple(inputs), tensor, tuple(constants), channels)
        self._operators.append(operator)
        return tensor

    def made_by(self, tensor: int) -> str:
        """Return the name of the operator that writes a tensor; empty for the image."""
        return self._operators[self._made_by[tensor]].name if tensor else ""

    def ends_in(self, tensor: int) -> bool:
        """Let the operator of a tensor end in an activation; return whether it can."""
        if tensor in self._ended or self.made_by(tensor) not in TAKES_ACTIVATION:
            return False
        self._ended.add(tensor)
        self._known = {key: value for key, value in self._known.items() if value != tensor}
        return True


def index(content: Hashable, numbers: int) -> Constant:
    """Return a list of int32 that says how numbers are moved."""
    return Constant("index", numbers, content)


def learned(
    weights: int, channels: int, content: Hashable, bias: Hashable
) -> tuple[Constant, Constant]:
    """Return weights and bias of an operator with scales for each output channel."""
    return (
        Constant("weights", weights, content, channels),
        Constant("bias", channels, bias, channels),
    )
