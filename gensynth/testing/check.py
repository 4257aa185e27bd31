"""A check: one law, whether a plugin keeps it, and what was seen if it does not."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, is_dataclass
from typing import Any

from gensynth.errors import PLUGIN_FAULTS, InputError
from gensynth.serialization import dumps, from_plain, loads, to_plain


@dataclass(frozen=True)
class Check:
    """One law that a plugin was checked for."""

    law: str
    """What every plugin of the kind does, as a sentence."""
    broken: str = ""
    """What was seen instead; empty if the law holds."""

    @property
    def ok(self) -> bool:
        """Whether the law holds."""
        return not self.broken


def require(checks: Iterable[Check]) -> None:
    """Raise `AssertionError` with every law that is broken; for tests."""
    broken = [f"{check.law}: {check.broken}" for check in checks if not check.ok]
    if broken:
        raise AssertionError("\n".join(broken))


class Broken(Exception):
    """What was seen instead of a law; raised within `Laws.law`."""


@dataclass
class Laws:
    """Collects checks: a law holds if its block ends without an exception."""

    checks: list[Check] = field(default_factory=list)

    @contextmanager
    def law(self, words: str) -> Iterator[None]:
        """Check one law in a `with` block; any exception there breaks it."""
        try:
            yield
        except Broken as seen:
            self.checks.append(Check(words, str(seen)))
        except PLUGIN_FAULTS as error:
            self.checks.append(Check(words, f"{type(error).__name__}: {error}"))
        else:
            self.checks.append(Check(words))

    @property
    def hold(self) -> bool:
        """Whether every law so far holds: some laws presuppose others."""
        return all(check.ok for check in self.checks)


def expect(holds: bool, seen: str) -> None:
    """Break the law of the current block unless `holds`; `seen` says what was seen instead."""
    if not holds:
        raise Broken(seen)


def check_table(laws: Laws, plugin: Any) -> None:
    """Check that a plugin can be made from a table of an experiment."""
    with laws.law("it is a frozen dataclass: its fields are its table in an experiment"):
        expect(is_dataclass(plugin), "not a dataclass")
        expect(plugin.__dataclass_params__.frozen, "its fields can be changed")
        again = from_plain(type(plugin), loads(dumps(to_plain(plugin)), "fields"), "fields")
        expect(again == plugin, f"its fields do not survive being written: {again}")


@contextmanager
def one_line(place: str = "") -> Iterator[None]:
    """Allow an `InputError` of one line in the block, about `place` if one is given."""
    try:
        yield
    except InputError as error:
        expect("\n" not in str(error), "its message has several lines")
        expect(not place or error.place == place, f"its place is {error.place!r}, not {place!r}")
