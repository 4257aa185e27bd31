"""A check: one law, whether it holds, and what was seen where it does not."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Check:
    """One law that a plugin was held to."""

    law: str
    """What every plugin of the kind does, as a sentence."""
    broken: str = ""
    """What was seen instead; empty where the law holds."""

    @property
    def ok(self) -> bool:
        """Say whether the law holds."""
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
    """Collects checks: a law holds where its block ends without an exception."""

    checks: list[Check] = field(default_factory=list)

    @contextmanager
    def law(self, words: str) -> Iterator[None]:
        """Check one law in a `with` block; whatever is raised there breaks it."""
        try:
            yield
        except Broken as seen:
            self.checks.append(Check(words, str(seen)))
        except Exception as error:
            self.checks.append(Check(words, f"{type(error).__name__}: {error}"))
        else:
            self.checks.append(Check(words))

    @property
    def hold(self) -> bool:
        """Say whether everything so far holds: some laws need others."""
        return all(check.ok for check in self.checks)


def expect(holds: bool, seen: str) -> None:
    """Break the law of the block where `holds` is false, by what was `seen` instead."""
    if not holds:
        raise Broken(seen)
