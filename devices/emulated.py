"""What devices in emulation share: a fast model screens, the emulator confirms finalists."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

from gensynth.errors import InputError
from gensynth.evaluation.latency import MILLISECONDS, Interval, Latency, Question
from gensynth.graph.graph import Graph
from gensynth.graph.trace import trace
from gensynth.latency.job import LatencyJob
from gensynth.latency.reference import find_reference
from gensynth.models.by_name import Model
from gensynth.space import Task

CONFIDENCE = 0.9
"""Confidence level: the intervals hold for nine of ten networks that the fits have not seen."""
FigureOf = Callable[[Model, Question], float]
"""Emulates a network as a question asks, and returns its figure in the device's unit."""


class Emulated:
    """A device whose search-time figures follow from the graph alone."""

    unit: ClassVar[str] = MILLISECONDS

    def foresee_latency(
        self, question: Question, graph: Graph, task: Task, folder: Path, /
    ) -> Latency:
        """Predict the figure of a network from its graph."""
        raise NotImplementedError

    def measure(self, job: LatencyJob, /) -> Latency:
        """Predict the figure of a candidate from its graph; its reference is emulated."""
        model = job.model()
        graph = trace(model.module, model.input_shape)
        return self.foresee_latency(job.question, graph, job.task, job.folder)

    def answer(
        self,
        figure: float,
        interval: Interval,
        base: float | None,
        ratio_error: float,
        how: str,
    ) -> Latency:
        """Return a latency; `base` is the reference's figure, `ratio_error` that of the ratio."""
        ratio = figure / base if base else None
        within = around(ratio, ratio_error) if ratio is not None else None
        return Latency(figure, interval, interval, ratio, within, CONFIDENCE, 1, how, self.unit)


def around(value: float, error: float) -> Interval:
    """Return the interval of a value with a relative error."""
    return Interval(value / (1 + error), value * (1 + error))


def reference_figure(
    question: Question, task: Task, folder: Path, figure_of: FigureOf
) -> float | None:
    """Return the figure of the question's reference, if it has one."""
    return _emulated_once(figure_of, question, task, folder) if question.reference else None


@lru_cache(maxsize=16)
def _emulated_once(figure_of: FigureOf, question: Question, task: Task, folder: Path) -> float:
    """Emulate a reference, once per process."""
    model = find_reference(question.reference, task, folder)
    try:
        return figure_of(model, question)
    except InputError as error:
        raise InputError(f"reference {question.reference}", error.problem) from error
