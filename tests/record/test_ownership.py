"""One driver at a time, whatever happens to the lock file."""

import errno
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import filelock
import pytest

from gensynth.campaign.campaign_folder import open_record, viewing
from gensynth.errors import InputError
from gensynth.record.address import sqlite_url
from gensynth.record.optuna_study import Record
from gensynth.record.ownership import Owner
from gensynth.serialization import to_plain
from tests.campaign.test_campaign import play, top1_of
from tests.support.campaigns import campaign, outcome

ELSEWHERE = to_plain(Owner(host="elsewhere", pid=7))


def take_over(folder: Path) -> None:
    """Enter another machine's driver, as one does that finds no lock there."""
    record = open_record(folder)
    record._study.set_user_attr("driver", ELSEWHERE)
    record.close()


def test_a_driver_that_lost_its_right_writes_nothing_more(tmp_path: Path) -> None:
    with campaign(tmp_path) as opened:
        job = opened.ask()
        take_over(tmp_path)
        with pytest.raises(InputError, match=r"process 7 on elsewhere\) has taken over") as caught:
            play(opened, top1_of)
    assert "\n" not in str(caught.value) and job is not None
    assert open_record(tmp_path).outcomes() == []


def test_without_its_lock_file_a_running_campaign_still_refuses_a_second_driver(
    tmp_path: Path,
) -> None:
    with campaign(tmp_path) as opened:
        (tmp_path / "driver.lock").unlink()
        with (
            pytest.raises(InputError, match=f"another gensynth search .*process {os.getpid()} on"),
            campaign(tmp_path),
        ):
            pass
        play(opened, top1_of)
    numbers = [row.number for row in open_record(tmp_path).outcomes()]
    assert len(numbers) == len(set(numbers))


def test_the_driver_of_a_dead_process_is_followed_by_the_next(tmp_path: Path) -> None:
    code = "from tests.record.test_ownership import *; Record.open(sys.argv[1], 'x', drive=True)"
    root = Path(__file__).parents[2]
    url = sqlite_url(tmp_path)
    subprocess.run([sys.executable, "-c", code, url], cwd=root, check=True)
    Record.open(url, "x", drive=True).close()


def test_a_number_is_recorded_once(tmp_path: Path) -> None:
    record = Record.open(sqlite_url(tmp_path), "study", drive=True)
    record.add(outcome(number=3), {})
    with pytest.raises(InputError, match="candidate 3 has been recorded before"):
        record.add(outcome(number=3), {})
    assert [o.number for o in record.outcomes()] == [3]
    record.close()


def test_doubled_and_foreign_rows_are_refused_by_name(tmp_path: Path) -> None:
    with campaign(tmp_path / "one", trials=2) as opened:
        play(opened, top1_of)
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    doubled, foreign = open_record(tmp_path / "one"), open_record(tmp_path / "two")
    doubled._study.add_trial(doubled._study.trials[1])
    foreign._study.ask()
    for folder, words in (
        (tmp_path / "one", r"study\.db: candidates 1 are recorded twice.*restore the record"),
        (tmp_path / "two", r"trial \d+: is not an outcome of a campaign; restore the record"),
    ):
        with pytest.raises(InputError, match=words):
            viewing(folder)
        with pytest.raises(InputError, match=words), campaign(folder, trials=2):
            pass


def test_a_file_system_without_locks_needs_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse(self: Any) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(filelock.FileLock, "_acquire", refuse)
    with campaign(tmp_path, trials=2) as opened:
        with pytest.raises(InputError, match="another gensynth search"), campaign(tmp_path):
            pass
        play(opened, top1_of)
    assert "this file system has no locks" in capfd.readouterr().err
    assert json.loads((tmp_path / "record.json").read_text())


def test_another_writer_is_waited_for_with_a_word(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import sqlite3

    monkeypatch.setattr("gensynth.record.database.BUSY_S", 0.05)
    record = Record.open(sqlite_url(tmp_path), "study", drive=True)
    other = sqlite3.connect(tmp_path / "study.db", check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(1.0, other.rollback)
    release.start()
    record.note("since", 3)
    release.join()
    assert record.noted("since") == 3
    said = capfd.readouterr().err
    assert said.count("database is locked; waiting up to 300 s") == 1
    record.close()
    other.close()


@pytest.mark.skipif(os.name == "nt", reason="Windows locks files otherwise")
@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EIO, errno.EOPNOTSUPP])
def test_sqlite_on_a_file_system_without_locks_is_one_line_with_the_remedy(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    with campaign(tmp_path / "run", trials=2) as opened:
        play(opened, top1_of)

    def refuse(*arguments: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "lockf", refuse)
    words = "the file system has no locks .*, which SQLite needs; keep the campaign on a local disk"
    with pytest.raises(InputError, match=words):
        viewing(tmp_path / "run")
    with pytest.raises(InputError, match=words), campaign(tmp_path / "new"):
        pass
