"""The log of a campaign, `log.jsonl`: one JSON object per line, for people and programs."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

from gensynth.errors import InputError
from gensynth.evaluation.outcome import Outcome
from gensynth.serialization import Plain


class Log:
    """Appends events to a file; without a path it does nothing."""

    def __init__(self, path: Path | None = None) -> None:
        """Append to `path`, which need not exist yet."""
        self._path = path
        if path is None or not path.exists():
            return
        if not path.is_file() and not path.is_dir():
            raise InputError(str(path), "is not a file; delete it")  # A pipe would never end.
        with path.open("rb+") as file:
            if file.seek(0, os.SEEK_END):
                file.seek(-1, os.SEEK_END)
                if file.read() != b"\n":  # A full disk may have cut off the last line.
                    file.write(b"\n")

    def write(self, event: str, **facts: Plain) -> None:
        """Append one event with its time (UTC) and its facts."""
        if self._path is None:
            return
        line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line | facts) + "\n")

    def candidate(self, event: str, outcome: Outcome) -> None:
        """Append an event in the life of a candidate."""
        self.write(
            event,
            number=outcome.number,
            genome=outcome.genome_id,
            purpose=outcome.purpose,
            attempt=outcome.attempt,
            top1=outcome.top1,
            value=outcome.value,
            detail=outcome.detail,
        )
