"""A folder of somebody else's runs no code, whatever command it is given to."""

import json
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from gensynth.campaign.campaign_folder import open_record, viewing
from gensynth.campaign.record_only import RecordOnly
from gensynth.campaign.trust import STATE, named_code
from gensynth.cli import main
from gensynth.errors import InputError
from gensynth.executors.inline import run_inline
from gensynth.exports.publish import publish
from gensynth.models.exported import BESIDE
from gensynth.models.opened_export import open_export
from gensynth.plugins import trusting
from tests.campaign.test_campaign import play, top1_of
from tests.support.campaigns import campaign, experiment

HOSTILE = "from pathlib import Path\nPath(__file__).with_name('ran').touch()\n"
TINY = {"space": {"use": "attendnext"}, "proxy": {"epochs": 1}, "trials": 1}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished campaign on an installed space, with an exported network."""
    folder = tmp_path_factory.mktemp("own") / "run"
    from gensynth import search

    search(experiment(**TINY), out=folder, progress=False)
    assert (folder / "best" / "genome.json").exists()
    return folder


def hostile(own: Path, folder: Path, **tables: Any) -> Path:
    """Copy a campaign as a stranger would send it: every table names a module in the folder."""
    shutil.copytree(own, folder)
    (folder / "evil.py").write_text(HOSTILE)
    for code in (folder / "best").glob("*.py"):
        code.write_text(code.read_text() + "\nfrom pathlib import Path\nPath(__file__).parent"
                        ".with_name('ran').touch()\n")  # fmt: skip
    file = folder / "experiment.toml"
    settings = tomllib.loads(file.read_text()) | {"folder": str(folder)} | tables
    file.write_text(tomli_w.dumps(settings))
    return folder


EVIL: dict[str, Any] = {
    "score": {"use": "evil:Score"},
    "generator": {"use": "evil:make"},
    "stopping": {"rule": "evil:Rule"},
    "constraints": {
        "evil": {"use": "evil:Rule"},
        "max_latency_ms": {"limit": 5.0, "device": "evil:Device"},
    },
}
COMMANDS = [
    (0, ["show", "{}"]),
    (0, ["show", "{}", "--json"]),
    (2, ["report", "{}"]),
    (2, ["generate", "{}"]),
    (2, ["export", "{}", "--to", "{}/new"]),
    (2, ["export", "{}:0", "--to", "{}/new"]),
    (2, ["search", "--out", "{}"]),
    (0, ["report", "{own}", "--beside", "{}", "--to", "{}/page.html"]),
    (1, ["check", "{}/best"]),  # It breaks a rule of the paper.
    (0, ["score", "{}/best", "--top1", "50"]),
    (0, ["compare", "{}/best", "--runtime", "torch", "--rounds", "1"]),
]


@pytest.mark.parametrize("kind", list(EVIL))
def test_no_command_runs_code_that_only_a_folder_names(
    own: Path, tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = hostile(own, tmp_path / "run", **{kind: EVIL[kind]})
    for code, command in COMMANDS:
        words = [word.replace("{own}", str(own)).replace("{}", str(folder)) for word in command]
        with pytest.raises(SystemExit) as end:
            main(words)
        assert "Traceback" not in capsys.readouterr().err
        assert not list(tmp_path.rglob("ran")), command
        assert end.value.code == code, command


def test_without_trust_a_campaign_shows_what_its_record_says(
    own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = hostile(own, tmp_path / "run", score=EVIL["score"])
    with pytest.raises(SystemExit):
        main(["show", str(folder)])
    shown = " ".join(capsys.readouterr().out.split())
    assert "ended: 1 completed" in shown
    assert "code that is not installed (evil:Score), which was not run" in shown
    with pytest.raises(SystemExit) as end:
        main(["show", str(folder), "--trust"])
    assert end.value.code == 2 and (folder / "ran").exists()  # It has no Score.


def test_the_one_who_started_a_campaign_is_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with campaign(tmp_path / "run", trials=2) as opened:
        play(opened, top1_of)
    assert named_code(opened.context.experiment) == ("tests.support.toy_space:ToySpace",)
    assert not isinstance(viewing(tmp_path / "run"), RecordOnly)
    shutil.move(tmp_path / "run", tmp_path / "moved")
    assert not isinstance(viewing(tmp_path / "moved"), RecordOnly)
    monkeypatch.setenv(STATE, str(tmp_path / "another user's"))
    other = viewing(tmp_path / "moved")
    assert isinstance(other, RecordOnly)
    assert other.outcomes == open_record(tmp_path / "moved").outcomes()
    assert not isinstance(viewing(tmp_path / "moved", trust=True), RecordOnly)


def test_an_export_of_a_space_that_is_not_installed_runs_for_the_one_who_wrote_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with campaign(tmp_path / "run", trials=1, proxy={"epochs": 1}) as opened:
        run_inline(opened)
        assert publish(opened, tmp_path / "best") is not None
    shutil.move(tmp_path / "best", tmp_path / "elsewhere")
    assert open_export(tmp_path / "elsewhere").training is False
    (code,) = (p for p in (tmp_path / "elsewhere").glob("*.py") if p.name not in BESIDE)
    code.write_text(code.read_text() + "\n# Changed by somebody.\n")
    with pytest.raises(InputError, match=r"only its own Python .* not run; --trust runs it"):
        open_export(tmp_path / "elsewhere")
    with trusting(True):
        assert open_export(tmp_path / "elsewhere").training is False


def test_a_server_that_only_a_folder_names_is_not_connected_to(own: Path, tmp_path: Path) -> None:
    shutil.copytree(own, tmp_path / "run")
    file = tmp_path / "run" / "record.json"
    known = json.loads(file.read_text())
    file.write_text(json.dumps(known | {"storage": "postgresql://elsewhere.invalid/db"}))
    words = r"record\.json: names a database elsewhere .*not connected to.*--trust"
    with pytest.raises(InputError, match=words):
        viewing(tmp_path / "run")
    with pytest.raises(InputError, match="cannot be opened"):
        viewing(tmp_path / "run", trust=True)
