"""Campaigns on networks that misbehave, and what must be true of one that has ended."""

from collections import Counter
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from gensynth.campaign.campaign import CampaignDriver, Done
from gensynth.campaign.campaign_folder import open_record
from gensynth.evaluation.outcome import Outcome
from gensynth.process import usable_cores
from tests.support.campaigns import CERTAIN, campaign

CORES = usable_cores()
ONE_AT_A_TIME = {"cpus_per_trial": float(CORES)}
FINALS: dict[str, Any] = {"candidates": 1, "most": 1, "replicas": 2, "epochs_factor": 1.0}
FINALS["confidence"] = CERTAIN


def unruly(
    folder: Path, proposals: list[tuple[str, int]], **changes: Any
) -> AbstractContextManager[CampaignDriver]:
    """Open a campaign on networks that behave as `proposals` say; all of them are trained."""
    tables = {
        "space": {"use": "tests.support.unruly:UnrulySpace", "marks": str(folder)},
        "generator": {"use": "tests.support.unruly:listed", "proposals": proposals},
        "trials": len(proposals),
        "executor": "ray",
        "proxy": {"epochs": 8},
        "finals": FINALS,
    }
    return campaign(folder, **(tables | changes))


def assert_finished(done: Done, outcomes: list[Outcome]) -> None:
    """Name every training that did not complete if the campaign has no winner."""
    trained = [o for o in outcomes if o.attempt > 0 and o.ending != "completed"]
    told = [f"{o.number} {o.purpose}: {o.ending} ({o.detail})" for o in trained]
    assert done == Done("finished"), "\n".join([done.reason, *told])


def assert_nothing_lost_or_doubled(outcomes: list[Outcome], trials: int) -> None:
    trained = [o for o in outcomes if o.purpose == "search" and o.attempt > 0]
    assert len(trained) == trials
    assert sorted(o.number for o in outcomes) == list(range(len(outcomes)))
    assert Counter(o.purpose for o in outcomes if o.purpose != "search") == Counter(
        {"final": 2, "export": 1}
    )


def recorded(folder: Path) -> list[Outcome]:
    return open_record(folder).outcomes() if (folder / "experiment.toml").exists() else []
