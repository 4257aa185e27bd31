import subprocess
import sys
from pathlib import Path

import pytest

from gensynth.errors import InputError
from gensynth.plugins import KINDS, create, listed, load_plugin, names
from tests.cli.test_command_line import rows, run

LIMIT = """
from dataclasses import dataclass
from typing import ClassVar
from gensynth.constraint import Candidate, Stage, Verdict

@dataclass(frozen=True)
class MaxLayers:
    max: int = 20
    needs: ClassVar[Stage] = "graph"
    def __call__(self, candidate: Candidate) -> Verdict:
        return Verdict.at_most(len(candidate.graph), self.max, "layers")
"""


def test_built_in_plugins_are_listed_and_load() -> None:
    rows = listed()
    assert {row.kind for row in rows} == set(KINDS)
    assert [row for row in rows if row.problem] == []
    assert {"gensynth", "random", "tpe", "gp", "nsgaii", "evolution"} <= set(names("generator"))


def test_a_class_in_a_file_is_used_by_name_without_installing(tmp_path: Path) -> None:
    (tmp_path / "limits.py").write_text(LIMIT)
    plugin = create("constraint", "limits:MaxLayers", {"max": 7}, "here", tmp_path)
    assert plugin.max == 7


def test_a_folder_named_constraints_neither_hides_ours_nor_is_hidden(tmp_path: Path) -> None:
    (tmp_path / "constraints").mkdir()
    (tmp_path / "constraints" / "__init__.py").write_text("")
    (tmp_path / "constraints" / "mine.py").write_text(LIMIT)
    mine = load_plugin("constraint", "constraints.mine:MaxLayers", "here", tmp_path)
    ours = load_plugin("constraint", "max_params", "here", tmp_path)
    assert mine.__name__ == "MaxLayers" and ours.__module__ == "constraints.max_params"


@pytest.mark.parametrize(
    "start", [["-m", "gensynth"], ["-c", "from gensynth.cli import main; main()"]]
)
def test_it_also_holds_for_a_program_started_in_such_a_folder(
    tmp_path: Path, start: list[str]
) -> None:
    (tmp_path / "constraints").mkdir()
    (tmp_path / "constraints" / "__init__.py").write_text("raise RuntimeError('hidden')")
    if start[0] == "-c":  # the console script's own folder comes first there, not the working one
        start = ["-P", *start]
    command = [sys.executable, *start, "plugins", "--json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "hidden" not in done.stdout


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("max_parms", "unknown constraint 'max_parms'; did you mean 'max_params'"),
        ("nowhere:X", "cannot import 'nowhere'"),
        ("limits:MaxLayer", "has no 'MaxLayer'; did you mean 'MaxLayers'"),
        ("broken:X", "SyntaxError"),
    ],
)
def test_what_cannot_be_loaded_says_why(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "limits.py").write_text(LIMIT)
    (tmp_path / "broken.py").write_text("def (")
    with pytest.raises(InputError) as caught:
        load_plugin("constraint", name, "mine.toml: constraints.x", tmp_path)
    assert message in str(caught.value) and str(caught.value).startswith("mine.toml: constraints.x")


def test_a_plugin_that_is_no_dataclass_is_refused(tmp_path: Path) -> None:
    (tmp_path / "plain_class.py").write_text("class X: pass")
    with pytest.raises(InputError, match="must be a dataclass"):
        create("constraint", "plain_class:X", {}, "here", tmp_path)


def test_the_command_lists_plugins(capsys: pytest.CaptureFixture[str]) -> None:
    code, told = rows(capsys, "plugins")
    assert code == 0
    assert {"columnar", "netscore", "attendnext", "gensynth"} <= {row["name"] for row in told}


def test_names_of_plugins_can_be_read_in_a_narrow_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    _, told = rows(capsys, "plugins")
    _, shown, _ = run(capsys, "plugins")
    assert all(row["name"] in shown.split() for row in told)
