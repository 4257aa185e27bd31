"""Lists of options as the fields of a search space: their checks, and starts that fit them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import TypeVar

from gensynth.errors import InputError
from gensynth.genome import Decisions
from gensynth.space import Choose

T = TypeVar("T")


def check_options(lists: Mapping[str, Sequence[object]]) -> None:
    """Refuse, by the name of the field, a list that is empty or repeats an option."""
    for name, options in lists.items():
        if not options:
            raise InputError(name, "needs at least one option")
        if len(set(options)) < len(options):
            raise InputError(name, f"repeats an option: {list(options)}")


def check_at_least(name: str, values: float | Sequence[float], least: float) -> None:
    """Refuse a value, or a list with one, below `least`, by the name of the field."""
    for value in values if isinstance(values, Sequence) else (values,):
        if value < least:
            raise InputError(name, f"{value} is below {least}, the least that can be built")


def check_among(name: str, values: Iterable[object], known: Sequence[object]) -> None:
    """Refuse values that are not `known`, by the name of the field."""
    for value in values:
        if value not in known:
            listed = ", ".join(map(str, known))
            raise InputError(name, f"{value} cannot be built; valid: {listed}")


@dataclass(frozen=True)
class UnlessAlone:
    """Asks `choose`, except where there is one option only."""

    choose: Choose

    def __call__(self, name: str, options: Sequence[T], /) -> T:
        """Answer with the only option, or with what is chosen."""
        return options[0] if len(options) == 1 else self.choose(name, options)


@dataclass(frozen=True)
class Nearest:
    """Answers with the option nearest to a recorded decision, else with the first one."""

    decisions: Decisions

    def __call__(self, name: str, options: Sequence[T], /) -> T:
        """Prefer the recorded answer, then the number closest to it, then the first option."""
        wanted = self.decisions.get(name)

        def distance(option: T) -> float:
            if option == wanted:
                return -1.0
            numbers = isinstance(option, (int, float)) and isinstance(wanted, (int, float))
            return abs(option - wanted) if numbers else inf  # type: ignore[operator]

        return min(options, key=distance)
