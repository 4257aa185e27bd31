"""The documentation as a site: it builds without a warning, and no link of it is dead."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
LINK = re.compile(r'(?:href|src)="?([^"#>\s]+)')


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    quiet = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=quiet, capture_output=True, text=True)
    assert done.returncode == 0 and "WARNING" not in done.stderr, done.stderr[-4000:]
    return folder


def test_every_link_within_the_site_leads_to_a_file_and_none_fetches_from_elsewhere(
    site: Path,
) -> None:
    dead, foreign = [], []
    for page in site.rglob("*.html"):
        if page.name == "404.html" or "results" in page.parts:
            continue  # Its links begin at the site's root; reports are pages of their own.
        text = page.read_text(encoding="utf-8")
        foreign += re.findall(r'<(?:script|link rel="?stylesheet)[^>]+"(https?:[^"]+)', text)
        for target in LINK.findall(text):
            if "://" not in target and not target.startswith(("data:", "mailto:")):
                place = page.parent / unquote(target)
                there = place / "index.html" if place.is_dir() else place
                dead += [] if there.exists() else [f"{page.relative_to(site)}: {target}"]
    assert dead == [] and foreign == []


def test_every_page_stands_in_the_table_that_the_navigation_is_made_of() -> None:
    listed = (DOCS / "README.md").read_text(encoding="utf-8")
    pages = {path.name for path in DOCS.glob("*.md")} - {"README.md"}
    assert {page for page in pages if f"]({page})" not in listed} == set()


def gallery() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gallery", DOCS / "build_gallery.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_gallery_is_what_the_cards_and_networks_of_the_results_say() -> None:
    made = gallery().gallery()
    assert len(made) >= 3
    for path, text in made.items():
        assert path.read_text(encoding="utf-8") == text, "run: python docs/build_gallery.py"
