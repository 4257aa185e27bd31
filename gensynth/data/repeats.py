"""Files of one content in several places: they make figures look better than they are."""

from collections.abc import Sequence
from typing import NamedTuple

from gensynth.data.split import SPLITS


class Placed(NamedTuple):
    """Where the content of a file came to lie."""

    sha256: str
    name: str
    split: str
    label: int


def repeats(places: Sequence[Placed]) -> str:
    """Say in a sentence what stands in several splits, or under several classes; empty if nothing.

    Files of one content are found, not images that merely look alike.
    """
    first: dict[str, Placed] = {}
    leaks: list[tuple[Placed, Placed]] = []
    doubts: list[tuple[Placed, Placed]] = []
    for place in sorted(places, key=lambda place: SPLITS.index(place.split)):
        earlier = first.setdefault(place.sha256, place)
        if earlier.split != place.split:
            leaks.append((place, earlier))
        if earlier.label != place.label:
            doubts.append((place, earlier))
    found = (
        _said(leaks, " of validation or test", "in a split that is trained on"),
        _said(doubts, "", "in another class"),
    )
    return "; ".join(sentence for sentence in found if sentence)


def _said(pairs: Sequence[tuple[Placed, Placed]], of: str, where: str) -> str:
    if not pairs:
        return ""
    late, early = (place.name.encode(errors="backslashreplace").decode() for place in pairs[0])
    images, are = ("image", "is") if len(pairs) == 1 else ("images", "are")
    return f"{len(pairs)} {images}{of} {are} also {where}, byte for byte: {late} is {early}"
