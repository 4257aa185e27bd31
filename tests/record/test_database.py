"""A real PostgreSQL server: one driver at a time, and restarts that cost only time."""

import json
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from optuna.exceptions import StorageInternalError

from experiments.benchmarks.postgres import Server, postgres, programs
from gensynth.campaign.campaign_folder import driving, open_record, viewing
from gensynth.errors import InputError
from gensynth.executors.inline import run_inline
from gensynth.record.address import for_sqlalchemy, without_password
from gensynth.record.optuna_study import Record
from tests.campaign.test_campaign import play, top1_of
from tests.support.campaigns import campaign, comparable, experiment, outcome

ROOT = Path(__file__).parents[2]


def has_server() -> bool:
    try:
        return programs().is_dir()
    except FileNotFoundError:
        return False


pytestmark = pytest.mark.skipif(not has_server(), reason="no PostgreSQL server programs here")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgres() as running:
        yield running


def test_a_campaign_has_the_same_rows_as_on_sqlite(tmp_path: Path, server: Server) -> None:
    with campaign(tmp_path / "file") as opened:
        play(opened, top1_of)
        rows = comparable(opened.outcomes)
    with driving(tmp_path / "server", experiment(), server.url) as opened:
        play(opened, top1_of)
        assert comparable(opened.outcomes) == rows
    assert comparable(open_record(tmp_path / "server").outcomes()) == rows
    assert not list(tmp_path.glob("server/*.db"))
    with driving(tmp_path / "server", experiment(trials=8), None) as opened:
        play(opened, top1_of)
        assert comparable(opened.outcomes)[: len(rows)] == rows
    with (
        pytest.raises(InputError, match="--storage: this campaign's record is kept in postgresql"),
        driving(tmp_path / "server", experiment(), "sqlite:///elsewhere.db"),
    ):
        pass


def test_a_second_driver_is_refused_also_from_another_folder(
    tmp_path: Path, server: Server
) -> None:
    with driving(tmp_path / "one", experiment(), server.url):
        shutil.copytree(tmp_path / "one", tmp_path / "other")
        with (
            pytest.raises(InputError, match="another gensynth search is running on this campaign"),
            driving(tmp_path / "other", experiment(), None),
        ):
            pass
        assert viewing(tmp_path / "other").outcomes == []
    with driving(tmp_path / "other", experiment(), None) as opened:
        assert opened.outcomes == []


DRIVER = """
import sys, time
from pathlib import Path
from gensynth.record.folder import driving
from tests.support.campaigns import experiment
with driving(Path(sys.argv[1]), experiment(), sys.argv[2]):
    print("driving", flush=True)
    time.sleep(600)
"""


def test_a_dead_driver_is_followed_by_the_next(tmp_path: Path, server: Server) -> None:
    command = [sys.executable, "-c", DRIVER, str(tmp_path), server.url]
    driver = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert driver.stdout is not None and driver.stdout.readline() == "driving\n"
        driver.send_signal(signal.SIGKILL)
        driver.wait()
        with driving(tmp_path, experiment(), None) as opened:
            assert opened.outcomes == []
    finally:
        driver.kill()
        driver.communicate()


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_restart_of_the_server_costs_nothing_but_time(
    tmp_path: Path, server: Server, mode: Any
) -> None:
    with driving(tmp_path / "calm", experiment(), server.url) as opened:
        run_inline(opened)
        rows = comparable(opened.outcomes)
    with driving(tmp_path / "restarted", experiment(), server.url) as opened:

        def restart() -> None:
            if len(opened.outcomes) == 2 and not restarts:
                server.stop(mode)
                restarts.append(threading.Timer(2.0, server.start))
                restarts[0].start()

        restarts: list[threading.Timer] = []
        run_inline(opened, restart)
        assert restarts and comparable(opened.outcomes) == rows
        shutil.copytree(tmp_path / "restarted", tmp_path / "other")
        with (  # Its lock was lost with the server, and taken again.
            pytest.raises(InputError, match="another gensynth search is running"),
            driving(tmp_path / "other", experiment(), None),
        ):
            pass
    assert comparable(open_record(tmp_path / "restarted").outcomes()) == rows


def test_a_server_that_stays_away_is_one_clear_line(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENSYNTH_DATABASE_PATIENCE_S", "0.5")
    with driving(tmp_path, experiment(), server.url) as opened:
        job = opened.ask()
        server.stop()
        try:
            with pytest.raises(
                InputError, match=r"no answer for 0\.5 s .*run the same command again"
            ):
                play(opened)
        finally:
            server.start()
    with driving(tmp_path, experiment(), None) as opened:
        assert opened.outcomes == [] and opened.ask() == job


def test_a_write_that_arrived_in_spite_of_an_error_is_not_repeated(server: Server) -> None:
    record = Record.open(server.url, "cut off", drive=True)
    add, cuts = record._study.add_trial, iter((True, False))

    def cut_off(trial: Any) -> None:
        add(trial)
        if next(cuts):
            raise StorageInternalError("the connection was lost after the commit")

    record._study.add_trial = cut_off  # type: ignore[method-assign]
    record.add(outcome(number=3), {})
    assert [o.number for o in record.outcomes()] == [3]
    record.close()


def test_a_password_is_neither_kept_nor_shown(tmp_path: Path, server: Server) -> None:
    secret = server.url.replace("postgres@", "postgres:geheim@")
    with driving(tmp_path, experiment(), secret) as opened:
        play(opened)
    assert "geheim" not in (tmp_path / "record.json").read_text()
    assert json.loads((tmp_path / "record.json").read_text())["storage"] == server.url
    with driving(tmp_path, experiment(), secret) as opened:
        assert opened.outcomes
    wrong = secret.replace(str(server.port), "1")
    with pytest.raises(InputError, match="cannot be opened") as caught:
        Record.open(wrong, "study")
    assert "geheim" not in str(caught.value)


def test_addresses_are_read_as_people_write_them() -> None:
    assert for_sqlalchemy("postgresql://h/d") == "postgresql+psycopg://h/d"
    assert for_sqlalchemy("postgres://h/d") == "postgresql+psycopg://h/d"
    assert for_sqlalchemy("postgresql+psycopg2://h/d") == "postgresql+psycopg2://h/d"
    assert without_password("postgresql://u:p@h:1/d?x=y") == "postgresql://u@h:1/d?x=y"
    assert without_password("sqlite:////a/b:c@d.db") == "sqlite:////a/b:c@d.db"
