"""What a campaign was told of its trainings, written down before the campaign itself can err.

A driver that is wrapped so appends each measurement to a file of its own, as it arrives from the
worker. The audit compares the record with it; a second witness recomputes scores from the rows.
"""

import json
import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gensynth.campaign.campaign import CampaignDriver
from gensynth.evaluation.measurement import Measurement
from gensynth.evaluation.outcome import Outcome
from gensynth.evaluation.score import NetScore
from gensynth.serialization import from_plain, to_plain
from gensynth.training.attempt import Result
from gensynth.training.job import Job


def bear_witness(file: Path) -> None:
    """Make every campaign of this process append to `file` what it is told."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    report, tell = CampaignDriver.report, CampaignDriver.tell

    def note(job: Job, **facts: Any) -> None:
        line = {"number": job.number, "seed": job.training_seed, **facts}
        os.write(descriptor, (json.dumps(line) + "\n").encode())

    def reported(self: CampaignDriver, job: Job, measurement: Measurement) -> bool:
        note(job, measured=to_plain(measurement))
        return report(self, job, measurement)

    def told(self: CampaignDriver, job: Job, result: Result) -> None:
        note(job, ended=result.ending, curve=to_plain(result.curve))
        tell(self, job, result)

    CampaignDriver.report = reported  # type: ignore[method-assign]
    CampaignDriver.tell = told  # type: ignore[method-assign]


def altered(rows: Iterable[Outcome], file: Path) -> list[str]:
    """Say, for each row that differs from what was witnessed, in what."""
    curves, endings, seeds = _witnessed(file)
    by_number = {row.number: row for row in rows}
    found = []
    for number, row in by_number.items():
        if row.ending == "duplicate":
            twin = by_number.get(int(row.detail.rpartition(" ")[2]))
            if twin is not None and twin.number < number and row.curve != twin.curve:
                found.append(f"{number}: its curve is not that of {twin.number}")
        elif row.attempt > 0:
            found += [f"{number}: {word}" for word in _differences(row, curves[number])]
            if row.ending not in endings[number] and row.ending != "crashed":
                found.append(f"{number}: ended as {row.ending}, not as {endings[number]}")
            if row.training_seed not in seeds[number]:
                found.append(f"{number}: another seed")
        found += [f"{number}: {word}" for word in _contradictions(row)]
    return found


def _differences(row: Outcome, curve: dict[int, Measurement]) -> list[str]:
    recorded = {measurement.epoch: measurement for measurement in row.curve}
    if row.ending == "completed" and recorded != curve:
        return [f"its curve of {len(recorded)} epochs is not the measured one of {len(curve)}"]
    strange = [e for e, m in recorded.items() if curve.get(e) != m]
    return [f"epochs {strange} were measured otherwise"] if strange else []


def _contradictions(row: Outcome) -> list[str]:
    """Return in what a row contradicts itself: its score follows from its figures."""
    if row.score is None or row.profile is None or not row.curve:
        return []
    try:
        expected = NetScore().of(row.curve[-1].top1, row.profile.params, row.profile.macs)
    except ValueError as error:
        return [f"a score of {row.score}, but {error}"]
    wrong = [] if abs(expected - row.score) < 1e-9 else [f"a score of {row.score}, not {expected}"]
    if any(j.ok is False for j in row.judgements if j.mode == "enforce"):
        wrong.append("a score in spite of a broken rule")
    return wrong


def _witnessed(
    file: Path,
) -> tuple[dict[int, dict[int, Measurement]], dict[int, set[str]], dict[int, set[int]]]:
    """Return the last measurement of each epoch, the endings and the seeds, by number."""
    curves: dict[int, dict[int, Measurement]] = defaultdict(dict)
    endings: dict[int, set[str]] = defaultdict(set)
    seeds: dict[int, set[int]] = defaultdict(set)
    for line in file.read_text().splitlines():
        told = json.loads(line)
        number = told["number"]
        seeds[number].add(told["seed"])
        measured = [told["measured"]] if "measured" in told else told["curve"]
        for each in measured:
            measurement = from_plain(Measurement, each, "witness")
            curves[number][measurement.epoch] = measurement
        if "ended" in told:
            endings[number].add(told["ended"])
    return curves, endings, seeds
