"""Static costs of a network at batch 1, read off its graph."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Profile:
    """What a network costs before it is trained; definitions in `profile`."""

    params: int
    """Learnable numbers, batch normalisation and head included."""
    macs: int
    """Multiply-accumulates of convolutions and linear layers, groups respected."""
    weight_bytes: int
    """Bytes of the learnable numbers in float32."""
    peak_activation_bytes: int
    """Largest sum of live tensors over the steps: batch 1, eval, float32, nothing in place."""
    uncounted: tuple[str, ...] = ()
    """Operators that cost something but are in no count, as `op (name)`."""
