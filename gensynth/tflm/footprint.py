"""RAM and flash that a network takes under TensorFlow Lite Micro, from its graph alone.

The head of the arena is exact: TFLM's own planner on the operators of the converted network. What
stays in the arena between inferences, and the size of the file, are sums of terms: those that the
formats fix (a tensor's 24 bytes, an operator's 64, the numbers stored, 12 bytes for a scale and its
zero point), and terms fitted to the allocator and to converted files. Structures are those of a
64-bit machine, on which TFLM was measured; on a microcontroller pointers take half, so the arena is
an upper bound there.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from gensynth.graph.graph import Graph, Layer, no_rule_for
from gensynth.tflm.coefficients import COEFFICIENTS, TERMS
from gensynth.tflm.lowering import lowered
from gensynth.tflm.planner import head_bytes
from gensynth.tflm.program import Precision, Program

PRECISIONS: tuple[Precision, ...] = ("int8", "float")
EVAL_TENSOR, NODE, CHANNEL, SCALE = 24, 64, 8, 12
"""Bytes of a tensor, an operator and a channel's multiplier in the arena; of a scale and its zero
point in the file."""
_GROUPS = {
    "CONV_2D": "products",
    "DEPTHWISE_CONV_2D": "products",
    "TRANSPOSE_CONV": "products",
    "FULLY_CONNECTED": "products",
    "AVERAGE_POOL_2D": "pools",
    "MAX_POOL_2D": "pools",
    "ADD": "sums",
    "SUB": "sums",
    "MUL": "sums",
}


@dataclass(frozen=True)
class Footprint:
    """What a network takes under TFLM; all figures are bytes."""

    head_bytes: int
    """Activations: the head of the arena, as TFLM plans it."""
    tail_bytes: int
    """What stays in the arena between inferences."""
    model_bytes: int
    """The `.tflite` file without names and metadata; it stays in flash."""

    @property
    def arena_bytes(self) -> int:
        """Bytes of the tensor arena."""
        return self.head_bytes + self.tail_bytes


def footprint(program: Program, precision: Precision = "int8") -> Footprint:
    """Return what a program takes; its operators must all be known."""
    arena, file = terms(program)
    fitted = COEFFICIENTS[precision]
    tail = known_tail(program, precision) + _sum(fitted.tail, arena)
    model = known_file(program, precision) + _sum(fitted.file, file)
    return Footprint(head_bytes(program, precision), round(tail), round(model))


@lru_cache(maxsize=256)
def _program(layers: tuple[Layer, ...]) -> Program:
    return lowered(Graph(layers))


@lru_cache(maxsize=512)
def _footprint(layers: tuple[Layer, ...], precision: Precision) -> Footprint:
    return footprint(_program(layers), precision)


def program_of(graph: Graph) -> Program:
    """Return the program of a network; recent ones are remembered."""
    return _program(graph.layers)


def footprint_of(graph: Graph, precision: Precision = "int8") -> Footprint | None:
    """Return what a network takes; None if an operator is not known or not available in TFLM."""
    program = program_of(graph)
    if graph.unknown or program.lacking or program.unruled:
        return None
    return _footprint(graph.layers, precision)


def known_tail(program: Program, precision: Precision) -> int:
    """Return the bytes of structures in the arena whose sizes and numbers are known."""
    operators = program.operators
    tensors = len(program.tensors) + len(program.constants(precision))
    channels = sum(operator.channels for operator in operators)
    return EVAL_TENSOR * tensors + NODE * len(operators) + CHANNEL * channels


def known_file(program: Program, precision: Precision) -> int:
    """Return the bytes of the numbers, scales and zero points in the file."""
    constants = program.constants(precision)
    scales = len(program.tensors) + sum(constant.scales for constant in constants)
    numbers = sum(constant.bytes(precision) for constant in constants)
    return numbers + (SCALE * scales if precision == "int8" else 0)


def terms(program: Program) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return what the fitted coefficients are multiplied with: for the arena, for the file."""
    counts = Counter(_GROUPS.get(o.name, "others") for o in program.operators)
    groups = tuple(counts[name] for name in TERMS)
    kinds = len({operator.name for operator in program.operators})
    return (*groups, 1), (len(program.tensors), len(program.constants("int8")), *groups, kinds, 1)


def _sum(weights: Sequence[float], numbers: Sequence[int]) -> float:
    return sum(weight * number for weight, number in zip(weights, numbers, strict=True))


def footprint_words(graph: Graph) -> str:
    """Return what a network takes in both precisions, in words; why not, if that is not known."""
    program, words = program_of(graph), []
    for precision in PRECISIONS:
        found = footprint_of(graph, precision)
        if found is not None:
            takes = f"arena {found.arena_bytes:,} bytes, model {found.model_bytes:,} bytes"
            words.append(f"{precision}: {takes}")
    if words:
        return "; ".join(words)
    if program.lacking:
        return f"does not run: no {', '.join(program.lacking[:3])}"
    return f"not known: {no_rule_for(graph.unknown or program.unruled)}"
