"""Files that are written whole or not at all, whatever is killed meanwhile."""

import os
from pathlib import Path

PART = ".part"
"""Ending of a draft; what a killed process left of one may be removed."""


def write_whole(path: Path, text: str) -> None:
    """Write `text` (UTF-8) beside `path`, and put it in its place once all of it is there."""
    draft = path.with_name(f"{path.name}.{os.getpid()}{PART}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
