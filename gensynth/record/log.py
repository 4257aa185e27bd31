"""The log of a campaign, `log.jsonl`: one JSON object per line, for people and programs."""

import json
from datetime import UTC, datetime
from pathlib import Path

from gensynth.evaluation.outcome import Outcome
from gensynth.serialization import Plain


class Log:
    """Appends events to a file; without a path it does nothing."""

    def __init__(self, path: Path | None = None) -> None:
        """Append to `path`, which need not exist yet."""
        self._path = path
        if path is not None and path.exists() and not path.read_bytes().endswith(b"\n"):
            with path.open("a", encoding="utf-8") as file:
                # A full disk may have cut off the last line.
                file.write("\n" if path.stat().st_size else "")

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
