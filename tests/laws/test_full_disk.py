"""Disks that are full, folders that are read-only, records that are damaged or another's."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gensynth.campaign.campaign_folder import open_record, viewing
from gensynth.errors import InputError
from tests.campaign.test_campaign import play, top1_of
from tests.cli.test_command_line import TOY, with_tests_importable
from tests.support.campaigns import campaign, comparable

ROOT = Path(__file__).parents[2]
resource = pytest.importorskip("resource", reason="limits on the size of files need POSIX")


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def can_mount() -> bool:
    return os.geteuid() == 0 and shutil.which("mount") is not None


def search(folder: Path, toml: Path) -> "subprocess.CompletedProcess[str]":
    words = [sys.executable, "-m", "gensynth", "search", str(toml), "--out", str(folder)]
    return subprocess.run(
        words, env=with_tests_importable(), cwd=ROOT, capture_output=True, text=True
    )


@pytest.mark.slow
@pytest.mark.skipif(not can_mount(), reason="mounting a small disk needs root")
def test_a_full_disk_is_one_line_and_the_campaign_goes_on_once_there_is_room(
    tmp_path: Path,
) -> None:
    toml = tmp_path / "toy.toml"
    toml.write_text(TOY.replace('"gensynth"', '"random"'))
    with small_disk(tmp_path / "disk", "4m"):
        folder = tmp_path / "disk" / "run"
        assert search(folder, toml).returncode == 0
        rows = comparable(open_record(folder).outcomes())
        filler = tmp_path / "disk" / "filler"
        with pytest.raises(OSError), filler.open("wb") as file:
            while True:
                os.write(file.fileno(), bytes(4096))
        toml.write_text(toml.read_text().replace("trials = 4", "trials = 6"))
        full = search(folder, toml)
        assert full.returncode == 2 and "Traceback" not in full.stderr
        (line,) = (x for x in full.stderr.splitlines() if x.startswith("gensynth: "))
        assert str(folder) in line
        assert comparable(open_record(folder).outcomes())[: len(rows)] == rows
        filler.unlink()
        assert search(folder, toml).returncode == 0
        after = comparable(open_record(folder).outcomes())
        assert after[: len(rows)] == rows
        assert sum(o.purpose == "search" and o.attempt > 0 for o in after) == 6


def test_a_record_that_cannot_grow_is_one_line_and_loses_nothing(tmp_path: Path) -> None:
    """A limit on the size of files stands in for a full disk, in the midst of a campaign."""
    with campaign(tmp_path, trials=3) as opened:
        play(opened, top1_of)
        rows = comparable(opened.outcomes)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with campaign(tmp_path, trials=40) as opened:
        size = (tmp_path / "study.db").stat().st_size
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
            with pytest.raises(
                InputError, match=r"cannot be written .*run the same command again to continue"
            ):
                play(opened, top1_of)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, before)
    with campaign(tmp_path, trials=8) as opened:
        assert comparable(opened.outcomes)[: len(rows)] == rows
        play(opened, top1_of)
        assert sum(o.purpose == "search" and o.attempt > 0 for o in opened.outcomes) >= 8


def finished(folder: Path) -> None:
    with campaign(folder, trials=2) as opened:
        play(opened, top1_of)


def refused(folder: Path, words: str) -> None:
    """Driving and looking are refused alike, and leave the files as they are."""
    before = {file: file.read_bytes() for file in folder.glob("study.db*")}
    for _ in range(2):
        with pytest.raises(InputError, match=words) as caught, campaign(folder, trials=2):
            pass
        assert "\n" not in str(caught.value)
        with pytest.raises(InputError, match=words):
            viewing(folder)
    assert before == {file: file.read_bytes() for file in folder.glob("study.db*")}


def test_a_missing_record_is_not_begun_anew(tmp_path: Path) -> None:
    finished(tmp_path)
    (tmp_path / "study.db").unlink()
    refused(tmp_path, r"study\.db: the record is missing")


def test_a_campaign_that_does_not_know_its_record_is_told_so(tmp_path: Path) -> None:
    finished(tmp_path)
    (tmp_path / "record.json").unlink()
    refused(tmp_path, r"record\.json: missing, so the record cannot be found")


def test_the_record_of_another_campaign_is_refused(tmp_path: Path) -> None:
    finished(tmp_path / "one")
    finished(tmp_path / "two")
    shutil.copy(tmp_path / "one" / "study.db", tmp_path / "two" / "study.db")
    refused(tmp_path / "two", r"is not the record of this campaign, two-\w+: it holds one-")


def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    finished(tmp_path)
    (tmp_path / "study.db").unlink()
    with sqlite3.connect(tmp_path / "study.db") as other:
        other.execute("CREATE TABLE recipes (name TEXT)")
    other.close()
    refused(tmp_path, "is a database, but not the record of a campaign")


def test_a_record_that_is_damaged_in_its_midst_is_refused(tmp_path: Path) -> None:
    finished(tmp_path)
    data = bytearray((tmp_path / "study.db").read_bytes())
    for page in range(1, len(data) // 4096):  # All but the first page: it still is a database.
        data[page * 4096 : page * 4096 + 64] = b"\xff" * 64
    (tmp_path / "study.db").write_bytes(data)
    refused(tmp_path, "the record (is damaged|cannot be opened)")


def test_a_campaign_can_be_moved(tmp_path: Path) -> None:
    finished(tmp_path / "here")
    rows = comparable(open_record(tmp_path / "here").outcomes())
    shutil.move(tmp_path / "here", tmp_path / "there")
    with campaign(tmp_path / "there", trials=4) as opened:
        play(opened, top1_of)
        assert comparable(opened.outcomes)[: len(rows)] == rows


@pytest.mark.slow
@pytest.mark.skipif(not can_mount(), reason="a read-only mount needs root")
def test_a_read_only_folder_is_one_line(tmp_path: Path) -> None:
    toml = tmp_path / "toy.toml"
    toml.write_text(TOY.replace('"gensynth"', '"random"'))
    with small_disk(tmp_path / "disk", "4m"):
        folder = tmp_path / "disk" / "run"
        assert search(folder, toml).returncode == 0
        before = (folder / "study.db").read_bytes()
        remount = ["mount", "-o", "remount,ro", str(tmp_path / "disk")]
        subprocess.run(remount, check=True)
        done = search(folder, toml)
        assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
        assert "Read-only" in done.stderr and str(folder) in done.stderr
        assert (folder / "study.db").read_bytes() == before
        assert [o.ending for o in viewing(folder).outcomes]  # Looking is allowed.
