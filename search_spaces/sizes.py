"""Sizes of maps in a network with strides."""

Size = tuple[int, int]
"""Height and width in pixels."""


def halve(size: Size, stride: int, wanted: int, smallest: int) -> tuple[Size, int]:
    """Halve a map until its stride is `wanted`, unless a side would fall below `smallest` pixels.

    Args:
        size: height and width of the map.
        stride: its stride so far.
        wanted: the stride to reach, a power of two.
        smallest: least number of pixels per side.

    Returns:
        The size, with sides rounded up, and the stride that were reached.

    >>> halve((9, 9), 1, 4, smallest=4)
    ((5, 5), 2)
    """
    while stride < wanted and min(size) > 2 * (smallest - 1):
        size, stride = ((size[0] + 1) // 2, (size[1] + 1) // 2), 2 * stride
    return size, stride
