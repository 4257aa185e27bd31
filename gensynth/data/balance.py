"""How evenly images are spread over the classes, and what to do if they are not."""

from collections.abc import Sequence

UNEVEN = 1.5
"""Classes are imbalanced if the largest has more than this multiple of the smallest's images."""
NAMED = 6
"""Classes that a sentence names with their counts: the largest and the smallest."""


def imbalance(names: Sequence[str], counts: Sequence[int]) -> str:
    """Return a sentence about classes of different sizes, with the ways on; empty if they are even.

    >>> imbalance(["cat", "dog"], [30, 10]).partition(";")[0]
    'the classes have from 10 to 30 training images (cat 30, dog 10)'
    >>> imbalance(["cat", "dog"], [30, 30])
    ''
    """
    if not counts or max(counts) <= UNEVEN * min(counts):
        return ""
    order = sorted(range(len(counts)), key=lambda label: (-counts[label], label))
    parts = [f"{names[label]} {counts[label]:,}" for label in order]
    if len(parts) > NAMED:
        parts = [*parts[: NAMED // 2], "...", *parts[-NAMED // 2 :]]
    share = 100 * max(counts) / sum(counts)
    return (
        f"the classes have from {min(counts):,} to {max(counts):,} training images "
        f"({', '.join(parts)}); always predicting {names[order[0]]} would be right for "
        f"{share:.1f} %; if small classes matter, use the constraint balanced_accuracy beside "
        'top1, the score netscore_balanced, and balance = "sampling" or "weights" in [proxy]'
    )
