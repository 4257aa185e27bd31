"""The range of latencies that a space offers here: a few candidates timed, the others predicted."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy import float64
from numpy.typing import NDArray
from scipy.optimize import nnls

from gensynth.campaign.context import Context
from gensynth.evaluation.constraint import ConstraintError
from gensynth.evaluation.latency import HERE, Question
from gensynth.feasibility.plan import spread_over_macs
from gensynth.feasibility.rates import Range
from gensynth.feasibility.sample import Sampled
from gensynth.latency.device import answer_here
from gensynth.latency.runtimes import usual_runtime

TIMED = 6
"""Candidates that are timed, from few MACs to many."""


@dataclass(frozen=True)
class Predicted:
    """Latencies in milliseconds, predicted from those of a few candidates."""

    question: str
    """What was measured, in words."""
    timed: int
    range_ms: Range
    """Over all sampled candidates."""
    error: float
    """Median relative error on the timed candidates, each left out once."""


def predicted(context: Context, candidates: Sequence[Sampled]) -> Predicted | None:
    """Time some candidates and predict the others; None if nothing can be timed here.

    The model is a cost per layer and one per multiply-accumulate, neither negative: enough to
    say what range a space offers, and not used to judge anybody.
    """
    question = _question(context)
    if question is None:
        return None
    chosen, times = [], []
    for candidate in spread_over_macs(candidates, TIMED):
        try:
            job = context.latency_job(candidate.source, question)
            times.append(answer_here(job).median)
        except ConstraintError:
            continue
        chosen.append(candidate)
    if len(chosen) < 3:
        return None
    terms, ms = _terms(chosen), np.array(times)
    everyone = _terms(candidates) @ _fitted(terms, ms)
    spread = Range(float(everyone.min()), float(np.median(everyone)), float(everyone.max()))
    return Predicted(str(question), len(chosen), spread, _left_out(terms, ms))


def _question(context: Context) -> Question | None:
    """Take what the rules ask of this machine, else one thread of ONNX Runtime, else of torch."""
    asked = [q for q in context.evaluator.questions if not q.resource and q.device == HERE]
    if asked:
        return asked[0]
    return Question(usual_runtime())


def _terms(candidates: Sequence[Sampled]) -> NDArray[float64]:
    """Return layers and MACs of each candidate, of shape (N, 2)."""
    return np.array([[c.layers, c.profile.macs] for c in candidates], dtype=float64)


def _fitted(terms: NDArray[float64], ms: NDArray[float64]) -> NDArray[float64]:
    """Fit non-negative costs (2,) to relative errors."""
    scale = terms.max(axis=0)
    costs: NDArray[float64] = nnls(terms / scale / ms[:, None], np.ones(len(ms)))[0]
    scaled: NDArray[float64] = costs / scale
    return scaled


def _left_out(terms: NDArray[float64], ms: NDArray[float64]) -> float:
    """Predict each timed candidate from the others; give the median relative error."""
    errors = []
    for k in range(len(ms)):
        others = np.arange(len(ms)) != k
        guess = float(terms[k] @ _fitted(terms[others], ms[others]))
        errors.append(abs(guess / float(ms[k]) - 1))
    return median(errors)
