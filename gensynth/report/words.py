"""Figures and verdicts in words, as every table, line and page shows them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gensynth.evaluation.constraint import Judgement, broken
from gensynth.evaluation.score import with_unit as with_unit

NAMED = 8
"""Layers that a line names; the others are counted."""


@dataclass(frozen=True)
class Look:
    """How a verdict looks."""

    colour: str
    """On a terminal, as rich names it."""
    style: str
    """The CSS class on a page."""


LOOKS: Mapping[str, Look] = {
    "ok": Look("green", "yes"),
    "broken": Look("red", "no"),
    "not kept": Look("yellow", "no"),
    "not judged": Look("yellow", "open"),
}
"""By the verdict's word."""


def count(number: float) -> str:
    """Write a count with up to four digits and a decimal prefix.

    >>> count(2_377_000) + "B"
    '2.377 MB'
    """
    for limit, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= limit:
            return f"{number / limit:.4g} {prefix}"
    return f"{number:.0f} "


def two_digits(number: float) -> str:
    """Round to two significant digits, without an exponent below a million.

    >>> two_digits(1_834.2)
    '1,800'
    """
    rounded = float(f"{number:.2g}")
    return f"{rounded:,.0f}" if 100 <= rounded < 1e6 else f"{number:.2g}"


def duration(seconds: float) -> str:
    """Write a duration with two significant digits in a suitable unit.

    >>> duration(170)
    '2.8 min'
    """
    for limit, size, unit in ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            number = seconds / size
            return f"{number:.2g} {unit}" if number < 10 else f"{number:.0f} {unit}"
    return f"{seconds / 86_400:.1f} days"


def some(words: Sequence[str]) -> str:
    """List the first few words and count the others."""
    more = f" and {len(words) - NAMED} more" if len(words) > NAMED else ""
    return ", ".join(words[:NAMED]) + more


def marked(judgement: Judgement) -> str:
    """Write a verdict's word in its colour, as rich markup."""
    return f"[{LOOKS[judgement.word].colour}]{judgement.word}[/]"


def verdicts(judgements: Iterable[Judgement]) -> str:
    """Write verdicts on one line, as rich markup: each word once, with its constraints."""
    named: dict[str, list[str]] = {}
    for judgement in judgements:
        named.setdefault(marked(judgement), []).append(judgement.constraint)
    return "; ".join(f"{word}: {', '.join(names)}" for word, names in named.items())


def what_differs(judgements: Sequence[Judgement]) -> str:
    """Name the constraints that are not simply kept, and count the others, as rich markup."""
    kept = [j for j in judgements if j.word == "ok"]
    rest = verdicts(j for j in judgements if j.word != "ok")
    if not rest:
        return verdicts(kept)
    return f"{rest}; {marked(kept[0])}: the other {len(kept)}" if kept else rest


def reasons(judgements: Iterable[Judgement]) -> str:
    """Return why a candidate is infeasible; empty if no enforced constraint is broken."""
    return "; ".join(f"{j.constraint}: {j.reason}" for j in broken(judgements))
