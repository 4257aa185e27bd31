"""The notebook in docs/ runs, cell by cell, as it is; it stores small outputs only."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path(__file__).parents[2] / "docs" / "library.ipynb"
LARGEST = 100_000
"""Bytes of a notebook that a reviewer still reads."""


def cells() -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    return listed


def code() -> list[str]:
    return ["".join(cell["source"]) for cell in cells() if cell["cell_type"] == "code"]


@pytest.mark.slow
def test_the_notebook_runs(tmp_path: Path) -> None:
    """All cells in one process, as one session; it needs no Jupyter."""
    text = "\n".join(code())
    done = subprocess.run(
        [sys.executable, "-c", text], cwd=tmp_path, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stderr[-4000:]


def test_the_notebook_imports_from_the_package_itself_only() -> None:
    assert not any(
        "gensynth." in line for cell in code() for line in cell.splitlines() if "import" in line
    )


def test_its_outputs_are_small_and_every_cell_that_shows_something_has_one() -> None:
    assert NOTEBOOK.stat().st_size <= LARGEST
    assert any(
        "text/html" in output["data"] for cell in cells() for output in cell.get("outputs", ())
    )


def test_no_output_names_the_machine_that_made_it() -> None:
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert "/tmp/" not in text and "/home/" not in text
