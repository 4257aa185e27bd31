"""Every file of a campaign's folder, damaged: one line or a note, and nothing recorded is lost."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

import gensynth
from gensynth.campaign.campaign_folder import open_record
from gensynth.cli import BAD_INPUT, DONE, main
from gensynth.errors import InputError
from tests.support.campaigns import experiment

KEPT = {
    "confirmed.json": '{"0123456789ab":{"latencies":{},"problem":"no such device"}}',
    "latency.json": '{"genome":"0123456789ab","runtime":"torch","rows":[]}',
    "starts.json": '[{"key":"0123456789ab","state":"","times":1}]',
    "under-way.json": '[{"key":"0123456789ab","state":"","times":1}]',
    "finish": "",
}
"""Files that only some campaigns have, as they are written."""
DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "emptied": lambda whole: b"",
    "one byte": lambda whole: whole[:1],
    "half": lambda whole: whole[: len(whole) // 2],
    "all but one byte": lambda whole: whole[:-1],
    "null": lambda whole: b"null",
    "a list": lambda whole: b'[{"x":[]}]',
    "a table": lambda whole: b'{"x":1}',
    "a number": lambda whole: b"1e999",
    "nested": lambda whole: b"[" * 20_000,
    "not text": lambda whole: bytes(range(256)),
    "zeros": lambda whole: bytes(len(whole)),
}
COMMANDS = ("show", "report", "export", "search")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A campaign that has ended, with every file that a folder may hold."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    gensynth.search(experiment(trials=2), out=folder, progress=False)
    for name, text in KEPT.items():
        (folder / name).write_text(text)
    yield folder


def files_of(folder: Path) -> list[str]:
    """Name all files but the record itself; for several candidates, those of one."""
    found = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    candidates = [name for name in found if name.startswith("candidates")]
    return [n for n in found if n not in ("study.db", "driver.lock", *candidates[:-1])]


def run(command: str, folder: Path) -> int:
    """Run a command; raise whatever is no line of its own."""
    if command == "search":
        with suppress(InputError):
            gensynth.search(experiment(trials=2), out=folder, progress=False)
            return DONE
        return BAD_INPUT
    words = [command, str(folder)]
    if command == "export":
        words += ["--to", str(folder.with_name("exported"))]
    with pytest.raises(SystemExit) as end:
        main(words)
    return int(end.value.code or 0)


def check(whole: Path, work: Path, name: str, damage: str, commands: Sequence[str]) -> None:
    recorded = open_record(whole).outcomes()
    for command in commands:
        shutil.rmtree(work.parent, ignore_errors=True)
        shutil.copytree(whole, work)
        file = work / name
        file.write_bytes(DAMAGE[damage](file.read_bytes()))
        assert run(command, work) in (DONE, BAD_INPUT), (name, damage, command)
        for lost in ("experiment.toml", "record.json", "confirmed.json"):
            if lost == name:
                shutil.copy(whole / name, file)
        assert open_record(work).outcomes()[: len(recorded)] == recorded


@pytest.mark.slow
@pytest.mark.parametrize("damage", sorted(DAMAGE))
def test_any_damage_to_any_file_is_a_line_or_a_note(
    damage: str, whole: Path, tmp_path: Path
) -> None:
    """Each pair of a file and a damage meets one of the commands."""
    for number, name in enumerate(files_of(whole), sorted(DAMAGE).index(damage)):
        command = COMMANDS[number % len(COMMANDS)]
        check(whole, tmp_path / "work" / "run", name, damage, [command])


@pytest.mark.record
@pytest.mark.parametrize("damage", sorted(DAMAGE))
def test_any_damage_to_any_file_is_a_line_or_a_note_for_every_command(
    damage: str, whole: Path, tmp_path: Path
) -> None:
    for name in files_of(whole):
        check(whole, tmp_path / "work" / "run", name, damage, COMMANDS)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["confirmed.json", "latency.json"])
def test_what_can_be_measured_again_stops_nothing_and_is_named(
    name: str, whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work = tmp_path / "run"
    shutil.copytree(whole, work)
    text = KEPT[name]
    for length in range(0, len(text), 20):
        (work / name).write_text(text[:length])
        assert run("show" if name == "confirmed.json" else "report", work) == DONE
        assert f"{work / name}: is not used, because it is damaged" in capsys.readouterr().err
