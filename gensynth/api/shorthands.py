"""Shorthands for the tables of an experiment: an option, the key that it sets, how it is read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gensynth.errors import InputError
from gensynth.quantity import BYTES, COUNT, MILLISECONDS, PERCENT, Quantity


@dataclass(frozen=True)
class Shorthand:
    """One option, and the key of an experiment file that it stands for."""

    option: str
    """As it is typed, such as `--max-params`."""
    path: tuple[str, ...]
    """Tables and key in the file."""
    quantity: Quantity | None
    """How its value is read; None for a whole number."""
    example: str
    """A value, as it is typed."""
    help: str

    @property
    def plugin(self) -> str:
        """The constraint whose option this is; empty if it belongs to another table."""
        return self.path[1] if self.path[0] == "constraints" else ""

    def read(self, given: float | str, place: str) -> float | int:
        """Return the number that was given, also as a text with a unit.

        Raises:
            InputError: it is no such number, or a percentage that looks like a share.
        """
        if self.quantity is None:
            return _integer(given, place)
        if self.quantity is PERCENT:
            return percent(given, place)
        number = self.quantity.read(given, place) if isinstance(given, str) else float(given)
        if not number > 0:
            raise InputError(place, f"must be above 0, got {given}")
        return number


def _limit(option: str, constraint: str, quantity: Quantity, example: str, help: str) -> Shorthand:
    return Shorthand(option, ("constraints", constraint, "limit"), quantity, example, help)


SHORTHANDS: Mapping[str, Shorthand] = {
    "max_params": _limit("--max-params", "max_params", COUNT, "200k", "Most parameters."),
    "max_macs": _limit("--max-macs", "max_macs", COUNT, "5M", "Most MACs of one image."),
    "max_weight_bytes": _limit(
        "--max-weight-bytes", "max_weight_bytes", BYTES, "800kB", "Most bytes of float32 weights."
    ),
    "max_peak_activation_bytes": _limit(
        "--max-peak-activation-bytes",
        "max_peak_activation_bytes",
        BYTES,
        "256KiB",
        "Most bytes of float32 activations alive at once.",
    ),
    "max_ram_bytes": _limit(
        "--max-ram",
        "max_ram_bytes",
        BYTES,
        "64kB",
        "Most RAM on a microcontroller (int8, tensor arena).",
    ),
    "max_flash_bytes": _limit(
        "--max-flash",
        "max_flash_bytes",
        BYTES,
        "128kB",
        "Most flash on a microcontroller (int8, model file).",
    ),
    "max_latency_ms": _limit(
        "--max-latency", "max_latency_ms", MILLISECONDS, "5ms", "Longest time of one inference."
    ),
    "min_top1": Shorthand(
        "--min-top1", ("constraints", "top1", "min"), PERCENT, "85", "Least top-1 in percent."
    ),
    "epochs": Shorthand(
        "--epochs", ("proxy", "epochs"), None, "20", "Epochs of each candidate's short training."
    ),
}
"""By the keyword of `gensynth.search`. The only place that defines them."""
LIMITS = tuple(name for name, shorthand in SHORTHANDS.items() if shorthand.plugin)
"""Shorthands for constraints."""
COSTS = {
    "max_params": "params",
    "max_macs": "macs",
    "max_weight_bytes": "weight_bytes",
    "max_peak_activation_bytes": "peak_activation_bytes",
}
"""Constraint that limits each cost of a profile."""


def percent(given: float | str, place: str) -> float:
    """Return a percentage from 0 to 100; one below 1 must be written with `%`.

    >>> percent("53.88", "--top1"), percent("0.5 %", "--top1")
    (53.88, 0.5)
    """
    number = PERCENT.read(given, place) if isinstance(given, str) else float(given)
    if 0 < number < 1 and "%" not in str(given):
        problem = f"{number:g} is less than 1 percent; did you mean {100 * number:g}? If not"
        raise InputError(place, f"{problem}, write '{number:g}%'")
    if not 0 <= number <= 100:
        raise InputError(place, f"must be from 0 to 100 (percent), got {given}")
    return number


def read_shorthands(given: Mapping[str, Any]) -> dict[str, float | int]:
    """Return the numbers of those shorthands that were given, by name; None is not given."""
    return {
        name: SHORTHANDS[name].read(value, name)
        for name, value in given.items()
        if value is not None
    }


def tables_of(
    given: Mapping[str, Any], constraints: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Return the tables that shorthands change, as an experiment file would state them.

    Args:
        given: shorthands by name.
        constraints: all tables of constraints as they are, `use` and `options` included; the
            table that uses a limit's plugin gets the limit, and else a new one.
    """
    changed: dict[str, dict[str, Any]] = {}
    rules = {name: dict(table) for name, table in constraints.items()}
    for name, number in read_shorthands(given).items():
        shorthand = SHORTHANDS[name]
        if not shorthand.plugin:
            changed.setdefault(shorthand.path[0], {})[shorthand.path[-1]] = number
            continue
        used = [key for key, table in rules.items() if table["use"] == shorthand.plugin]
        key = used[0] if used else shorthand.plugin
        table = rules.setdefault(key, {"use": shorthand.plugin, "options": {}})
        # A floor beside a reference network would be ignored, so the reference goes.
        kept = {} if name == "min_top1" else dict(table["options"])
        table["options"] = kept | {shorthand.path[-1]: number}
        changed["constraints"] = rules
    return changed


def _integer(given: float | str, place: str) -> int:
    try:
        return int(str(given))
    except ValueError:
        raise InputError(place, f"expected an integer, got {given!r}") from None
