"""Constraints: questions about a candidate, their verdicts, and the indicator 1_r of them all."""

import math
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol, Self, runtime_checkable

from gensynth.errors import PLUGIN_FAULTS
from gensynth.evaluation.latency import Latency, Question, questions_of
from gensynth.evaluation.measurement import Measurement
from gensynth.graph.graph import Graph
from gensynth.graph.profile import Profile
from gensynth.space import Task
from gensynth.tflm.footprint import Footprint

if TYPE_CHECKING:
    from torch import nn

Stage = Literal["graph", "profile", "latency", "proxy"]
"""What must be known before a constraint can answer, cheapest first."""
STAGES: tuple[Stage, ...] = ("graph", "profile", "latency", "proxy")
Mode = Literal["enforce", "prefer"]


@dataclass(frozen=True)
class Candidate:
    """What is known of one network; None for what is not known yet."""

    graph: Graph
    """Its layers, in the order of execution."""
    profile: Profile
    """Its parameters, multiply-accumulates and bytes."""
    task: Task | None = None
    """What it must do: the shape of the images, and the number of classes."""
    module: "Callable[[], nn.Module] | None" = None
    """Builds or returns the network, for constraints that the graph alone cannot answer."""
    latencies: Mapping[str, Latency] = field(default_factory=dict)
    """Measured latencies by `str(question)`."""
    footprints: Mapping[str, Footprint] = field(default_factory=dict)
    """Measured RAM and flash on a microcontroller, by precision (`int8`, `float`)."""
    measurement: Measurement | None = None
    """The last measurement of its proxy training."""
    references: Mapping[str, Measurement] = field(default_factory=dict)
    """The last measurements of reference networks, trained by the same proxy, by name."""


@dataclass(frozen=True)
class Verdict:
    """The answer of a constraint; `ok` is None if it cannot be judged yet.

    `violation` is relative (`value/limit - 1`, `1 - value/limit`, or a share of layers). It is at
    most 0 exactly when `ok` is true, and its negative is the margin.

    >>> Verdict.at_most(120, 100, "layers")
    Verdict(ok=False, violation=0.2, reason='120 layers, at most 100', offenders=())
    """

    ok: bool | None
    """Whether the constraint is kept; None if it cannot be judged yet."""
    violation: float | None
    """How far away the network is, relative to the limit; at most 0 if it is kept."""
    reason: str
    """What was found and what was wanted, in words."""
    offenders: tuple[str, ...] = ()
    """Names of the layers that break it."""

    @classmethod
    def at_most(cls, value: float, limit: float, unit: str, offenders: Sequence[str] = ()) -> Self:
        """Judge `value <= limit` (`limit` > 0)."""
        reason = f"{_figure(value, limit)} {unit}, at most {_figure(limit, value)}"
        return cls._judge(value / limit - 1, reason, offenders)

    @classmethod
    def at_least(cls, value: float, limit: float, unit: str, offenders: Sequence[str] = ()) -> Self:
        """Judge `value >= limit` (`limit` > 0)."""
        reason = f"{_figure(value, limit)} {unit}, at least {_figure(limit, value)}"
        return cls._judge(1 - value / limit, reason, offenders)

    @classmethod
    def none_of(cls, offenders: Sequence[str], total: int, what: str) -> Self:
        """Judge that no layer offends; the violation is the offenders' share of `total`."""
        share = len(offenders) / max(total, 1)
        return cls._judge(share, f"{len(offenders)} of {total} {what}", offenders)

    @classmethod
    def at_most_zero(cls, violation: float, reason: str, offenders: Sequence[str] = ()) -> Self:
        """Judge a violation that the caller computed: `ok` if it is at most 0."""
        return cls._judge(violation, reason, offenders)

    @classmethod
    def not_judged(cls, reason: str) -> Self:
        """Return a verdict that is neither yes nor no; `reason` names what is missing."""
        return cls(None, None, reason)

    @classmethod
    def _judge(cls, violation: float, reason: str, offenders: Sequence[str]) -> Self:
        return cls(violation <= 0, violation, reason, tuple(offenders) if violation > 0 else ())

    def _repr_html_(self) -> str:
        """Draw the verdict in a notebook."""
        return verdict_html(verdict_word(self.ok), self.reason, self.offenders)


def _figure(value: float, limit: float) -> str:
    """Format a count in full and other numbers to four digits, or six if four hide the verdict."""
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


@runtime_checkable
class Constraint(Protocol):
    """One question about a network; a frozen dataclass whose fields are its TOML table.

    What only some constraints have is declared by protocols of their own: `AsksLatency`,
    `NeedsReference`, `NeedsInt8Loss`.
    """

    needs: ClassVar[Stage]

    def __call__(self, candidate: Candidate, /) -> Verdict:
        """Judge `candidate` without changing it."""
        ...


@runtime_checkable
class NeedsReference(Protocol):
    """A constraint of stage `proxy` that compares with a network trained by the same proxy."""

    def reference_network(self) -> str | None:
        """Return a preset of the space or a MODEL; None if it needs no reference.

        `candidate.references` holds its measurement once it is trained.
        """
        ...


@runtime_checkable
class NeedsInt8Loss(Protocol):
    """A constraint that needs `candidate.measurement.int8_loss`."""

    def needs_int8_loss(self) -> bool:
        """Whether trained networks are to be quantised and measured again."""
        ...


@dataclass(frozen=True)
class Rule:
    """A constraint in an experiment: enforced, or preferred at a price."""

    name: str
    constraint: Constraint
    mode: Mode = "enforce"
    weight: float = 10.0
    """Decibels that one unit of violation costs if the rule is a preference."""


class ConstraintError(RuntimeError):
    """A plugin raised an exception or returned nonsense; the message names the plugin."""


@dataclass(frozen=True)
class Judgement:
    """A rule's verdict on one candidate, as it is recorded and shown."""

    constraint: str
    """Name of the rule in the experiment."""
    mode: Mode
    """`enforce` or `prefer`."""
    weight: float
    """Decibels that one unit of violation costs if it is a preference."""
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

    @cached_property
    def questions(self) -> tuple[Question, ...]:
        """What must be measured before every rule of stage `latency` can answer."""
        return questions_of([rule.constraint for rule in self.rules])

    @property
    def references(self) -> tuple[str, ...]:
        """Names of the networks that are trained first because rules refer to them."""
        asked = (
            rule.constraint.reference_network()
            for rule in self.rules
            if isinstance(rule.constraint, NeedsReference)
        )
        return tuple(dict.fromkeys(name for name in asked if name))

    @property
    def needs_int8_loss(self) -> bool:
        """Whether a rule needs to know what a trained network loses in 8 bits."""
        constraints = [rule.constraint for rule in self.rules]
        return any(c.needs_int8_loss() for c in constraints if isinstance(c, NeedsInt8Loss))

    def judge(self, candidate: Candidate, up_to: Stage = "proxy") -> tuple[Judgement, ...]:
        """Judge by every rule that needs no more than stage `up_to`, cheapest first."""
        known = STAGES[: STAGES.index(up_to) + 1]
        order = sorted(self.rules, key=lambda rule: STAGES.index(rule.constraint.needs))
        return tuple(judge(rule, candidate) for rule in order if rule.constraint.needs in known)


def judge(rule: Rule, candidate: Candidate) -> Judgement:
    """Ask one rule about a candidate.

    Raises `ConstraintError` if its plugin fails or answers anything but a finite `Verdict`.
    """
    try:
        verdict = rule.constraint(candidate)
        if isinstance(verdict, Verdict):
            return _judgement(rule, verdict)
    except PLUGIN_FAULTS as error:
        raise ConstraintError(f"constraint {rule.name}: {raised(error)}") from error
    problem = f"returned {type(verdict).__name__}, expected a Verdict"
    raise ConstraintError(f"constraint {rule.name}: {problem}")


def _judgement(rule: Rule, verdict: Verdict) -> Judgement:
    """Convert a verdict into plain data: plugins compute with numpy and torch.

    Raises `ValueError` or `TypeError` if something in it is not what a `Verdict` holds.
    """
    if verdict.violation is not None and not math.isfinite(verdict.violation):
        raise ValueError(f"the violation is {verdict.violation}")
    return Judgement(
        rule.name,
        rule.mode,
        rule.weight,
        None if verdict.ok is None else bool(verdict.ok),
        None if verdict.violation is None else float(verdict.violation),
        str(verdict.reason),
        tuple(str(offender) for offender in verdict.offenders),
    )


def raised(error: BaseException) -> str:
    """Return an error of a plugin with the line that raised it."""
    *_, last = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__}: {error} ({Path(last.filename).name}:{last.lineno})"


def feasible(judgements: Iterable[Judgement]) -> bool:
    """Return 1_r: whether every enforced rule was judged and holds."""
    return all(j.ok is True for j in judgements if j.mode == "enforce")


def broken(judgements: Iterable[Judgement]) -> tuple[Judgement, ...]:
    """Return the enforced rules that were judged and do not hold."""
    return tuple(j for j in judgements if j.mode == "enforce" and j.ok is False)


def price(judgements: Iterable[Judgement]) -> float:
    """Return the total cost of violated preferences in decibels."""
    return sum(j.weight * max(j.violation or 0.0, 0.0) for j in judgements if j.mode == "prefer")


def with_top1(candidate: Candidate, top1: float) -> Candidate:
    """Return the candidate as if its training had reached `top1` percent."""
    return replace(candidate, measurement=Measurement(epoch=0, top1=top1, loss=0.0, seconds=0.0))
