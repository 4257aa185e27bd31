"""Failures of the machine: found out before the first training, and made up for afterwards."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gensynth.api.disk import writable
from gensynth.campaign.campaign import Done
from gensynth.campaign.experiment_tables import Resources
from gensynth.campaign.schedule import REPETITIONS
from gensynth.errors import InputError, shown
from gensynth.executors.inline import run_inline
from gensynth.executors.resources import require_device, require_here
from gensynth.process import usable_cores
from gensynth.report.terminal import console
from gensynth.training.attempt import Result
from gensynth.training.job import Job
from tests.campaign.test_campaign import play, top1_of
from tests.support.campaigns import campaign

SMALL = {"use": "tests.support.toy_space:ToySpace", "widths": [2]}
"""Five networks."""


def crash_all(folder: Path, **changes: object) -> Done:
    with campaign(folder, **changes) as opened:
        while isinstance(job := opened.ask(), Job):
            opened.tell(job, Result("crashed", (), "RuntimeError: no NVIDIA driver"))
        assert isinstance(job, Done)
        return job


def test_a_few_crashes_alike_end_the_search_and_retry_makes_up_for_them(tmp_path: Path) -> None:
    done = crash_all(tmp_path, trials=20)
    assert done.reason.startswith("5 trainings in a row crashed alike: RuntimeError: no NVIDIA")
    assert "--retry-failed" in done.reason
    with campaign(tmp_path, trials=6, resources={"device": "cpu"}) as opened:
        assert play(opened, top1_of).reason == "finished"
        done_rows = [o for o in opened.outcomes if o.purpose == "search" and o.attempt > 0]
    assert [o.ending for o in done_rows] == ["crashed"] * 5 + ["completed"] * 6
    with campaign(tmp_path, trials=6, resources={"device": "cpu"}) as opened:
        assert isinstance(opened.ask(), Done)  # Nothing is made up for twice.


@pytest.mark.parametrize(
    ("resources", "place"),
    [
        (Resources(cpus_per_trial=usable_cores() + 62.0), "resources.cpus_per_trial"),
        (Resources(gpus_per_trial=1.0), "resources.gpus_per_trial"),
        (Resources(device="cuda"), "resources.device"),
    ],
)
def test_what_a_training_lacks_is_said_before_the_first_one(
    tmp_path: Path, resources: Resources, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError) as caught:
        require_here(resources)
    assert caught.value.place == place
    if place == "resources.device":
        with pytest.raises(InputError, match="finds no GPU here"):
            require_device(resources)
    with campaign(tmp_path) as opened:
        settings = replace(opened.context.experiment, resources=resources)
        opened.context = replace(opened.context, experiment=settings)
        with pytest.raises(InputError):
            run_inline(opened)
        assert opened.outcomes == []


def test_a_space_of_a_few_networks_is_exhausted_once(tmp_path: Path) -> None:
    with campaign(tmp_path, space=SMALL, trials=20) as opened:
        first = play(opened, top1_of)
        rows = len(opened.outcomes)
    assert first.reason.startswith("the space is exhausted: 200 proposals in a row led to no")
    assert rows >= REPETITIONS
    with campaign(tmp_path, space=SMALL, trials=30) as opened:
        assert play(opened, top1_of) == first
        assert len(opened.outcomes) == rows


def test_a_cache_that_cannot_be_written_names_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GENSYNTH_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home" / ".cache"))
    for place in (tmp_path / "home", tmp_path / "home" / ".cache" / "gensynth" / "x"):
        with pytest.raises(InputError, match="set GENSYNTH_CACHE to a folder"), writable("x"):
            raise PermissionError(13, os.strerror(13), str(place))
    with pytest.raises(InputError) as caught, writable("x"):
        raise PermissionError(13, os.strerror(13), str(tmp_path / "run"))
    assert "GENSYNTH_CACHE" not in str(caught.value)


def test_no_text_from_outside_reaches_a_terminal_as_it_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    hostile = "cat\x1b]0;owned\x07\u202eexe.\x9b31m"
    console().print(hostile, style="bold", soft_wrap=True)
    out = capsys.readouterr().out
    assert out.isprintable() or out.strip("\n").isprintable()
    assert "cat\N{REPLACEMENT CHARACTER}]0;owned" in out
    assert shown("a\tb\nc") == "a\tb\nc"
