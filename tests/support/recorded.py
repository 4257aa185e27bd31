"""Campaigns that an earlier version recorded, brought back in a folder of a test."""

import gzip
import json
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

from gensynth.campaign.campaign_folder import known_experiment
from gensynth.campaign.record_location import WHEREABOUTS, noted_whereabouts
from gensynth.campaign.trust import remember
from gensynth.serialization import dumps, write_whole

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
    _started_here(folder)
    return folder


def _started_here(folder: Path) -> None:
    """Note that the user of the tests started the campaign, so that its own code may run."""
    place = noted_whereabouts(folder)
    assert place is not None
    token = remember(folder, known_experiment(folder), place)
    write_whole(folder / WHEREABOUTS, dumps(replace(place, token=token)))


def expected(name: str) -> Any:
    """Return what the version that recorded the campaigns said of them."""
    return json.loads((FIXTURES / "expected.json").read_text(encoding="utf-8"))[name]
