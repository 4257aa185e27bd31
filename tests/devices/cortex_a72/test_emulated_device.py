"""What the emulated Cortex-A72 answers as a device: foreseen at once, or counted in emulation."""

from pathlib import Path

import pytest

from devices.cortex_a72.emulated_device import CortexA72
from devices.cortex_a72.fast_model import fast_model
from gensynth.evaluation.latency import Question
from gensynth.graph.trace import trace
from gensynth.latency.job import LatencyJob
from gensynth.space import Source, Task
from tests.support.emulation import emulation, tiny

CORTEX_A72 = "cortex-a72"


def test_what_is_foreseen_is_the_fast_models_with_its_uncertainty() -> None:
    graph = trace(tiny(), (3, 32, 32))
    question, task = Question(device=CORTEX_A72), Task(3, 32, 32, 10)
    found = CortexA72().foresee_latency(question, graph, task, Path("."))
    model = fast_model(1)
    assert found.median == model.foresee(graph).figure and found.ratio is None
    assert found.interval.high > found.median * (1 + model.error_90)
    assert found.confidence == 0.9 and "predicted from the graph" in found.machine


@pytest.mark.slow
def test_the_emulator_confirms_what_the_fast_model_foresees() -> None:
    emulation()
    source, task = Source("tests.support.emulation", {}, (3, 32, 32)), Task(3, 32, 32, 10)
    question = Question(device=CORTEX_A72, reference="tests.support.emulation:tiny")
    job = LatencyJob(source, question, task)
    counted, foreseen = CortexA72().confirm_latency(job), CortexA72().measure(job)
    assert counted.ratio == pytest.approx(1.0) and foreseen.ratio == pytest.approx(1.0, abs=0.4)
    assert CortexA72().confirm_latency(job) == counted, "from the cache"
