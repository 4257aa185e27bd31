"""Campaigns whose finalists train in the same steps: what is grouped, recorded and repeated."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gensynth.campaign.campaign import CampaignDriver, Done
from gensynth.campaign.grouping import GROUPED
from gensynth.evaluation.outcome import Outcome
from gensynth.executors.inline import run_inline
from gensynth.process import Interruption
from gensynth.training.attempt import attempt
from gensynth.training.group.training import GroupTraining
from gensynth.training.job import Job
from tests.support.campaigns import CERTAIN, campaign, comparable

FINALS = {"candidates": 1, "most": 2, "replicas": 3, "epochs_factor": 2.0, "confidence": CERTAIN}
SHORT: dict[str, Any] = {"trials": 2, "finals": FINALS, "resources": {"checkpoint_s": 0.0}}


def first_final(opened: CampaignDriver) -> Job:
    while True:
        job = opened.ask()
        assert isinstance(job, Job)
        if job.purpose == "final":
            return job
        opened.tell(job, attempt(job, partial(opened.report, job)))


def rows_of(folder: Path, **changes: Any) -> list[Outcome]:
    with campaign(folder, **(SHORT | changes)) as opened:
        assert run_inline(opened) == Done("finished")
        return comparable(opened.outcomes)


def test_a_finalists_trainings_are_grouped_and_reruns_are_equal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    real = GroupTraining.__init__

    def noticed(self: GroupTraining, members: Any) -> None:
        sizes.append(len(members))
        real(self, members)

    monkeypatch.setattr(GroupTraining, "__init__", noticed)
    first = rows_of(tmp_path / "first")
    assert sizes == [3]
    assert rows_of(tmp_path / "again") == first
    alone = rows_of(tmp_path / "alone", resources={"grouping": "never"})
    assert sizes == [3, 3]
    facts = [(o.number, o.purpose, o.training_seed, o.genome_id, o.ending) for o in first]
    assert facts == [(o.number, o.purpose, o.training_seed, o.genome_id, o.ending) for o in alone]


def test_an_interrupted_group_goes_on_to_the_same_rows(tmp_path: Path) -> None:
    whole = rows_of(tmp_path / "whole")
    with campaign(tmp_path / "parts", **SHORT) as opened:
        interruption, real = Interruption(), opened.report

        def report(job: Any, measurement: Any) -> bool:
            if job.purpose == "final" and measurement.epoch == 2:
                interruption.ask()
            return real(job, measurement)

        opened.report = report  # type: ignore[method-assign]
        with pytest.raises(KeyboardInterrupt):
            run_inline(opened, interruption=interruption)
        assert len(opened.ledger.running) == 3
    with campaign(tmp_path / "parts", **SHORT) as opened:
        assert run_inline(opened) == Done("finished")
        assert comparable(opened.outcomes) == whole


def test_the_decision_is_noted_once(tmp_path: Path) -> None:
    with campaign(tmp_path, **SHORT) as opened:
        job = first_final(opened)
        assert len(opened.companions(job)) == 2
        assert opened.ledger.noted(GROUPED) is True
        opened.ledger.note(GROUPED, False)
        opened.resume()
        again = opened.ask()
        assert isinstance(again, Job) and opened.companions(again) == []


def test_the_first_training_that_may_refute_a_finalist_is_one_by_itself(tmp_path: Path) -> None:
    floor = {"constraints": {"top1": {"min": 1.0}}}
    with campaign(tmp_path, **(SHORT | floor)) as opened:
        assert opened.companions(first_final(opened)) == []
        assert opened.ledger.noted(GROUPED) is True
