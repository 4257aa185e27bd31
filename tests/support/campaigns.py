"""Small campaigns on the toy space and the real digits, for tests of what runs one."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from gensynth.campaign.campaign import CampaignDriver
from gensynth.campaign.campaign_folder import driving
from gensynth.campaign.experiment import Experiment, parse_experiment
from gensynth.evaluation.measurement import Measurement
from gensynth.evaluation.outcome import Outcome

CERTAIN = 0.6
"""A confidence at which two trainings have a lower bound above 0 %, however far apart they end.

At the usual 0.9 the bound of 20 % and 60 % is 0 %, and a campaign without a floor has no winner."""


def experiment(**changes: Any) -> Experiment:
    """Six short trainings by random draw, finals of one candidate; `changes` win."""
    tables: dict[str, Any] = {
        "name": "toy",
        "space": "tests.support.toy_space:ToySpace",
        "generator": "random",
        "executor": "inline",
        "trials": 6,
        "folder": str(Path(__file__).parents[2]),
        "proxy": {"epochs": 2},
        "stopping": {"rule": "none"},
        "finals": {
            "candidates": 1,
            "most": 2,
            "replicas": 2,
            "epochs_factor": 1.0,
            "confidence": CERTAIN,
        },
        "last_training": {"epochs_factor": 1.0, "ema_decay": 0.0},
        "constraints": {},
    }
    return parse_experiment(tables | changes, "toy.toml")


@contextmanager
def campaign(folder: Path, **changes: Any) -> Iterator[CampaignDriver]:
    with driving(folder, experiment(**changes), None) as opened:
        yield opened


def comparable(outcomes: list[Outcome]) -> list[Outcome]:
    """Take wall-clock times out: they are recorded, and never compared."""
    return [
        replace(outcome, seconds=0.0, curve=tuple(replace(m, seconds=0.0) for m in outcome.curve))
        for outcome in outcomes
    ]


def measurement(epoch: int = 1, top1: float = 90.0) -> Measurement:
    return Measurement(epoch=epoch, top1=top1, loss=0.5, seconds=0.1)


def outcome(**facts: Any) -> Outcome:
    """Make a completed search row; `facts` win."""
    basics: Mapping[str, Any] = {
        "number": 0,
        "asked_after": 0,
        "decisions": {},
        "genome_id": "g",
        "fingerprint": "f",
        "ending": "completed",
    }
    return Outcome(**(dict(basics) | facts))
