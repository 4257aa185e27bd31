"""Latency in a campaign: measured once for a function, recorded, judged, never measured again."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gensynth.campaign.campaign import CampaignDriver, Done
from gensynth.errors import InputError
from gensynth.evaluation.constraint import Candidate, ConstraintError, Indicator, Judgement
from gensynth.evaluation.evaluator import Evaluator
from gensynth.evaluation.latency import Interval, Latency, Question
from gensynth.evaluation.measurement import Measurement
from gensynth.evaluation.score import NetScore, NetScoreLatency
from gensynth.executors.inline import run_inline
from gensynth.generators.space_problem import SpaceProblem
from gensynth.graph.graph import Graph, Layer
from gensynth.graph.profile import profile
from gensynth.latency.job import LatencyJob, Stopwatch
from gensynth.plugins import create
from gensynth.space import Task
from gensynth.training.job import Job
from tests.campaign.test_campaign import finished
from tests.support.campaigns import campaign, comparable
from tests.support.toy_space import ToySpace

RATIO = {"max_latency_ratio": {"limit": 0.5, "reference": "attendnext:tiny"}}


def latency(ms: float = 2.0, ratio: float | None = 0.4, width: float = 1.1) -> Latency:
    around = None if ratio is None else Interval(ratio / width, ratio * width)
    return Latency(ms, Interval(ms / width, ms * width), Interval(ms, ms), ratio, around)


def candidate(latencies: Mapping[str, Latency], top1: float = 90.0) -> Candidate:
    layers = (
        Layer("input", "input", (), (1, 8, 8)),
        Layer("conv", "conv2d", (0,), (4, 8, 8), "c", (3, 3), parameters=36, macs=2304),
    )
    graph = Graph(layers)
    measured = Measurement(epoch=1, top1=top1, loss=0.1, seconds=1.0)
    return Candidate(graph, profile(graph), latencies=latencies, measurement=measured)


def rule(name: str, **table: Any) -> Any:
    return create("constraint", name, table, "test")


def test_a_ratio_is_judged_by_the_upper_end_of_its_interval() -> None:
    limit = rule("max_latency_ratio", limit=0.42, reference="timm:fbnetc_100")
    assert limit.latency_question() == Question(reference="timm:fbnetc_100")
    words = str(limit.latency_question())
    narrow, wide = (limit(candidate({words: latency(width=w)})) for w in (1.01, 1.1))
    assert narrow.ok and wide.ok is False
    assert wide.violation == pytest.approx(0.44 / 0.42 - 1)
    assert "times the latency of timm:fbnetc_100" in wide.reason
    assert limit(candidate({})).ok is None
    assert limit(candidate({words: latency(ratio=None)})).ok is None


def test_milliseconds_are_judged_by_the_upper_end_of_their_interval() -> None:
    limit = rule("max_latency_ms", limit=2.1, resource="board", threads=2)
    words = "onnxruntime, 2 threads, batch 1 on board"
    assert str(limit.latency_question()) == words
    narrow, wide = (limit(candidate({words: latency(width=w)})) for w in (1.01, 1.1))
    assert narrow.ok and wide.ok is False and "ms (upper end; median 2)" in wide.reason
    assert limit(candidate({"another": latency()})).ok is None


@pytest.mark.parametrize(
    ("name", "table", "place"),
    [
        ("max_latency_ms", {"limit": 0}, "limit"),
        ("max_latency_ms", {"limit": 1, "threads": 0}, "threads"),
        ("max_latency_ms", {"limit": 1, "runtime": "onnx"}, "runtime"),
        ("max_latency_ms", {"limit": 1, "device": "board"}, "device"),
        ("max_latency_ratio", {"limit": 1}, "reference"),
        ("max_latency_ratio", {"limit": 1, "reference": ""}, "reference"),
        ("max_latency_ratio", {"limit": -1, "reference": "timm:resnet18"}, "limit"),
    ],
)
def test_a_mistake_in_the_table_is_named(name: str, table: Mapping[str, Any], place: str) -> None:
    with pytest.raises(InputError, match=place):
        rule(name, **table)


def test_the_score_has_latency_in_the_place_of_macs() -> None:
    score = NetScoreLatency(reference="timm:fbnetc_100")
    words = str(score.latency_question())
    known = candidate({words: latency(ratio=0.5)})
    assert score(known) == pytest.approx(NetScore().of(90.0, 36, 0.5e9))
    assert score.of(90, 36, 0.25) - score.of(90, 36, 0.5) == pytest.approx(3.01, abs=0.01)
    with pytest.raises(ValueError, match="was not measured"):
        score(candidate({}))


def test_before_it_is_measured_latency_is_supposed_to_follow_the_macs() -> None:
    score = NetScoreLatency(reference="attendnext:tiny")
    task = Task(1, 8, 8, 10)
    problem = SpaceProblem(Evaluator(ToySpace(), task, Indicator(), score), folder=Path("."))
    narrow, wide = (
        problem.foresee({"width": width, "depth": 1, "stride.1": 2}) for width in (2, 16)
    )
    values = [problem.prospect(f, np.array([50.0, 100.0])).value for f in (narrow, wide)]
    assert np.isfinite(values).all()
    assert values[0][1] - values[0][0] == pytest.approx(40 * math.log10(2))
    # The bodies, 18 and 144 weights, run at 16 places; the heads have 20 and 160.
    macs, params = (18 * 16 + 20) / (144 * 16 + 160), (18 + 4 + 30) / (144 + 32 + 170)
    assert values[0][0] - values[1][0] == pytest.approx(-10 * math.log10(macs * params))


@dataclass
class Fake:
    """A stopwatch by which a network is as slow as it is wide."""

    jobs: list[LatencyJob] = field(default_factory=list)

    def __call__(self, job: LatencyJob) -> Latency:
        self.jobs.append(job)
        return latency(ratio=job.source.spec["width"] / 20)


def search(
    folder: Path, stopwatch: Fake, steps: int | None = None, **changes: Any
) -> CampaignDriver:
    with campaign(folder, **({"constraints": RATIO, "trials": 4} | changes)) as opened:
        list(islice(_trainings(opened, stopwatch), steps))
        return opened


def _trainings(opened: CampaignDriver, stopwatch: Stopwatch) -> Iterator[Job]:
    while not isinstance(job := opened.ask(stopwatch), Done):
        assert isinstance(job, Job)
        opened.tell(job, finished(job, 60.0))
        yield job


def verdict(judgements: tuple[Judgement, ...]) -> Judgement:
    return next(j for j in judgements if j.constraint == "max_latency_ratio")


def test_a_candidate_that_is_too_slow_is_never_trained(tmp_path: Path) -> None:
    stopwatch = Fake()
    outcomes = search(tmp_path, stopwatch).outcomes
    searched = [o for o in outcomes if o.purpose == "search"]
    slow = [o for o in searched if o.ending == "infeasible"]
    assert slow and all(not o.curve and "max_latency_ratio" in o.detail for o in slow)
    for outcome in searched:
        assert verdict(outcome.judgements).ok == (outcome.ending != "infeasible")
        assert outcome.latencies
    assert len(stopwatch.jobs) == len({o.fingerprint for o in searched}) < len(searched)
    assert not any(o.purpose == "reference" for o in outcomes)
    final = next(o for o in outcomes if o.purpose == "export")
    assert verdict(final.judgements).ok and final.latencies


@pytest.mark.parametrize("steps", [1, 3])
def test_resuming_measures_nothing_twice(tmp_path: Path, steps: int) -> None:
    whole, first, second = Fake(), Fake(), Fake()
    uninterrupted = search(tmp_path / "whole", whole).outcomes
    search(tmp_path / "parts", first, steps)
    resumed = search(tmp_path / "parts", second)
    assert comparable(resumed.outcomes) == comparable(uninterrupted)
    assert resumed.warnings == []
    assert len(first.jobs) + len(second.jobs) == len(whole.jobs)


def test_a_rule_that_comes_later_finds_nothing_measured(tmp_path: Path) -> None:
    search(tmp_path, Fake(), constraints={})
    with campaign(tmp_path, constraints=RATIO, trials=4) as opened:
        searched = [o for o in opened.outcomes if o.purpose == "search"]
        assert all(verdict(o.judgements).ok is None and o.value is None for o in searched)


def test_a_candidate_that_cannot_be_measured_is_crashed(tmp_path: Path) -> None:
    def stopwatch(job: LatencyJob) -> Latency:
        if job.source.spec["width"] > 8:
            raise ConstraintError("latency: no such operator")
        return latency()

    with campaign(tmp_path, constraints=RATIO, trials=4) as opened:
        list(_trainings(opened, stopwatch))
        crashed = [o for o in opened.outcomes if o.ending == "crashed"]
        assert crashed and all(o.detail == "latency: no such operator" for o in crashed)


def test_what_cannot_be_asked_is_told_before_anything_runs(tmp_path: Path) -> None:
    wrong: dict[str, Any] = {"max_latency_ratio": {"limit": 1, "reference": "timm:fbnetc_10"}}
    with (
        pytest.raises(InputError, match=r"reference timm:fbnetc_10: .*did you mean 'fbnetc_100'"),
        campaign(tmp_path / "a", constraints=wrong),
    ):
        pass
    elsewhere = {"max_latency_ms": {"limit": 1, "resource": "board"}}
    with (
        pytest.raises(InputError, match="resource: 'board' needs executor"),
        campaign(tmp_path / "b", constraints=elsewhere),
    ):
        pass


@pytest.mark.parametrize(
    "generator",
    ["gensynth", *(pytest.param(name, marks=pytest.mark.slow) for name in ("random", "tpe"))],
)
def test_a_campaign_measures_by_itself(tmp_path: Path, generator: str) -> None:
    """Really timed, with torch (the quicker to prepare); the score asks too."""
    settings: dict[str, Any] = {"limit": 1e6, "reference": "attendnext:tiny", "runtime": "torch"}
    score = {"use": "netscore_latency", "reference": "attendnext:tiny", "runtime": "torch"}
    changes: dict[str, Any] = {"constraints": {"max_latency_ratio": settings}, "score": score}
    with campaign(tmp_path, trials=2, generator=generator, **changes) as opened:
        assert run_inline(opened) == Done("finished")
        trained = [o for o in opened.outcomes if o.purpose == "search" and o.curve]
        assert trained and all(len(o.latencies) == 1 for o in trained)
        for outcome in trained:
            (measured,) = outcome.latencies.values()
            assert measured.ratio and outcome.top1 and outcome.profile and outcome.score
            expected = NetScoreLatency(reference="x").of(
                outcome.top1, outcome.profile.params, measured.ratio
            )
            assert outcome.score == pytest.approx(expected)
