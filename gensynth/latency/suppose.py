"""What the latency of a network that was not measured may be: good enough to rank proposals."""

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from gensynth.evaluation.constraint import Candidate
from gensynth.evaluation.latency import CONFIRMED, CORTEX_A72, Interval, Latency, Question
from gensynth.graph.graph import Graph
from gensynth.graph.profile import Profile, profile
from gensynth.graph.trace import trace
from gensynth.latency.reference import find_reference
from gensynth.space import Task


def supposed(question: Question, graph: Graph, costs: Profile, task: Task, folder: Path) -> Latency:
    """Suppose that latency is in proportion to MACs; the measurement, once made, replaces it.

    A device that has a model of its own is asked for that.
    """
    if question.device == CORTEX_A72:
        from devices.cortex_a72.device import foresee

        return foresee(question, graph, task, str(folder))
    ratio = max(costs.macs, 1) / _macs(question.reference, task, folder)
    return Latency(ratio, Interval(0, ratio), Interval(0, ratio), ratio)


def foreseen(
    candidate: Candidate, questions: Iterable[Question], task: Task, folder: Path
) -> Candidate:
    """Answer the questions of which a model of the device knows enough for a rule to screen."""
    graph, costs = candidate.graph, candidate.profile
    found = {
        str(question): supposed(question, graph, costs, task, folder)
        for question in questions
        if question.device in CONFIRMED
    }
    return replace(candidate, latencies={**candidate.latencies, **found})


@lru_cache(maxsize=16)
def _macs(reference: str, task: Task, folder: Path) -> int:
    model = find_reference(reference, task, folder)
    return max(profile(trace(model.module, model.input_shape)).macs, 1)
