"""The parts of its experiment that a campaign may not change when it is run again."""

from collections.abc import Iterable
from typing import Any

from gensynth.campaign.experiment import Experiment
from gensynth.errors import InputError
from gensynth.serialization import to_plain

FIXED = ("space", "data", "proxy", "seed")
"""Outcomes measured with other values of these fields would not be comparable."""


def refuse_change(old: Experiment, new: Experiment, place: str) -> None:
    """Raise `InputError` with the first difference in the fields that may not change."""
    for difference in changes(old, new, FIXED):
        problem = "differs from the campaign's; use another --out folder for another search"
        raise InputError(f"{place}: {difference}", problem)


def changes(old: Experiment, new: Experiment, keys: Iterable[str]) -> list[str]:
    """Return the first difference of each of the fields `keys` that differs, in words."""
    pairs = [(key, to_plain(getattr(old, key)), to_plain(getattr(new, key))) for key in keys]
    return [_first_difference(*pair) for pair in pairs if pair[1] != pair[2]]


def _first_difference(key: str, before: Any, after: Any) -> str:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted(before.keys() | after.keys()):
            if before.get(name) != after.get(name):
                return _first_difference(f"{key}.{name}", before.get(name), after.get(name))
    return f"{key} ({_shown(before)} before, {_shown(after)} now)"


def _shown(value: Any) -> str:
    return "none" if value is None else str(value)
