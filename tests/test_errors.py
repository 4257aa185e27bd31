"""The command that installs an extra, and the path that was meant."""

import shlex
import tomllib
from pathlib import Path

import pytest

from gensynth import errors
from gensynth.errors import install, nearest_path

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = PROJECT["project"]["optional-dependencies"]


@pytest.mark.parametrize("extra", EXTRAS)
def test_the_packages_of_an_extra_are_named_as_an_index_knows_them(extra: str) -> None:
    words = shlex.split(install(extra))
    assert words[:2] == ["pip", "install"]
    assert sorted(w.replace(" ", "") for w in words[2:]) == sorted(set(EXTRAS[extra]))


def test_without_an_installation_a_clone_is_what_there_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(errors, "requires", lambda name: None)
    assert install("onnx") == 'pip install -e ".[onnx]"'


def test_no_message_names_a_package_that_is_on_no_index() -> None:
    code = Path(errors.__file__).parent.rglob("*.py")
    assert [f for f in code if 'pip install "gensynth' in f.read_text(encoding="utf-8")] == []


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("runs/qick", "runs/quick"),
        ("rnus/quick/bets", "runs/quick/best"),
        ("runs/quick", ""),
        ("runs/other", ""),
        ("elsewhere/quick", ""),
    ],
)
def test_a_mistyped_path_is_taken_for_the_most_similar_one_that_exists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str, meant: str
) -> None:
    (tmp_path / "runs" / "quick" / "best").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert nearest_path(typed) == (f"; did you mean {meant!r}?" if meant else "")
    absolute = tmp_path / meant
    assert nearest_path(tmp_path / typed) == (f"; did you mean {str(absolute)!r}?" if meant else "")
