"""Trials of an Optuna study as the outcomes that a generator learns from."""

import math
from collections.abc import Mapping

from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

from gensynth.evaluation.constraint import Judgement
from gensynth.evaluation.measurement import Measurement
from gensynth.evaluation.outcome import Outcome
from gensynth.genome import Decisions

ORDINARY = 1e6
"""Objectives beyond this are compressed by a logarithm, so that even infinity is finite."""


def outcome_of(trial: FrozenTrial, decisions: Decisions, key: str, sign: float) -> Outcome:
    """Return the outcome of a finished trial, whose candidate is known by `key`.

    `sign` is 1 if the objective is maximised, and -1 if it is minimised. A pruned trial counts by
    the last value that it reported; one that reported none counts as failed.
    """
    curve = _curve(trial, sign)
    if trial.state == TrialState.COMPLETE and trial.value is not None:
        last = curve[-1].epoch + 1 if curve else 1
        curve = (*curve, _measured(last, sign * trial.value))
    judgements = tuple(_judgement(*pair) for pair in trial.constraints.items())
    complete = trial.state == TrialState.COMPLETE
    holds = all(judgement.ok for judgement in judgements)
    return Outcome(
        number=trial.number,
        asked_after=0,
        decisions=decisions,
        genome_id=key,
        fingerprint=key,
        ending="completed" if complete else "stopped" if curve else "crashed",
        curve=curve,
        judgements=judgements,
        value=curve[-1].top1 if complete and holds else None,
    )


def tame(value: float) -> float:
    """Return ordinary numbers as they are, and compress others without changing their order."""
    size = min(abs(value), 1e300)
    if size <= ORDINARY:
        return value
    return math.copysign(ORDINARY * (1 + math.log(size / ORDINARY)), value)


def covers(trial: FrozenTrial, space: Mapping[str, BaseDistribution]) -> bool:
    """Whether a trial has a value for each parameter of `space`, with the same distribution."""
    return all(trial.distributions.get(name) == known for name, known in space.items())


def _curve(trial: FrozenTrial, sign: float) -> tuple[Measurement, ...]:
    lines = sorted(trial.intermediate_values.items())
    return tuple(_measured(step, sign * v) for step, v in lines if not math.isnan(v))


def _measured(step: int, value: float) -> Measurement:
    return Measurement(epoch=step, top1=tame(value), loss=0.0, seconds=0.0)


def _judgement(name: str, violation: float) -> Judgement:
    return Judgement(name, "enforce", 0.0, violation <= 0, tame(violation), "")
