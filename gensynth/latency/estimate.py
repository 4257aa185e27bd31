"""An estimate of latency before it is measured: good enough to rank proposals."""

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from gensynth.evaluation.constraint import Candidate
from gensynth.evaluation.latency import Interval, Latency, Question
from gensynth.graph.graph import Graph
from gensynth.graph.profile import Profile, profile
from gensynth.graph.trace import trace
from gensynth.latency.device import ForeseesLatency, find_device
from gensynth.latency.reference import find_reference
from gensynth.space import Task


def supposed(question: Question, graph: Graph, costs: Profile, task: Task, folder: Path) -> Latency:
    """Return the device's prediction, or else a latency in proportion to MACs.

    A measurement, once made, replaces it.
    """
    device = find_device(question.device, folder)
    if isinstance(device, ForeseesLatency):
        return device.foresee_latency(question, graph, task, folder)
    ratio = max(costs.macs, 1) / _macs(question.reference, task, folder)
    return Latency(ratio, Interval(0, ratio), Interval(0, ratio), ratio)


def foreseen(
    candidate: Candidate, questions: Iterable[Question], task: Task, folder: Path
) -> Candidate:
    """Return the candidate with the latencies that its devices predict, so that rules screen."""
    graph, found = candidate.graph, dict(candidate.latencies)
    for question in questions:
        device = find_device(question.device, folder)
        if isinstance(device, ForeseesLatency):
            found[str(question)] = device.foresee_latency(question, graph, task, folder)
    return replace(candidate, latencies=found)


@lru_cache(maxsize=16)
def _macs(reference: str, task: Task, folder: Path) -> int:
    model = find_reference(reference, task, folder)
    return max(profile(trace(model.module, model.input_shape)).macs, 1)
