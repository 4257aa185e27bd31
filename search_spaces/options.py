"""Lists of options as the fields of a search space: their checks, and presets that fit them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import TypeVar

from gensynth.errors import InputError
from gensynth.genome import Decisions
from gensynth.space import Choose, Recording, Samples

T = TypeVar("T")


def check_options(lists: Mapping[str, Sequence[object]]) -> None:
    """Raise `InputError` for a list that is empty or repeats an option; keys are field names."""
    for name, options in lists.items():
        if not options:
            raise InputError(name, "must have at least one option")
        if len(set(options)) < len(options):
            raise InputError(name, f"must not repeat an option, got {list(options)}")


def check_at_least(name: str, values: float | Sequence[float], least: float) -> None:
    """Raise `InputError` if a value of the field `name`, or of its list, is below `least`."""
    for value in values if isinstance(values, Sequence) else (values,):
        if value < least:
            raise InputError(name, f"must be at least {least}, got {value}")


def check_among(name: str, values: Iterable[object], known: Sequence[object]) -> None:
    """Raise `InputError` if a value of the field `name` is not one of `known`."""
    for value in values:
        if value not in known:
            listed = ", ".join(map(str, known))
            raise InputError(name, f"must be one of {listed}, got {value}")


@dataclass(frozen=True)
class UnlessAlone:
    """A chooser that asks `choose` only if there are several options."""

    choose: Choose

    def __call__(self, name: str, options: Sequence[T], /) -> T:
        """Return the only option, or else the answer of `choose`."""
        return options[0] if len(options) == 1 else self.choose(name, options)


@dataclass(frozen=True)
class Nearest:
    """A chooser that returns the option nearest to a recorded decision."""

    decisions: Decisions

    def __call__(self, name: str, options: Sequence[T], /) -> T:
        """Return the recorded answer, or the number nearest to it, or the first option."""
        wanted = self.decisions.get(name)

        def distance(option: T) -> float:
            if option == wanted:
                return -1.0
            numbers = isinstance(option, (int, float)) and isinstance(wanted, (int, float))
            return abs(option - wanted) if numbers else inf  # type: ignore[operator]

        return min(options, key=distance)


def nearest_in(space: Samples, decisions: Decisions) -> Decisions:
    """Return the decisions that are nearest to `decisions` and possible in `space`."""
    recording = Recording(Nearest(decisions))
    space.sample(recording)
    return recording.decisions
