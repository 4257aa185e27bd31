"""What of its experiment a campaign may not change when it is run again."""

from collections.abc import Iterable
from typing import Any

from gensynth.campaign.experiment import Experiment
from gensynth.errors import InputError
from gensynth.serialization import to_plain

FIXED = ("space", "data", "proxy", "seed")
"""With others its outcomes would not be comparable."""


def refuse_change(old: Experiment, new: Experiment, place: str) -> None:
    """Raise `InputError` naming the first field that a campaign may not change."""
    for key in FIXED:
        before, after = to_plain(getattr(old, key)), to_plain(getattr(new, key))
        if before != after:
            raise InputError(
                f"{place}: {_first_difference(key, before, after)}",
                "differs from the campaign's; use another --out folder for another search",
            )


def changes(old: Experiment, new: Experiment, keys: Iterable[str]) -> list[str]:
    """Say what differs: the first difference of each of the fields `keys`."""
    pairs = [(key, to_plain(getattr(old, key)), to_plain(getattr(new, key))) for key in keys]
    return [_first_difference(*pair) for pair in pairs if pair[1] != pair[2]]


def _first_difference(key: str, before: Any, after: Any) -> str:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted(before.keys() | after.keys()):
            if before.get(name) != after.get(name):
                return _first_difference(f"{key}.{name}", before.get(name), after.get(name))
    return f"{key} ({_told(before)} before, {_told(after)} now)"


def _told(value: Any) -> str:
    return "none" if value is None else str(value)
