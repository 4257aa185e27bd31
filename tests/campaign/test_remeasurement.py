"""A search on an emulated device: the fast model screens, finalists are confirmed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devices.cortex_a72.device import CortexA72
from devices.cortex_a72.fast_model import fast_model
from gensynth.campaign.campaign import Campaign
from gensynth.campaign.context import make_setting
from gensynth.errors import InputError
from gensynth.evaluation.latency import Question
from gensynth.graph.trace import trace
from gensynth.latency.job import LatencyJob
from gensynth.preflight.findings import look
from gensynth.space import Source, Task, enumerate_decisions
from tests.campaign.test_campaign import play
from tests.support.campaigns import campaign, experiment
from tests.support.emulation import asked, confirmed, emulation, slow, tiny

CORTEX_A72 = "cortex-a72"
RULE = {"max_latency_ms": {"limit": 5.0, "device": CORTEX_A72}}
WORDS = str(Question(device=CORTEX_A72))


real = CortexA72.confirm_latency
"""The real one, kept before its place is taken."""


@pytest.fixture(autouse=True)
def emulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The emulator's place is taken; the fast model is the real one."""
    asked.clear()
    monkeypatch.setattr(CortexA72, "confirm_latency", lambda self, job: confirmed(job))
    yield


def searched(folder: Path, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> Campaign:
    monkeypatch.setattr(CortexA72, "check", lambda self, question, task, folder: None)
    with campaign(folder, constraints=RULE, trials=6, **changes) as opened:
        play(opened)
        return opened


def test_finalists_are_confirmed_and_what_breaks_a_rule_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = searched(tmp_path, monkeypatch, finals={"candidates": 1, "most": 9, "replicas": 1})
    screened = [o for o in ended.outcomes if o.purpose == "search"]
    assert all("foreseen" in o.latencies[WORDS].machine for o in screened if o.latencies)
    assert min(asked) < 6 < max(asked), "some were refused, the next took their places"
    assert ended.exported() is not None
    finals = [o for o in ended.outcomes if o.purpose in ("final", "export")]
    assert {o.latencies[WORDS].machine for o in finals} == {"emulated"}
    assert all(o.latencies[WORDS].median_ms == 2.0 for o in finals)


def test_a_finished_search_tells_the_confirmed_latency_without_asking_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finals = {"candidates": 1, "most": 9, "replicas": 1}
    searched(tmp_path, monkeypatch, finals=finals)
    asked.clear()
    with campaign(tmp_path, constraints=RULE, trials=6, finals=finals) as opened:
        exported = opened.exported()
        winners = [f for f in opened.finalists() if f.value is not None]
    assert exported is not None and exported.latencies[WORDS].machine == "emulated"
    assert winners and winners[0].outcome.latencies[WORDS].machine == "emulated"
    assert asked == []


def test_where_no_finalist_is_confirmed_that_is_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CortexA72, "check", lambda self, question, task, folder: None)
    monkeypatch.setattr(CortexA72, "confirm_latency", lambda self, job: slow(job))
    with campaign(tmp_path, constraints=RULE, trials=3) as opened:
        assert play(opened).reason == "no feasible candidate was confirmed"


def test_without_the_device_nothing_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENSYNTH_CACHE", str(tmp_path / "nothing"))
    with (
        pytest.raises(InputError, match="not prepared on this machine: gensynth device setup"),
        campaign(tmp_path / "run", constraints=RULE),
    ):
        pytest.fail("a campaign was opened")


@pytest.mark.parametrize("share", [0.0, 0.5, 2.0])
def test_a_preflight_judges_by_what_the_search_will_foresee(
    monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    monkeypatch.setattr(CortexA72, "check", lambda self, question, task, folder: None)
    setting = make_setting(experiment(constraints=RULE))
    problem, space = setting.problem(), setting.space
    everyone = [problem.foresee(decisions) for decisions in enumerate_decisions(space)]
    upper = sorted(5.0 * (1 + one.violations["max_latency_ms"]) for one in everyone)
    limit = share * upper[len(upper) // 2]
    rule = {"max_latency_ms": {"limit": limit or upper[0] / 2, "device": CORTEX_A72}}
    told = look(make_setting(experiment(constraints=rule)), 200, steps=200)
    (rate,) = told.rates
    assert (rate.judged, rate.kept) == (len(upper), sum(ms <= limit for ms in upper))
    assert told.impossible == (rate.kept == 0)


def test_what_is_foreseen_is_the_fast_models_with_its_uncertainty() -> None:
    graph = trace(tiny(), (3, 32, 32))
    question, task = Question(device=CORTEX_A72), Task(3, 32, 32, 10)
    found = CortexA72().foresee_latency(question, graph, task, Path("."))
    model = fast_model(1)
    assert found.median_ms == model.milliseconds(graph) and found.ratio is None
    assert found.interval_ms.high > found.median_ms * (1 + model.error_90)
    assert found.confidence == 0.9 and "foreseen from the graph" in found.machine


@pytest.mark.slow
def test_the_emulator_confirms_what_the_fast_model_foresees() -> None:
    emulation()
    source, task = Source("tests.support.emulation", {}, (3, 32, 32)), Task(3, 32, 32, 10)
    question = Question(device=CORTEX_A72, reference="tests.support.emulation:tiny")
    job = LatencyJob(source, question, task)
    counted, foreseen = real(CortexA72(), job), CortexA72().measure(job)
    assert counted.ratio == pytest.approx(1.0) and foreseen.ratio == pytest.approx(1.0, abs=0.4)
    assert real(CortexA72(), job) == counted, "from the cache"
