"""Every command and every block of code in the documentation runs, page by page, as it stands."""

import importlib.util
import os
import re
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import USERS_CACHE
from tests.support.emulation import emulation
from tests.support.firmware import need_programs

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(path.name for path in DOCS.glob("*.md") if path.name != "reference.md")
MARK = "GENSYNTH_DOCS_PAGE"
"""Environment variable that tells whose processes are whose."""
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
NAMED = re.compile(r"# (\S+\.(?:py|toml))$")
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


def blocks(page: str) -> list[tuple[str, str]]:
    return FENCE.findall((DOCS / page).read_text(encoding="utf-8"))


def execute(language: str, text: str, folder: Path, before: list[str]) -> None:
    """Run a block in `folder`; one whose first line names a file is written there instead."""
    named = NAMED.match(text.splitlines()[0])
    if language in ("toml", "python") and named:
        (folder / named[1]).write_text(text, encoding="utf-8")
    elif language == "python":
        before.append(text)  # A page is one session: later blocks know what earlier ones made.
        invoke([sys.executable, "-c", text if standalone(text) else "\n".join(before)], folder)
    elif language == "sh":
        lines = [line for line in text.splitlines() if not line.startswith("pip install")]
        invoke(["bash", "-euo", "pipefail", "-c", "\n".join(lines)], folder)


def standalone(text: str) -> bool:
    return "Path(" not in text or "import Path" in text


def invoke(command: list[str], folder: Path) -> None:
    here = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        MARK: str(folder),
    }
    done = subprocess.run(
        command, cwd=folder, env=os.environ | here, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, f"{command[-1]}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for a page; what its commands left running (Ray) ends with it, and nothing else."""
    yield tmp_path
    for process in Path("/proc").glob("[0-9]*"):
        try:
            marked = f"{MARK}={tmp_path}".encode() in (process / "environ").read_bytes()
        except OSError:
            continue
        if marked:
            with suppress(ProcessLookupError):
                os.kill(int(process.name), signal.SIGKILL)


def needs_converter(page: str) -> bool:
    """Whether a page installs the converter to TensorFlow Lite, which weighs 2 GB."""
    return "format setup tflite" in (DOCS / page).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=pytest.mark.record if needs_converter(page) else pytest.mark.slow)
        for page in PAGES
        if blocks(page)
    ],
)
def test_the_page_runs_as_it_stands(
    page: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "device setup cortex-a72" in (DOCS / page).read_text(encoding="utf-8"):
        emulation()
    if needs_converter(page):
        need_programs()
        monkeypatch.setenv("GENSYNTH_CACHE", os.environ[USERS_CACHE])
    before: list[str] = []
    for language, text in blocks(page):
        execute(language, text, folder, before)


@pytest.mark.parametrize("page", PAGES)
def test_every_block_says_what_it_is(page: str) -> None:
    assert {language for language, _ in blocks(page)} <= {"sh", "python", "toml", "text"}


@pytest.mark.parametrize("page", [*PAGES, "../README.md"])
def test_every_extra_that_is_installed_exists(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    for extras in re.findall(r"pip install .*\[(.*?)\]", text):
        assert set(extras.split(",")) <= set(EXTRAS)


@pytest.mark.parametrize("page", [*PAGES, "reference.md", "../README.md"])
def test_links_lead_somewhere(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)", text):
        if not target.startswith("http"):
            assert (DOCS / page).parent.joinpath(target).exists(), target


def test_the_reference_is_what_the_code_says() -> None:
    spec = importlib.util.spec_from_file_location("reference", DOCS / "build_reference.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for page, text in (
        ("reference.md", module.reference()),
        ("plugin_objects.md", module.objects()),
    ):
        told = (DOCS / page).read_text(encoding="utf-8")
        assert told == text, "run: python docs/build_reference.py"
    assert "` |  |" not in module.objects(), "an attribute that plugins get says nothing of itself"
