"""Latency as plain data: the question, and the answer that a record keeps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Protocol, runtime_checkable

from gensynth.errors import InputError
from gensynth.plugins import create

HERE = "here"
"""The device that times inferences on the machine it runs on."""
MILLISECONDS = "ms"
"""The unit of latencies, unless the device counts something else."""
PRECISE = 1.25
"""An interval is precise if its upper end is at most this multiple of its lower end."""


@runtime_checkable
class RunsNetworks(Protocol):
    """What a question about a device must know of it; the whole contract is `latency.device`."""

    def runtime(self, asked: str, /) -> str:
        """Return the runtime that answers a question which asks for `asked` (empty: any)."""
        ...


@runtime_checkable
class Counts(Protocol):
    """A device whose figures are not milliseconds."""

    unit: str
    """What it counts, in the plural: `instructions`."""


@dataclass(frozen=True)
class LatencyFields:
    """How latency is measured: the fields of every table that asks for one."""

    runtime: str = ""
    """Runtime of the device, `onnxruntime` or `torch` on `here`; default: the device's own."""
    threads: int = 1
    """Threads that the runtime may use."""
    batch: int = 1
    """Images of one inference."""
    device: str = HERE
    """`here`, `cortex-a72`, another installed device, or `module:class` next to the experiment."""
    resource: str = ""
    """Custom resource of the Ray node that measures; empty: the machine of the campaign."""


@dataclass(frozen=True)
class Question(LatencyFields):
    """How long does one inference take?

    Its words identify the answer in a record. Where the device names its runtime itself, the
    question takes it over: `Question().runtime == "onnxruntime"`.
    """

    reference: str = ""
    """A MODEL that is timed in the same run; empty: none."""

    def __post_init__(self) -> None:
        """Ask the device for its runtime."""
        for name, value in (("threads", self.threads), ("batch", self.batch)):
            if value < 1:
                raise InputError(name, f"must be at least 1, got {value}")
        if ":" in self.device and self.runtime:
            return  # On another machine its module is importable only once the job says where.
        device = create("device", self.device, {}, "device")
        if not isinstance(device, RunsNetworks):
            raise InputError("device", f"{self.device!r} is not a device: it has no `runtime`")
        object.__setattr__(self, "runtime", device.runtime(self.runtime))

    def __str__(self) -> str:
        """Return words that no other question has."""
        threads = f"{self.threads} thread{'s' if self.threads > 1 else ''}"
        place = f" on {self.resource or self.device}"
        against = f" against {self.reference}" if self.reference else ""
        return f"{self.runtime}, {threads}, batch {self.batch}{place}{against}"


def in_unit(figure: float, unit: str) -> str:
    """Return a figure with its unit.

    >>> in_unit(2.34567, "ms"), in_unit(8060840, "instructions")
    ('2.346 ms', '8,060,840 instructions')
    """
    return f"{figure_words(figure, unit)} {unit}"


def figure_words(figure: float, unit: str) -> str:
    """Return a figure without its unit: counts are whole numbers.

    >>> figure_words(2.34567, "ms"), figure_words(8060840, "instructions")
    ('2.346', '8,060,840')
    """
    return f"{figure:.4g}" if unit == MILLISECONDS else f"{figure:,.0f}"


def unit_of_device(device: object) -> str:
    """Return the unit of a device's figures."""
    return device.unit if isinstance(device, Counts) else MILLISECONDS


@dataclass(frozen=True)
class LatencyTable(LatencyFields):
    """A plugin's table that asks one question; its device is looked up once, when it is read."""

    answered_in: ClassVar[str] = ""
    """Unit that the device must answer in; empty: any."""

    def __post_init__(self) -> None:
        """Refuse what no device can measure, and a device that answers in another unit."""
        self.latency_question()
        if self.answered_in and not (":" in self.device and self.runtime):
            given = unit_of_device(create("device", self.device, {}, "device"))
            if given != self.answered_in:
                problem = f"{self.device} answers in {given}, not in {self.answered_in}"
                raise InputError("device", f"{problem}: use a limit on {given}")

    def latency_question(self) -> Question:
        """Return what is to be measured."""
        return self._question

    @cached_property
    def _question(self) -> Question:
        fields = self.runtime, self.threads, self.batch, self.device, self.resource
        return Question(*fields, self.timed_against())

    def timed_against(self) -> str:
        """Return the MODEL that is timed in the same run; empty: none."""
        return ""


@dataclass(frozen=True)
class Interval:
    """A confidence interval: `low <= value <= high`."""

    low: float
    """Lower end."""
    high: float
    """Upper end."""

    @property
    def precise(self) -> bool:
        """Whether the interval is narrow enough for its value to be meaningful."""
        return self.low > 0 and self.high <= PRECISE * self.low


class _FormerNames(type):
    """Lets `Latency(median_ms=...)` be written as before its figures had units of their own."""

    def __call__(cls, *figures: Any, **named: Any) -> Any:
        # A former name comes last and wins: `dataclasses.replace` passes the present ones as well.
        former = {_FORMER[name]: figure for name, figure in named.items() if name in _FORMER}
        present = {name: figure for name, figure in named.items() if name not in _FORMER}
        return super().__call__(*figures, **{**present, **former})


_FORMER = {"median_ms": "median", "interval_ms": "interval", "quartiles_ms": "quartiles"}


@dataclass(frozen=True)
class Latency(metaclass=_FormerNames):
    """The latency of one network: what one inference of one batch takes, in `unit`."""

    former_fields: ClassVar[Mapping[str, str]] = _FORMER
    """Names in records of earlier versions."""
    median: float
    """Of all samples."""
    interval: Interval
    """Of the median."""
    quartiles: Interval
    """The middle half of all samples."""
    ratio: float | None = None
    """To the reference's time, the median over paired rounds; below 1 is faster."""
    ratio_interval: Interval | None = None
    """Of the ratio; None without a reference."""
    confidence: float = 0.0
    """Confidence level of the intervals, between 0 and 1."""
    samples: int = 0
    """Number of timed inferences."""
    machine: str = ""
    """Where and how it was measured, in words."""
    unit: str = MILLISECONDS
    """`ms`, or what the device counts."""

    @property
    def median_ms(self) -> float:
        """The former name of `median`."""
        return self.median

    @property
    def interval_ms(self) -> Interval:
        """The former name of `interval`."""
        return self.interval

    @property
    def quartiles_ms(self) -> Interval:
        """The former name of `quartiles`."""
        return self.quartiles

    @property
    def precise_ratio(self) -> float | None:
        """The ratio, or None if its interval is too wide for it to be meaningful."""
        precise = self.ratio_interval is not None and self.ratio_interval.precise
        return self.ratio if precise else None

    @property
    def ratio_words(self) -> str:
        """What the noise allows to say of the ratio: its value, a bound, or nothing.

        >>> Latency(1, Interval(1, 1), Interval(1, 1), 4, Interval(2.85, 6)).ratio_words
        'at least 2.85'
        """
        interval = self.ratio_interval
        if self.ratio is None or interval is None:
            return ""
        if interval.precise:
            return f"{self.ratio:.3g}"
        if interval.low > 1:
            return f"at least {interval.low:.3g}"
        return f"at most {interval.high:.3g}" if interval.high < 1 else "too noisy to tell"


@runtime_checkable
class AsksLatency(Protocol):
    """A constraint or score that needs a measured latency before it can answer."""

    def latency_question(self) -> Question:
        """Return what is to be measured; `candidate.latencies[str(question)]` is the answer."""
        ...


def questions_of(plugins: Sequence[object]) -> tuple[Question, ...]:
    """Return the distinct questions of those among `plugins` that ask for a latency."""
    asked = (plugin.latency_question() for plugin in plugins if isinstance(plugin, AsksLatency))
    return tuple(dict.fromkeys(asked))
