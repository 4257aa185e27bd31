"""Constraints: questions about a candidate, their verdicts, and the indicator 1_r of them all."""

import math
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

from gensynth.evaluation.latency import Latency, Question
from gensynth.evaluation.measurement import Measurement
from gensynth.graph.graph import Graph
from gensynth.graph.profile import Profile
from gensynth.space import Task

if TYPE_CHECKING:
    from torch import nn

Stage = Literal["graph", "profile", "latency", "proxy"]
"""What must be known before a question can be answered, cheapest first."""
STAGES: tuple[Stage, ...] = ("graph", "profile", "latency", "proxy")
Mode = Literal["enforce", "prefer"]


@dataclass(frozen=True)
class Candidate:
    """Everything that may be asked about one network; what is not known yet is None."""

    graph: Graph
    profile: Profile
    task: Task | None = None
    module: "Callable[[], nn.Module] | None" = None
    """Builds (or returns) the network, for questions that the graph cannot answer."""
    latencies: Mapping[str, Latency] = field(default_factory=dict)
    """Measured latencies, by the words of the question that they answer."""
    measurement: Measurement | None = None
    """The last line of its training on the proxy."""
    references: Mapping[str, Measurement] = field(default_factory=dict)
    """The same of reference networks, by name, trained by the same proxy."""


@dataclass(frozen=True)
class Verdict:
    """The answer to one question: `ok` is None where it could not be judged yet.

    `violation` is relative (`value/limit - 1`, `1 - value/limit`, or a share of layers); it is
    at most 0 exactly when `ok`, and minus the violation is the margin.
    """

    ok: bool | None
    violation: float | None
    reason: str
    offenders: tuple[str, ...] = ()

    @classmethod
    def at_most(
        cls, value: float, limit: float, unit: str, offenders: Sequence[str] = ()
    ) -> "Verdict":
        """Judge `value <= limit` (`limit` > 0)."""
        reason = f"{_figure(value, limit)} {unit}, at most {_figure(limit, limit)}"
        return cls._judge(value / limit - 1, reason, offenders)

    @classmethod
    def at_least(
        cls, value: float, limit: float, unit: str, offenders: Sequence[str] = ()
    ) -> "Verdict":
        """Judge `value >= limit` (`limit` > 0)."""
        reason = f"{_figure(value, limit)} {unit}, at least {_figure(limit, limit)}"
        return cls._judge(1 - value / limit, reason, offenders)

    @classmethod
    def none_of(cls, offenders: Sequence[str], total: int, what: str) -> "Verdict":
        """Judge that no layer offends; the violation is the share of `total` that does."""
        share = len(offenders) / max(total, 1)
        return cls._judge(share, f"{len(offenders)} of {total} {what}", offenders)

    @classmethod
    def at_most_zero(
        cls, violation: float, reason: str, offenders: Sequence[str] = ()
    ) -> "Verdict":
        """Judge a violation that was computed otherwise: `ok` where it is at most 0."""
        return cls._judge(violation, reason, offenders)

    @classmethod
    def not_judged(cls, reason: str) -> "Verdict":
        """Say what is missing for an answer."""
        return cls(None, None, reason)

    @classmethod
    def _judge(cls, violation: float, reason: str, offenders: Sequence[str]) -> "Verdict":
        return cls(violation <= 0, violation, reason, tuple(offenders) if violation > 0 else ())

    def _repr_html_(self) -> str:
        """Draw the verdict in a notebook."""
        return verdict_html(verdict_word(self.ok), self.reason, self.offenders)


def _figure(value: float, limit: float) -> str:
    """Write counts in full, and others with four digits: six where four hide a miss of `limit`."""
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{value:,.0f}"
    rounded = float(f"{value:.4g}")
    same_side = (rounded < limit, rounded > limit) == (value < limit, value > limit)
    return f"{value:,.{4 if same_side and abs(value) < 1000 else 6}g}"


def verdict_word(ok: bool | None, mode: Mode = "enforce") -> str:
    """Return the words for a verdict: `ok`, `broken`, `not kept` (a preference), `not judged`."""
    if ok is None:
        return "not judged"
    return "ok" if ok else "broken" if mode == "enforce" else "not kept"


_COLOURS = {"ok": "#1a7f4b", "broken": "#b3261e", "not kept": "#946200", "not judged": "#946200"}


def verdict_html(word: str, reason: str, offenders: Sequence[str] = ()) -> str:
    """Write a verdict as HTML; everything that a plugin or a network named is escaped."""
    named = f"<br><small>at {escape(', '.join(offenders))}</small>" if offenders else ""
    return f'<b style="color:{_COLOURS[word]}">{word}</b> {escape(reason)}{named}'


class Constraint(Protocol):
    """One question; a frozen dataclass whose fields are its table in an experiment file."""

    needs: ClassVar[Stage]

    def __call__(self, candidate: Candidate, /) -> Verdict:
        """Answer for `candidate`; must not change it."""
        ...


@dataclass(frozen=True)
class Rule:
    """A constraint as an experiment uses it: enforced, or preferred at a price."""

    name: str
    constraint: Constraint
    mode: Mode = "enforce"
    weight: float = 10.0
    """Decibels that one unit of violation costs, where the rule is a preference."""


class ConstraintError(RuntimeError):
    """A constraint raised instead of answering; names the plugin, keeps the cause."""


@dataclass(frozen=True)
class Judgement:
    """A rule's verdict on one candidate, as it is recorded and shown."""

    constraint: str
    mode: Mode
    weight: float
    ok: bool | None
    violation: float | None
    reason: str
    offenders: tuple[str, ...] = ()

    @property
    def word(self) -> str:
        """The verdict in a word or two, as tables show it."""
        return verdict_word(self.ok, self.mode)

    def _repr_html_(self) -> str:
        """Draw the verdict in a notebook."""
        shown = verdict_html(self.word, self.reason, self.offenders)
        return f"{escape(self.constraint)}: {shown}"


@dataclass(frozen=True)
class Indicator:
    """All rules of an experiment; those enforced are the indicator function 1_r."""

    rules: tuple[Rule, ...] = ()

    @property
    def questions(self) -> tuple[Question, ...]:
        """What is to be measured before all rules of stage `latency` can answer."""
        asked = (getattr(rule.constraint, "question", None) for rule in self.rules)
        return tuple(dict.fromkeys(q for q in asked if isinstance(q, Question)))

    def judge(self, candidate: Candidate, up_to: Stage = "proxy") -> tuple[Judgement, ...]:
        """Ask every rule that needs no more than stage `up_to`, cheapest first."""
        known = STAGES[: STAGES.index(up_to) + 1]
        order = sorted(self.rules, key=lambda rule: STAGES.index(rule.constraint.needs))
        return tuple(_ask(rule, candidate) for rule in order if rule.constraint.needs in known)


def _ask(rule: Rule, candidate: Candidate) -> Judgement:
    try:
        verdict = rule.constraint(candidate)
    except Exception as error:
        raise ConstraintError(f"constraint {rule.name}: {_raised(error)}") from error
    if not isinstance(verdict, Verdict):
        raise ConstraintError(
            f"constraint {rule.name}: returned {type(verdict).__name__}, no Verdict"
        )
    if verdict.violation is not None and not math.isfinite(verdict.violation):
        raise ConstraintError(f"constraint {rule.name}: gave a violation of {verdict.violation}")
    return Judgement(
        rule.name,
        rule.mode,
        rule.weight,
        verdict.ok,
        verdict.violation,
        verdict.reason,
        verdict.offenders,
    )


def _raised(error: Exception) -> str:
    """Name an error of a plugin and the line that raised it."""
    *_, last = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__}: {error} ({Path(last.filename).name}:{last.lineno})"


def feasible(judgements: Iterable[Judgement]) -> bool:
    """Say whether every enforced rule was judged and holds: 1_r = 1."""
    return all(j.ok is True for j in judgements if j.mode == "enforce")


def broken(judgements: Iterable[Judgement]) -> tuple[Judgement, ...]:
    """Give the enforced rules that were judged and do not hold."""
    return tuple(j for j in judgements if j.mode == "enforce" and j.ok is False)


def price(judgements: Iterable[Judgement]) -> float:
    """Add up, in decibels, what violated preferences cost."""
    return sum(j.weight * max(j.violation or 0.0, 0.0) for j in judgements if j.mode == "prefer")


def with_top1(candidate: Candidate, top1: float) -> Candidate:
    """Suppose that the proxy gave `top1` percent, and nothing else about the training."""
    return replace(candidate, measurement=Measurement(epoch=0, top1=top1, loss=0.0, seconds=0.0))
