"""Invariants of a campaign that was killed many times, and a count of all violations."""

import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import optuna
from safetensors import SafetensorError, safe_open

from experiments.benchmarks.crash_scene import events, marked
from experiments.benchmarks.crash_witness import altered
from gensynth.campaign.campaign_folder import open_record
from gensynth.campaign.record_location import whereabouts
from gensynth.evaluation.measurement import Measurement
from gensynth.evaluation.outcome import Outcome
from gensynth.record.address import for_sqlalchemy
from gensynth.serialization import from_plain, loads

GONE_S = 60.0
"""How long processes may take to notice that their driver is dead."""
Curve = tuple[Measurement, ...]


@dataclass
class Audit:
    """Inspects the campaign after every kill and checks it at the end."""

    folder: Path
    storage: str | None
    seen: list[Outcome] = field(default_factory=list)
    saved: dict[int, Curve] = field(default_factory=dict)
    """The longest curve that was in a checkpoint when something was killed, by number."""
    problems: Counter[str] = field(default_factory=Counter)

    def look_at_checkpoints(self) -> None:
        """Note up to which epoch the running trainings have been saved."""
        for job in self.folder.glob("candidates/*/job.json"):
            number = int(job.parent.name.partition("-")[0])
            curve = _saved_curve(job.parent / "checkpoint.safetensors")
            if len(curve) > len(self.saved.get(number, ())):
                self.saved[number] = curve

    def look_at_record(self) -> None:
        """Check that all rows seen before are still present and unchanged."""
        if not (self.folder / "experiment.toml").exists():
            return
        record = open_record(self.folder, self.storage)
        rows = record.outcomes()
        record.close()
        for before, now in zip(self.seen, [*rows, *[None] * len(self.seen)], strict=False):
            self.problems["lost"] += before != now
        self.seen = rows

    def altered(self) -> int:
        """Count the rows that differ from what the driver was told, or contradict themselves."""
        found = altered(self.seen, witness_of(self.folder))
        for line in found:
            print(f"altered: {line}", file=sys.stderr, flush=True)
        return len(found)

    def finish(self, asked: int) -> dict[str, int]:
        """Judge the ended campaign; every figure but the first three ought to be 0."""
        self.look_at_record()
        numbers = Counter(row.number for row in self.seen)
        reported = Counter(e["number"] for e in events(self.folder) if e["event"] != "started")
        reported.pop(None, None)
        trained = [r for r in self.seen if r.purpose == "search" and r.attempt > 0]
        prints = Counter(row.fingerprint for row in trained)
        went_on, again = self._resumed()
        return {
            "outcomes asked for": asked,
            "outcomes": len(trained),
            "went on from a checkpoint": went_on,
            "began again in spite of one": again,
            "lost": self.problems["lost"] + sum(n not in numbers for n in reported),
            "doubled": sum(n - 1 for n in (*numbers.values(), *prints.values()))
            + sum(n - 1 for n in reported.values()),
            "gaps in the numbers": len(set(range(max(numbers) + 1)) - set(numbers)),
            "altered": self.altered(),
            "wrong exit codes": self.problems["exit"],
            "left running": self._left_running(),
            "files left behind": len(self._left_behind()),
        }

    def _resumed(self) -> tuple[int, int]:
        """Return how many killed trainings resumed from their checkpoint, and how many did not.

        The seconds of a measurement never repeat, so equal ones were not measured again.
        """
        rows = {row.number: row for row in self.seen}
        kept = [
            rows[number].curve[: len(curve)] == curve
            for number, curve in self.saved.items()
            if number in rows and rows[number].ending != "lost"
        ]
        return sum(kept), len(kept) - sum(kept)

    def _left_running(self) -> int:
        """Return the number of RUNNING trials, unfinished jobs, and processes."""
        place, _ = whereabouts(self.folder, self.storage)
        study = optuna.load_study(study_name=place.study, storage=for_sqlalchemy(place.storage))
        running = sum(t.state == optuna.trial.TrialState.RUNNING for t in study.trials)
        jobs = len(list(self.folder.glob("candidates/*/job.json")))
        end = time.monotonic() + GONE_S
        while marked() and time.monotonic() < end:
            time.sleep(0.5)
        return running + jobs + len(marked())

    def _left_behind(self) -> list[Path]:
        wanted = ("model.safetensors",)
        found = [p for p in self.folder.glob("candidates/*/*") if p.name not in wanted]
        return [*found, *self.folder.glob("*.part"), *self.folder.glob(".best*")]


def witness_of(folder: Path) -> Path:
    """Return the file, beside the campaign, of what its drivers were told."""
    return folder.with_suffix(".witness")


def _saved_curve(file: Path) -> Curve:
    try:
        with safe_open(file, framework="np") as opened:
            text = (opened.metadata() or {})["curve"]
    except (OSError, SafetensorError, KeyError, json.JSONDecodeError):
        return ()
    return from_plain(Curve, loads(text, str(file)), str(file))
