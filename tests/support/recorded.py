"""Campaigns that an earlier version recorded, brought back in a folder of a test."""

import gzip
import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).parents[1] / "fixtures" / "campaign_11d2e6a"
PLACEHOLDER = "@FOLDER@"
"""Stands for the folder of the campaigns wherever the recorded files name it."""


def restore(name: str, to: Path) -> Path:
    """Copy the campaign `name` into `to`, beside the plugin it uses; return its folder."""
    shutil.copy(FIXTURES / "limits.py.txt", to / "limits.py")
    folder = Path(shutil.copytree(FIXTURES / name, to / name))
    for file in (folder / "experiment.toml", *folder.glob("candidates/*/job.json")):
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace(PLACEHOLDER, to.resolve().as_posix()), encoding="utf-8")
    dump = folder / "study.sql.gz"
    connection = sqlite3.connect(folder / "study.db")
    connection.executescript(gzip.decompress(dump.read_bytes()).decode())
    connection.close()
    dump.unlink()
    return folder


def expected(name: str) -> Any:
    """Return what the version that recorded the campaigns said of them."""
    return json.loads((FIXTURES / "expected.json").read_text(encoding="utf-8"))[name]
