"""Sizes of maps as a network strides."""

Size = tuple[int, int]
"""Height and width in pixels."""


def halve(size: Size, stride: int, wanted: int, smallest: int) -> tuple[Size, int]:
    """Halve a map of `stride` until the `wanted` one, but leave no side below `smallest` pixels.

    Gives the size and the stride that were reached; sizes are rounded up.
    """
    while stride < wanted and min(size) > 2 * (smallest - 1):
        size, stride = ((size[0] + 1) // 2, (size[1] + 1) // 2), 2 * stride
    return size, stride
