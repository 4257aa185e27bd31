"""A search for an emulated device: a fast model screens, and finalists are measured exactly."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devices.cortex_a72.emulated_device import CortexA72
from gensynth.campaign.campaign import CampaignDriver
from gensynth.campaign.context import make_context
from gensynth.errors import InputError
from gensynth.evaluation.latency import Question
from gensynth.feasibility.findings import look
from gensynth.space import enumerate_decisions
from tests.campaign.test_campaign import play
from tests.support.campaigns import campaign, experiment
from tests.support.emulation import asked, confirmed, pretend_prepared, slow

CORTEX_A72 = "cortex-a72"
RULE = {"max_latency_ms": {"limit": 5.0, "device": CORTEX_A72}}
WORDS = str(Question(device=CORTEX_A72))


@pytest.fixture(autouse=True)
def emulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine that looks set up, with a fake emulator; the fast model is the real one."""
    pretend_prepared(tmp_path / "machine", monkeypatch)
    asked.clear()
    monkeypatch.setattr(CortexA72, "confirm_latency", lambda self, job: confirmed(job))
    yield


def searched(folder: Path, **changes: Any) -> CampaignDriver:
    with campaign(folder, constraints=RULE, trials=6, **changes) as opened:
        play(opened)
        return opened


def test_finalists_are_confirmed_and_what_breaks_a_rule_leaves(tmp_path: Path) -> None:
    ended = searched(tmp_path, finals={"candidates": 1, "most": 9, "replicas": 1})
    screened = [o for o in ended.outcomes if o.purpose == "search"]
    assert all("predicted" in o.latencies[WORDS].machine for o in screened if o.latencies)
    assert min(asked) < 6 < max(asked), "some were refused, the next took their places"
    assert ended.exported() is not None
    finals = [o for o in ended.outcomes if o.purpose in ("final", "export")]
    assert {o.latencies[WORDS].machine for o in finals} == {"emulated"}
    assert all(o.latencies[WORDS].median == 2.0 for o in finals)


def test_a_finished_search_tells_the_confirmed_latency_without_asking_again(tmp_path: Path) -> None:
    finals = {"candidates": 1, "most": 9, "replicas": 1}
    searched(tmp_path, finals=finals)
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
    monkeypatch.setattr(CortexA72, "confirm_latency", lambda self, job: slow(job))
    with campaign(tmp_path, constraints=RULE, trials=3) as opened:
        assert play(opened).reason == "no feasible candidate was confirmed"


def test_without_the_device_nothing_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENSYNTH_CACHE", str(tmp_path / "nothing"))
    with (
        pytest.raises(InputError, match="not installed on this machine; run gensynth device setup"),
        campaign(tmp_path / "run", constraints=RULE),
    ):
        pytest.fail("a campaign was opened")


@pytest.mark.parametrize("share", [0.0, 0.5, 2.0])
def test_a_preflight_judges_by_what_the_search_will_foresee(share: float) -> None:
    context = make_context(experiment(constraints=RULE))
    problem, space = context.problem(), context.space
    everyone = [problem.foresee(decisions) for decisions in enumerate_decisions(space)]
    upper = sorted(5.0 * (1 + one.violations["max_latency_ms"]) for one in everyone)
    limit = share * upper[len(upper) // 2]
    rule = {"max_latency_ms": {"limit": limit or upper[0] / 2, "device": CORTEX_A72}}
    told = look(make_context(experiment(constraints=rule)), 200, steps=200)
    (rate,) = told.rates
    assert (rate.judged, rate.kept) == (len(upper), sum(ms <= limit for ms in upper))
    assert told.impossible == (rate.kept == 0)
