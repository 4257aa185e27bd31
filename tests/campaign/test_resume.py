"""Resuming an interrupted campaign that has been moved, damaged, or tampered with."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gensynth.campaign.campaign import Done
from gensynth.campaign.campaign_folder import viewing
from gensynth.cli import BAD_INPUT, main
from gensynth.errors import InputError
from gensynth.report.standings import plain_campaign
from gensynth.training.attempt import attempt
from gensynth.training.job import Job
from tests.support.campaigns import campaign, experiment


def interrupted(folder: Path) -> Job:
    """Leave a campaign while its first candidate is running."""
    with campaign(folder) as opened:
        job = opened.ask()
    assert isinstance(job, Job)
    return job


def edit(folder: Path, change: Callable[[Any], None]) -> Path:
    (file,) = folder.glob("candidates/*/job.json")
    written = json.loads(file.read_text())
    change(written)
    file.write_text(json.dumps(written))
    return file


def test_a_job_goes_on_as_it_was(tmp_path: Path) -> None:
    job = interrupted(tmp_path)
    with campaign(tmp_path) as opened:
        assert opened.ask() == job


def test_a_moved_campaign_goes_on_where_it_now_is(tmp_path: Path) -> None:
    interrupted(tmp_path / "before")
    shutil.move(tmp_path / "before", tmp_path / "ä b")
    with campaign(tmp_path / "ä b") as opened:
        job = opened.ask()
    assert isinstance(job, Job)
    assert Path(job.folder).parent.parent == tmp_path / "ä b"
    assert not (tmp_path / "before").exists()


@pytest.mark.parametrize(
    "hostile",
    [
        {"folder": "/"},
        {"import_paths": ["/tmp/elsewhere"]},
        {"source": {"module": "antigravity", "spec": {}, "input_shape": [1, 8, 8]}},
        {"cache": "/tmp/elsewhere"},
        {"data": {"path": "/tmp/elsewhere"}},
        {"keep_weights": True},
        {"training_seed": 5},
    ],
)
def test_what_is_trained_and_where_is_never_the_files_to_say(
    tmp_path: Path, hostile: dict[str, Any]
) -> None:
    job = interrupted(tmp_path)
    edit(tmp_path, lambda written: written["job"].update(hostile))
    with campaign(tmp_path) as opened:
        assert opened.ask() == job


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("job", {"number": 7}),
        ("job", {"purpose": "export"}),
        ("job", {"attempt": 1000}),
        ("row", {"decisions": {}}),
        ("row", {"fingerprint": "other"}),
    ],
)
def test_a_job_of_another_candidate_is_refused(
    tmp_path: Path, part: str, change: dict[str, Any]
) -> None:
    interrupted(tmp_path)
    file = edit(tmp_path, lambda written: written[part].update(change))
    before = file.read_bytes()
    with (
        pytest.raises(InputError, match="does not fit this campaign") as refused,
        campaign(tmp_path),
    ):
        pass
    assert refused.value.place == str(file)
    assert file.read_bytes() == before


def test_half_a_batch_stays_half_a_batch(tmp_path: Path) -> None:
    job = interrupted(tmp_path)
    half = job.recipe.batch_size // 2
    edit(tmp_path, lambda written: written["job"]["recipe"].update(batch_size=half))
    with campaign(tmp_path) as opened:
        again = opened.ask()
    assert isinstance(again, Job) and again.recipe.batch_size == half


def test_an_experiment_that_was_edited_in_the_folder_is_found_out(tmp_path: Path) -> None:
    interrupted(tmp_path)
    file = tmp_path / "experiment.toml"
    edited = file.read_text().replace("epochs = 2", "epochs = 3")
    file.write_text(edited)
    with (
        pytest.raises(InputError, match=r"proxy\.epochs \(2 before, 3 now\)"),
        campaign(tmp_path, proxy={"epochs": 3}),
    ):
        pass
    assert file.read_text() == edited
    with pytest.raises(InputError, match=r"proxy\.epochs"):
        viewing(tmp_path)


def test_a_folder_in_the_place_of_a_file_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    interrupted(tmp_path)
    (tmp_path / "record.json").unlink()
    (tmp_path / "record.json").mkdir()
    with pytest.raises(SystemExit) as end:
        main(["show", str(tmp_path)])
    assert end.value.code == BAD_INPUT
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"gensynth: {tmp_path / 'record.json'}: Is a directory")


def test_json_names_what_is_now_allowed_and_was_never_trained(tmp_path: Path) -> None:
    with campaign(tmp_path, constraints={"max_params": {"limit": 1}}) as opened:
        assert isinstance(opened.ask(), Done)
    assert plain_campaign(viewing(tmp_path)) == []
    looser = experiment(constraints={"max_params": {"limit": 1_000_000}})
    rows = plain_campaign(viewing(tmp_path, looser))
    assert rows and all(row["untrained"] and row["ending"] == "infeasible" for row in rows)


def test_a_reference_that_no_rule_asks_for_any_more_is_forgotten(tmp_path: Path) -> None:
    rule = {"top1": {"reference": "smallest", "margin": -90.0}}
    with campaign(tmp_path, constraints=rule) as opened:
        job = opened.ask()
    assert isinstance(job, Job) and job.purpose == "reference"
    with campaign(tmp_path, constraints={}) as opened:
        following = opened.ask()
    assert isinstance(following, Job) and following.purpose == "search"
    assert not Path(job.folder).exists()


def test_without_any_rule_all_that_was_rejected_is_allowed(tmp_path: Path) -> None:
    with campaign(tmp_path, trials=2, constraints={"max_params": {"limit": 200}}) as opened:
        while not isinstance(opened.ask(), Job):
            pass
    rejected = [o for o in opened.outcomes if o.ending == "infeasible"]
    assert rejected
    again = viewing(tmp_path, experiment(trials=2, constraints={}))
    assert [o.number for o in again.untrained()] == [o.number for o in rejected]


@pytest.mark.parametrize("content", [b"", b'{"job": {"numb', bytes(80)])
def test_a_job_that_a_power_failure_cut_off_is_none(tmp_path: Path, content: bytes) -> None:
    job = interrupted(tmp_path)
    (file,) = tmp_path.glob("candidates/*/job.json")
    file.write_bytes(content)
    assert viewing(tmp_path).outcomes == []
    with campaign(tmp_path) as opened:
        assert not file.parent.exists()
        assert opened.ask() == job


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("record.json", "as a power failure may leave it; restore it from a copy. For a record in"),
        ("experiment.toml", "is empty, as a power failure may leave it; restore it from a copy"),
    ],
)
def test_a_file_that_a_power_failure_emptied_is_one_line_with_the_remedy(
    tmp_path: Path, name: str, words: str
) -> None:
    interrupted(tmp_path)
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(InputError, match=words) as seen:
        viewing(tmp_path)
    with pytest.raises(InputError, match=words) as driven, campaign(tmp_path):
        pass
    assert "\n" not in str(seen.value) + str(driven.value)


def test_a_folder_that_is_renamed_while_it_is_used_leaves_no_ghost(tmp_path: Path) -> None:
    place = tmp_path / "before"
    with (
        pytest.raises(InputError, match=r"was moved or deleted while the search ran.*--out"),
        campaign(place, trials=3) as opened,
    ):
        first = opened.ask()
        shutil.move(place, tmp_path / "after")
        assert isinstance(first, Job)
        opened.tell(first, attempt(first, lambda measurement: True))
        opened.ask()
    assert not place.exists()
    with campaign(tmp_path / "after", trials=3) as opened:
        assert isinstance(opened.ask(), Job)
