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
        _said(leaks, "images of validation or test are also in a split that is trained on"),
        _said(doubts, "images are also in another class"),
    )
    return "; ".join(sentence for sentence in found if sentence)


def _said(pairs: Sequence[tuple[Placed, Placed]], what: str) -> str:
    if not pairs:
        return ""
    late, early = (place.name.encode(errors="backslashreplace").decode() for place in pairs[0])
    return f"{len(pairs)} {what}, byte for byte: {late} is {early}"
