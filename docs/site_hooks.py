"""What mkdocs shows beyond the pages of docs/: its navigation, and linked files of the repository.

Pages link to files outside docs/ by relative paths, which work on GitHub and in a clone. For the
site each of those files becomes a page (Markdown, code, a folder's list) or is copied (pictures,
reports), and the links lead there. The notebook becomes a page, too.
"""

import json
import posixpath
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent.parent
DOCS = "docs"
OUTSIDE = "repository"
"""Folder of the site for what lies outside docs/."""
LINK = re.compile(r"(?<=\]\()([^)#\s]+)(#[^)\s]*)?(?=\))")
"""The target of a Markdown link or picture, and its anchor."""
LANGUAGES = {".py": "python", ".toml": "toml", ".json": "json", ".csv": "text", ".txt": "text"}
LONGEST = 100_000
"""Characters of a file that is shown as code; a longer one is copied."""


def on_config(config: Any) -> Any:
    """Make the navigation of the headings and links of docs/README.md."""
    text = (ROOT / DOCS / "README.md").read_text(encoding="utf-8")
    nav: list[Any] = [{"Home": "README.md"}]
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        rows = re.findall(r"^\| \[(.+?)\]\((\S+?)\)", section, re.MULTILINE)
        listed = [{title: _address(posixpath.normpath(f"{DOCS}/{to}"))} for title, to in rows]
        nav.append({section.partition("\n")[0]: listed})
    config.nav = nav
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the files outside docs/ that pages link to, and those that these link to."""
    pages = [f"{DOCS}/{file.src_uri}" for file in files.documentation_pages()]
    known, waiting = set(pages), [*pages, f"{DOCS}/library.ipynb"]
    while waiting:
        place = waiting.pop()
        if place not in pages:
            files.append(_file(place, config))
        for target in _linked(place):
            if target not in known and not target.startswith(f"{DOCS}/"):
                known.add(target)
                waiting.append(target)
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Let links lead to where the site has what they name."""
    uri = page.file.src_uri
    place = uri.removeprefix(f"{OUTSIDE}/") if uri.startswith(f"{OUTSIDE}/") else f"{DOCS}/{uri}"
    if not (ROOT / place).is_file() or not place.endswith(".md"):
        return markdown  # Made here, with links of the site.

    def led(found: re.Match[str]) -> str:
        target = _resolved(place, found[1])
        if target is None:
            return found[0]
        to = posixpath.relpath(_address(target), posixpath.dirname(uri) or ".")
        return to + (found[2] or "")

    return LINK.sub(led, markdown)


def _resolved(place: str, link: str) -> str | None:
    """Return the path in the repository that a link of the file `place` names, if it exists."""
    target = posixpath.normpath(posixpath.join(posixpath.dirname(place), link))
    exists = "://" not in link and not target.startswith("..") and (ROOT / target).exists()
    return target if exists else None


def _linked(place: str) -> Iterator[str]:
    if place.endswith(".md"):
        text = (ROOT / place).read_text(encoding="utf-8")
        yield from filter(None, (_resolved(place, found[1]) for found in LINK.finditer(text)))


def _address(place: str) -> str:
    """Return the path below docs/ that the site has for a path of the repository."""
    path = ROOT / place
    if place == f"{DOCS}/library.ipynb":
        return "library.md"
    if place.startswith(f"{DOCS}/"):
        return place.removeprefix(f"{DOCS}/")
    if path.is_dir():
        return f"{OUTSIDE}/{place}/index.md"
    return f"{OUTSIDE}/{place}" + (".md" if _is_code(path) else "")


def _is_code(path: Path) -> bool:
    return path.suffix in LANGUAGES and path.stat().st_size <= LONGEST


def _file(place: str, config: Any) -> File:
    """Make the site's file for a path outside docs/, or for the notebook."""
    path, uri = ROOT / place, _address(place)
    if path.suffix == ".ipynb":
        return File.generated(config, uri, content=_notebook(path))
    if path.is_dir():
        return File.generated(config, uri, content=_folder(path, place))
    if not _is_code(path):
        return File.generated(config, uri, abs_src_path=str(path))
    text = path.read_text(encoding="utf-8")
    code = f"# {path.name}\n\n`{place}`\n\n````{LANGUAGES[path.suffix]}\n{text}\n````\n"
    return File.generated(config, uri, content=code)


def _folder(path: Path, place: str) -> str:
    """List the modules of a folder with the first lines of their docstrings."""
    lines = [f"# {path.name}/", "", f"`{place}/`", ""]
    for file in sorted(path.glob("*.py")):
        first = file.read_text(encoding="utf-8").partition("\n")[0].strip('"')
        lines.append(f"- `{file.name}`: {first}")
    return "\n".join(lines) + "\n"


def _notebook(path: Path) -> str:
    """Show the cells of a notebook and their outputs as a page."""
    parts = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        text = "".join(cell["source"])
        parts.append(text if cell["cell_type"] == "markdown" else f"````python\n{text}\n````")
        for output in cell.get("outputs", ()):
            shown = output.get("data", {})
            plain = shown.get("text/plain", output.get("text", ""))
            page = "".join(shown.get("text/html", ()))
            lines = "".join(page.splitlines()) or f"<pre>{escape(''.join(plain))}</pre>"
            parts.append(f"<div>{lines}</div>")
    return "\n\n".join(parts) + "\n"
