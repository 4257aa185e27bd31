"""The findings of a preflight: what is known of an experiment before it is run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from gensynth.campaign.context import Context
from gensynth.errors import InputError
from gensynth.feasibility.latency import TIMED as TIMED_LATENCIES
from gensynth.feasibility.latency import Predicted, predicted
from gensynth.feasibility.plan import Plan, plan, spread_over_macs
from gensynth.feasibility.rates import Range, Rate, binding, ranges, rates
from gensynth.feasibility.sample import Sample, Sampled, Watch, nearest, sample

USUAL = 2000
"""Candidates drawn by default."""
SHORT = 200
"""Candidates drawn before a search starts."""
STEPS = 2000
"""Steps of the walk towards the constraints, if no drawn candidate keeps them all."""
TIMED = 3
"""Candidates whose training is timed."""


@dataclass(frozen=True)
class Findings:
    """What a preflight found."""

    name: str
    """Of the experiment."""
    sample: Sample
    rates: tuple[Rate, ...]
    open: int
    """Drawn candidates that break no enforced constraint before training."""
    binding: Rate | None
    nearest: Sampled | None
    """The candidate of the least violation; None if a drawn one is open."""
    ranges: Mapping[str, Range]
    """Ranges of the costs of all drawn candidates."""
    open_ranges: Mapping[str, Range]
    """Ranges of the costs of those that break no enforced constraint."""
    latency: Predicted | None = None
    plan: Plan | None = None

    @property
    def impossible(self) -> bool:
        """Whether no candidate was found that keeps the enforced constraints before training."""
        return self.open == 0 and (self.nearest is None or not self.nearest.open)


def ignore(done: int, total: int) -> None:
    """Ignore progress."""


def look(context: Context, count: int, steps: int, watch: Watch = ignore) -> Findings:
    """Draw and judge candidates; if none keeps the constraints, walk towards them."""
    evaluator, seed = context.evaluator, context.experiment.seed
    folder = Path(context.experiment.folder)
    drawn = sample(evaluator, folder, count, seed, watch)
    if not drawn.candidates:
        reason = drawn.failures[0] if drawn.failures else "the space is empty"
        raise InputError(context.experiment.name, f"no candidate can be judged: {reason}")
    passing = [candidate for candidate in drawn.candidates if candidate.open]
    found = rates(context.indicator, drawn.candidates)
    return Findings(
        name=context.experiment.name,
        sample=drawn,
        rates=found,
        open=len(passing),
        binding=binding(found),
        nearest=None if passing else nearest(evaluator, folder, drawn, steps, seed),
        ranges=ranges(drawn.candidates),
        open_ranges=ranges(passing),
    )


def _mute(doing: str) -> None:
    """Ignore what is being done."""


def look_ahead(
    context: Context,
    count: int = USUAL,
    time_s: float = 1.0,
    watch: Watch = ignore,
    tell: Callable[[str], None] = _mute,
) -> Findings:
    """Draw and judge, predict latencies, and time a few trainings for `time_s` seconds each.

    `tell` is called with what is done next, in words.
    """
    tell(f"judging up to {count:,} candidates")
    found = look(context, count, STEPS, watch)
    if found.impossible:
        return found
    passing = [c for c in found.sample.candidates if c.open]
    if not passing and found.nearest is not None:
        passing = [found.nearest]
    tell(f"timing the inference of {TIMED_LATENCIES} candidates")
    latency = predicted(context, found.sample.candidates)
    tell(f"timing the training of {TIMED} candidates")
    chosen = spread_over_macs(passing, TIMED)
    return replace(found, latency=latency, plan=plan(context, chosen, time_s))
