"""Searches that begin with earlier trainings: of a campaign, and of another tool's table."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import gensynth
from gensynth.campaign.earlier import EARLIER
from gensynth.errors import InputError
from tests.cli.test_command_line import run
from tests.support.campaigns import experiment

SPACE = "tests.support.toy_space:ToySpace"
TABLE = """width,depth,stride.1,params_stride.2,accuracy,note
8,2,,1,0.91,good
2,1,2,,0.55,small
16,3,,,0.93,large
7,1,1,,0.6,no such width
"""


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("old") / "run"
    gensynth.search(experiment(trials=4), out=folder, progress=False)
    yield folder


def warm(folder: Path, old: Path | tuple[()], trials: int = 3) -> gensynth.Campaign:
    limits = {"max_params": {"limit": 2_000}}
    asked = experiment(generator="gensynth", constraints=limits, trials=trials)
    return gensynth.search(asked, out=folder, earlier=old, progress=False)


def proposed(campaign: gensynth.Campaign) -> list[dict[str, object]]:
    return [dict(o.decisions) for o in campaign.outcomes if o.purpose == "search"]


def test_a_search_goes_on_with_what_it_began_from_when_that_is_gone(
    tmp_path: Path, old: Path
) -> None:
    whole = warm(tmp_path / "whole", old, trials=4)
    copied = tmp_path / "copied"
    shutil.copytree(old, copied)
    warm(tmp_path / "parts", copied, trials=2)
    shutil.rmtree(copied)
    warm(tmp_path / "parts", (), trials=3)
    parts = warm(tmp_path / "parts", copied, trials=4)  # The same command again.
    assert proposed(whole) == proposed(parts)


def test_the_first_candidate_is_one_of_the_earlier_campaign(tmp_path: Path, old: Path) -> None:
    first = warm(tmp_path / "run", old).outcomes[0]
    assert dict(first.decisions) in proposed(gensynth.load(old))
    assert first.profile is not None and first.profile.params <= 2_000


def test_a_campaign_stays_with_what_it_began_from(tmp_path: Path, old: Path) -> None:
    warm(tmp_path / "cold", ())
    with pytest.raises(InputError, match="began without one"):
        warm(tmp_path / "cold", old)
    assert not (tmp_path / "cold" / EARLIER).exists()


def test_a_generator_that_would_not_listen_is_refused(tmp_path: Path, old: Path) -> None:
    with pytest.raises(InputError, match="'random' does not learn from earlier campaigns"):
        gensynth.search(experiment(), out=tmp_path / "run", earlier=old, progress=False)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "neither a campaign's folder"),
        ("[]x", "not valid JSON"),
        ('[{"name": 3}]', r"\[0\].outcomes: missing"),
    ],
)
def test_what_is_no_earlier_campaign_is_named(
    tmp_path: Path, content: str | None, words: str
) -> None:
    file = tmp_path / "earlier.json"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=words):
        gensynth.search(experiment(), out=tmp_path / "run", earlier=file, progress=False)


def test_trainings_of_another_space_are_refused(tmp_path: Path, old: Path) -> None:
    asked = experiment(generator="gensynth", space="attendnext", trials=2)
    with pytest.raises(InputError, match=r"none of the 4 trainings of .* fits the space"):
        gensynth.search(asked, out=tmp_path / "run", earlier=old, progress=False)


def test_a_table_of_another_tool_is_searched_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, file = tmp_path / "trials.csv", tmp_path / "trials.json"
    table.write_text(TABLE, encoding="utf-8")
    code, out, _ = run(capsys, "import", table, "--space", SPACE, "--to", file)
    assert code == 0
    assert f"3 trainings written to {file}" in out
    assert "accuracy from the column accuracy, as share" in out
    assert "1 row left out: row 4: width: 7 is not an option" in out.replace("\n", " ")
    assert warm(tmp_path / "run", file).outcomes


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("width,depth\n8,2\n", "has no column top1 or accuracy"),
        ("width,top1\n8,high\n", "holds something other than numbers"),
        ("width,top1\n8,90\n", "row 1: depth: has no column"),
        ("width,depth,stride.1,top1\n8,1,1,900\n", "between 0 and 100"),
        ("", "cannot be read as a table"),
        ("width,width,top1\n8,9,90\n", "has the column width twice"),
        ("width,depth,stride.1,value\n8,1,1,2.3\n", "name the column with --accuracy"),
        ("width,depth,stride.1,top1\n8,1,1,0.9\n8,1,2,0.8\n4,1,1,1.4\n", "mixes shares"),
        ("width,depth,stride.1,top1,state\n8,1,1,90,PRUNED\n", "has no rows"),
        ("width,top1\n", "has no rows"),
    ],
)
def test_a_table_that_cannot_be_used_says_why(tmp_path: Path, content: str, words: str) -> None:
    table = tmp_path / "trials.csv"
    table.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=words):
        gensynth.import_trainings(table, tmp_path / "out.json", space=SPACE)
    assert not (tmp_path / "out.json").exists()


@pytest.mark.parametrize(
    ("to", "words"), [("trials.csv", "exists"), ("no/x.json", "is not a folder"), ("", "exists")]
)
def test_what_cannot_be_written_is_named_and_nothing_is_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, to: str, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("trials.csv").write_text(TABLE, encoding="utf-8")
    with pytest.raises(InputError, match=words):
        gensynth.import_trainings("trials.csv", to, space=SPACE)
    assert Path("trials.csv").read_text(encoding="utf-8") == TABLE


def test_a_pipe_in_a_folder_of_somebody_else_does_not_hang(old: Path, tmp_path: Path) -> None:
    os = pytest.importorskip("posix", reason="pipes in folders are POSIX's")
    shutil.copytree(old, tmp_path / "run")
    os.mkfifo(tmp_path / "run" / EARLIER)
    with pytest.raises(InputError, match="is not a file"):
        gensynth.load(tmp_path / "run")
