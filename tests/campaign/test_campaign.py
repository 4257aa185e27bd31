"""The state machine, driven by hand and by the inline executor with short, real trainings."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gensynth.campaign.campaign import CampaignDriver, Done, Wait
from gensynth.campaign.campaign_folder import viewing
from gensynth.errors import InputError
from gensynth.evaluation.outcome import Outcome
from gensynth.executors.inline import run_inline
from gensynth.training.attempt import ATTEMPTS, Result
from gensynth.training.job import Job
from tests.support.campaigns import campaign, comparable, measurement
from tests.support.trainings import write_pictures

LIMITS = {"max_params": {"use": "constraints.max_params:MaxParams", "limit": 400}}
FLOOR = {"top1": {"use": "constraints.top1:Top1", "min": 50.0}}


def finished(job: Job, top1: float) -> Result:
    return Result("completed", (measurement(job.recipe.epochs, top1),))


def play(played: CampaignDriver, top1: Any = lambda job: 60.0) -> Done:
    """Answer every job at once, as if its training had ended at `top1(job)` percent."""
    while True:
        job = played.ask()
        if isinstance(job, Done):
            return job
        assert isinstance(job, Job)
        played.tell(job, finished(job, top1(job)))


def rows(folder: Path, **changes: Any) -> list[Outcome]:
    with campaign(folder, **changes) as opened:
        run_inline(opened)
        return comparable(opened.outcomes)


def test_a_campaign_ends_with_as_many_trainings_as_asked_and_one_export(tmp_path: Path) -> None:
    outcomes = rows(tmp_path)
    trained = [o for o in outcomes if o.purpose == "search" and o.attempt > 0]
    assert len(trained) == 6
    assert len({o.fingerprint for o in trained}) == 6
    assert [o.number for o in outcomes] == list(range(len(outcomes)))
    (export,) = (o for o in outcomes if o.purpose == "export")
    test_top1 = export.curve[-1].test_top1
    assert test_top1 is not None and 0 <= test_top1 <= 100
    assert all(m.test_top1 is None for o in outcomes if o is not export for m in o.curve)


def test_the_winner_is_the_best_on_fresh_seeds(tmp_path: Path) -> None:
    with campaign(tmp_path) as opened:
        assert play(opened).reason == "finished"
        best = max(
            (o for o in opened.outcomes if o.purpose == "search"), key=lambda o: o.value or 0
        )
        finals = [o for o in opened.outcomes if o.purpose == "final"]
        assert [o.genome_id for o in finals] == [best.genome_id] * 2
        assert len({best.training_seed, *(o.training_seed for o in finals)}) == 3


def test_the_winner_is_trained_last_longer_and_on_all_images(tmp_path: Path) -> None:
    jobs: dict[str, Job] = {}
    tables = {"proxy": {"epochs": 4, "data_share": 0.5}, "last_training": {"epochs_factor": 2.5}}
    with campaign(tmp_path, **tables) as opened:
        play(opened, lambda job: jobs.update({job.purpose: job}) or 60.0)
    lengths = {name: (job.recipe.epochs, job.recipe.data_share) for name, job in jobs.items()}
    assert lengths == {"search": (4, 0.5), "final": (4, 0.5), "export": (10, 1.0)}
    assert jobs["export"].splits == ("train", "validation") and jobs["export"].measure_test
    assert [jobs[name].recipe.ema_decay for name in ("final", "export")] == [0.0, 0.99]


def test_infeasible_candidates_never_become_jobs(tmp_path: Path) -> None:
    with campaign(tmp_path, constraints=LIMITS) as opened:
        play(opened)
        rejected = [o for o in opened.outcomes if o.ending == "infeasible"]
        assert rejected and all(o.attempt == 0 and o.score is None for o in rejected)
        assert all("max_params" in o.detail for o in rejected)
        trained = [o for o in opened.outcomes if o.attempt > 0]
        assert all(o.profile is not None and o.profile.params <= 400 for o in trained)


def test_duplicates_are_answered_from_the_record(tmp_path: Path) -> None:
    with campaign(tmp_path, trials=24) as opened:
        play(opened)
        copies = [o for o in opened.outcomes if o.ending == "duplicate"]
        assert copies
        for copy in copies:
            twin = next(o for o in opened.outcomes if o.fingerprint == copy.fingerprint)
            assert twin.attempt > 0 and copy.value == twin.value and copy.curve == twin.curve


def test_endless_repetition_ends_the_search_with_a_clear_line(tmp_path: Path) -> None:
    space = {"use": "tests.support.toy_space:ToySpace", "widths": [2]}
    with campaign(tmp_path, space=space, trials=50) as opened:
        done = play(opened)
    assert "200 proposals in a row led to no training" in done.reason
    assert sum(o.attempt > 0 and o.purpose == "search" for o in opened.outcomes) == 5


def test_nothing_feasible_ends_without_an_export(tmp_path: Path) -> None:
    with campaign(tmp_path, constraints=FLOOR) as opened:
        assert play(opened, lambda job: 40.0).reason == "no candidate was feasible"
        assert all(o.value is None for o in opened.outcomes)
        assert opened.exported() is None


def test_a_winner_by_luck_does_not_hold_in_the_finals(tmp_path: Path) -> None:
    with campaign(tmp_path, constraints=FLOOR) as opened:
        done = play(opened, lambda job: 60.0 if job.purpose == "search" else 40.0)
        assert "lower bound" in done.reason
        assert len({o.genome_id for o in opened.outcomes if o.purpose == "final"}) == 2


def test_a_lost_job_is_handed_out_again_and_given_up_in_the_end(tmp_path: Path) -> None:
    with campaign(tmp_path, trials=1) as opened:
        for attempt in range(1, ATTEMPTS + 1):
            job = opened.ask()
            assert isinstance(job, Job) and job.attempt == attempt and job.number == 0
            opened.tell(job, Result("lost"))
        assert [(o.ending, o.attempt) for o in opened.outcomes] == [("lost", ATTEMPTS)]
        assert isinstance(opened.ask(), Done)


def test_jobs_can_run_side_by_side_and_the_finals_wait_for_them(tmp_path: Path) -> None:
    with campaign(tmp_path, trials=2) as opened:
        first, second = opened.ask(), opened.ask()
        assert isinstance(first, Job) and isinstance(second, Job)
        assert isinstance(opened.ask(), Wait)
        opened.tell(second, finished(second, 60.0))
        assert isinstance(opened.ask(), Wait)
        opened.tell(first, finished(first, 60.0))
        final = opened.ask()
        assert isinstance(final, Job) and final.purpose == "final"
        assert [o.number for o in opened.outcomes] == [1, 0]


def test_an_ending_without_a_measurement_has_no_score(tmp_path: Path) -> None:
    with campaign(tmp_path, trials=3) as opened:
        for ending in ("diverged", "timed_out", "crashed"):
            job = opened.ask()
            assert isinstance(job, Job)
            opened.tell(job, Result(ending, detail="why"))
        trained = [o for o in opened.outcomes if o.attempt > 0]
        assert [o.ending for o in trained] == ["diverged", "timed_out", "crashed"]
        assert all(o.value is None and o.detail == "why" for o in trained)


@pytest.mark.parametrize("second", ["completed", "out_of_memory"])
def test_what_runs_out_of_memory_is_tried_once_more_at_half_the_batch(
    tmp_path: Path, second: Any
) -> None:
    with campaign(tmp_path, trials=1) as opened:
        first = opened.ask()
        assert isinstance(first, Job)
        opened.tell(first, Result("out_of_memory", detail="too large"))
        again = opened.ask()
        assert isinstance(again, Job) and (again.number, again.attempt) == (first.number, 2)
        assert again.recipe == replace(first.recipe, batch_size=first.recipe.batch_size // 2)
        assert opened.outcomes == []
    with campaign(tmp_path, trials=1) as opened:  # A restart knows that it is the second try.
        assert opened.ask() == again
        opened.tell(again, replace(finished(again, 60.0), ending=second))
        (outcome,) = opened.outcomes
        assert (outcome.ending, outcome.attempt) == (second, 2)
        assert "at batch 32: 64 ran out of memory" in outcome.detail


GENERATORS = ("random", "evolution", "nsgaii", "tpe", "gp", "gensynth")


def stop_after(opened: CampaignDriver, jobs: int) -> Iterator[None]:
    for _ in range(jobs):
        job = opened.ask()
        if isinstance(job, Done):
            return
        assert isinstance(job, Job)
        opened.tell(job, finished(job, top1_of(job)))
        yield


def top1_of(job: Job) -> float:
    """Return the top-1 of a fake training: larger networks are better, and seeds add some noise."""
    spec: Mapping[str, Any] = job.source.spec
    return float(40 + 2.0 * spec["width"] + 5.0 * spec["depth"] + (job.training_seed % 100) / 50)


MOMENTS = [
    ("random", 1),
    ("gensynth", 2),
    ("tpe", 10),
    *(pytest.param(name, 7, marks=pytest.mark.slow) for name in GENERATORS),
]


@pytest.mark.parametrize(("generator", "moment"), MOMENTS)
def test_interrupted_and_resumed_is_the_same_as_uninterrupted(
    tmp_path: Path, generator: str, moment: int
) -> None:
    changes: dict[str, Any] = {"generator": generator, "trials": 12, "constraints": LIMITS | FLOOR}
    changes["constraints"]["max_params"]["limit"] = 2000
    with campaign(tmp_path / "whole", **changes) as opened:
        play(opened, top1_of)
        whole = comparable(opened.outcomes)
    with campaign(tmp_path / "parts", **changes) as opened:
        list(stop_after(opened, moment))
        opened.ask()  # Handed out, and its worker is never heard of again.
    with campaign(tmp_path / "parts", **changes) as opened:
        play(opened, top1_of)
        assert comparable(opened.outcomes) == whole
        assert not opened.warnings


def test_a_killed_training_goes_on_under_its_own_number(tmp_path: Path) -> None:
    whole = rows(tmp_path / "whole")
    with campaign(tmp_path / "parts") as opened:
        for _ in range(3):
            job = opened.ask()
        assert isinstance(job, Job)
    assert rows(tmp_path / "parts") != []
    resumed = rows(tmp_path / "parts")
    assert {o.number for o in resumed} == {o.number for o in whole}


def test_a_finished_campaign_is_extended_by_asking_for_more(tmp_path: Path) -> None:
    short = rows(tmp_path)
    extended = rows(tmp_path, trials=9)
    assert extended[: len(short)] == short
    assert sum(o.purpose == "search" and o.attempt > 0 for o in extended) == 9


def test_what_may_not_change_is_named(tmp_path: Path) -> None:
    rows(tmp_path, trials=1)
    with pytest.raises(InputError, match=r"proxy\.epochs"):
        rows(tmp_path, proxy={"epochs": 3})
    with pytest.raises(InputError, match="seed"):
        rows(tmp_path, seed=7)


def test_new_limits_judge_old_outcomes_again_without_training(tmp_path: Path) -> None:
    with campaign(tmp_path, constraints=LIMITS) as opened:
        play(opened, top1_of)
        before = {o.number: o.ending for o in opened.outcomes}
    looser = {"max_params": LIMITS["max_params"] | {"limit": 100_000}}
    with campaign(tmp_path, constraints=looser) as opened:
        assert {o.number: o.ending for o in opened.outcomes} == before
        assert [o.ending for o in opened.untrained()] == ["infeasible"] * len(opened.untrained())
        assert len(opened.untrained()) == sum(e == "infeasible" for e in before.values())


def test_other_images_in_the_place_of_a_campaigns_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENSYNTH_CACHE", str(tmp_path / "cache"))
    images = tmp_path / "images"
    write_pictures(images, {"cat": 6, "dog": 6})
    changes: dict[str, Any] = {"data": {"path": str(images)}}
    for _ in range(2):
        with campaign(tmp_path / "campaign", **changes):
            pass
    write_pictures(images, {"cat": 6, "dog": 6}, seed=1)
    with (
        pytest.raises(InputError, match="the data has changed since the campaign began"),
        campaign(tmp_path / "campaign", **changes),
    ):
        pass
    assert viewing(tmp_path / "campaign").outcomes == [], "looking at it is allowed"
    with pytest.raises(InputError, match="the data has changed since the campaign began"):
        viewing(tmp_path / "campaign", same_images=True)


def test_a_second_driver_is_refused(tmp_path: Path) -> None:
    with (
        campaign(tmp_path),
        pytest.raises(InputError, match="another gensynth search is running here"),
        campaign(tmp_path),
    ):
        pass


def test_a_top1_of_zero_has_no_score_and_ends_nothing(tmp_path: Path) -> None:
    stopping = {"rule": "halving", "first": 1, "reduction": 2}
    with campaign(tmp_path, trials=3, stopping=stopping) as opened:
        for top1 in (50.0, 40.0, 0.0):
            job = opened.ask()
            assert isinstance(job, Job)
            opened.report(job, measurement(1, top1))
            opened.tell(job, finished(job, top1))
        assert opened.outcomes[-1].score is None
        assert play(opened, lambda job: 0.0).reason != "finished"
