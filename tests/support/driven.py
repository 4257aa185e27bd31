"""Campaigns of every generator on fabricated learning curves, and the rows that come of them.

Nothing is trained, so the rows depend neither on the speed nor on the arithmetic of trainings: a
curve is a pure function of the network's spec and the training's seed.

    python -m tests.support.driven            # write the expected rows anew, and say what changed
"""

import gzip
import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gensynth.campaign.campaign import CampaignDriver, Done, Wait
from gensynth.campaign.campaign_folder import driving
from gensynth.campaign.experiment import Experiment, parse_experiment
from gensynth.evaluation.measurement import Measurement
from gensynth.evaluation.outcome import Outcome
from gensynth.process import on_one_core
from gensynth.serialization import to_plain
from gensynth.training.attempt import Result
from gensynth.training.job import Job

FILE = Path(__file__).parents[1] / "fixtures" / "same_rows" / "rows.json.gz"
GENERATORS = ("gensynth", "random", "tpe", "gp", "nsgaii", "evolution")
TOY: Mapping[str, Any] = {"use": "tests.support.toy_space:ToySpace", "widths": list(range(2, 34))}
SPACES: Mapping[str, Mapping[str, Any]] = {
    "toy": {"space": TOY, "trials": 20, "max_params": 9_000},
    "attendnet": {"space": "attendnet", "trials": 24, "max_params": 60_000},
}
FEWER = {"toy/gp": 12, "attendnet/gp": 15}
"""Trials where more would take minutes: a Gaussian process is slow with many decisions."""
CASES = tuple(f"{space}/{generator}" for space in SPACES for generator in GENERATORS)
EPOCHS = 9
FACTS = (
    *("number", "asked_after", "purpose", "ending", "attempt", "decisions", "genome_id"),
    *("fingerprint", "seed", "training_seed", "detail"),
)
"""Of a row, what must stay the same as it is; figures are compared rounded."""


def experiment(case: str) -> Experiment:
    """Return the experiment of a case: early stopping, two enforced rules, one preferred."""
    space, generator = case.split("/")
    chosen = SPACES[space]
    tables: dict[str, Any] = {
        "name": "driven",
        "space": chosen["space"],
        "generator": generator,
        "executor": "inline",
        "trials": FEWER.get(case, chosen["trials"]),
        "seed": 3,
        "folder": str(Path(__file__).parents[2]),
        "proxy": {"epochs": EPOCHS},
        "stopping": {"first": 1, "reduction": 3},
        "finals": {"candidates": 2, "most": 3, "replicas": 2, "epochs_factor": 1.0},
        "last_training": {"epochs_factor": 1.0, "ema_decay": 0.0},
        "resources": {"device": "cpu"},
        "constraints": {
            "max_params": {"limit": chosen["max_params"]},
            "top1": {"min": 70.0},
            "columnar": {"mode": "prefer", "weight": 6.0},
        },
    }
    return parse_experiment(tables, "driven.toml")


def rows(case: str) -> dict[str, Any]:
    """Run a case in a folder of its own; return why it ended and its rows."""
    with (
        tempfile.TemporaryDirectory() as folder,
        on_one_core(),
        driving(Path(folder) / "driven", experiment(case), None) as campaign,
    ):
        reason = _drive(campaign)
        assert not campaign.warnings, campaign.warnings
        found = {"reason": reason, "rows": [_row(outcome) for outcome in campaign.outcomes]}
    return dict(json.loads(json.dumps(found)))


def expected() -> dict[str, Any]:
    """Return the stored rows of every case."""
    return dict(json.loads(gzip.decompress(FILE.read_bytes())))


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Describe the first row that differs, or else the end."""
    for number, (old, new) in enumerate(zip(before["rows"], now["rows"], strict=False)):
        changed = [
            f"{key}: {old[key]!r} -> {new.get(key)!r}" for key in old if old[key] != new.get(key)
        ]
        if changed:
            yield f"row {number}: {'; '.join(changed)}"
            return
    for key in ("rows", "reason"):
        old, new = (len(x[key]) if key == "rows" else x[key] for x in (before, now))
        if old != new:
            yield f"{key}: {old!r} -> {new!r}"


def _drive(campaign: CampaignDriver) -> str:
    while not isinstance(job := campaign.ask(), Done):
        assert not isinstance(job, Wait), "nothing runs that could be waited for"
        campaign.tell(job, _trained(campaign, job))
    return job.reason


def _trained(campaign: CampaignDriver, job: Job) -> Result:
    """Pretend to train a job; in one of ten trainings something goes wrong, also by hash."""
    told = _curve(job)
    fate = _chances(job, 3)[2] if job.purpose == "search" else 1.0
    if fate < 0.04:
        return Result("crashed", (), "RuntimeError: by hash")
    if fate < 0.07:
        return Result("diverged", tuple(told[:2]), "the mean training loss of epoch 3 is nan")
    if fate < 0.09 and job.attempt == 1:
        return Result("lost", (), "its worker died")
    if fate < 0.11:
        return Result("out_of_memory", (), "by hash")
    for measurement in told:
        goes_on = campaign.report(job, measurement)
        if not goes_on and measurement.epoch < job.recipe.epochs:
            return Result("stopped", tuple(told[: measurement.epoch]))
    return Result("completed", tuple(told))


def _curve(job: Job) -> list[Measurement]:
    """Fabricate a training, of which some 45 to 75 % are the start and 60 to 97 % the end.

    The end depends on the spec, so that there is something to learn, and a little on the seed.
    """
    spec = hashlib.sha256(json.dumps(to_plain(job.source.spec), sort_keys=True).encode())
    luck, slowness, *_ = _chances(job, 2)
    end = 60.0 + 35.0 * _share(spec.digest()) + 2.0 * luck
    epochs = job.recipe.epochs
    lacks = [(15.0 + 10.0 * slowness) * (1.0 - n / epochs) for n in range(1, epochs + 1)]
    top1s = [round(end - lack, 3) for lack in lacks]
    return [
        Measurement(epoch, top1, round((100.0 - top1) / 25.0, 4), 0.0)
        for epoch, top1 in enumerate(top1s, 1)
    ]


def _chances(job: Job, count: int) -> list[float]:
    """Draw numbers of 0 to 1 from the job's spec and seed, by SHA-256 alone."""
    text = json.dumps([to_plain(job.source.spec), job.training_seed], sort_keys=True)
    return [_share(hashlib.sha256(f"{text}#{n}".encode()).digest()) for n in range(count)]


def _share(digest: bytes) -> float:
    return int.from_bytes(digest[:6], "big") / 2**48


def _row(outcome: Outcome) -> dict[str, Any]:
    """Take of an outcome what must stay the same."""
    plain = to_plain(outcome)
    return {key: plain[key] for key in FACTS} | {  # type: ignore[index,call-overload]
        "top1": [measurement.top1 for measurement in outcome.curve],
        "score": _rounded(outcome.score),
        "value": _rounded(outcome.value),
        "judgements": [
            [j.constraint, j.mode, j.ok, _rounded(j.violation)] for j in outcome.judgements
        ],
    }


def _rounded(number: float | None) -> float | None:
    """Keep nine significant digits."""
    return None if number is None else float(f"{number:.9g}")


def main() -> None:
    """Store the rows of all cases; print what differs from those stored before."""
    before, now = expected(), {case: rows(case) for case in CASES}
    for case in CASES:
        print(case, *(differences(before[case], now[case]) if case in before else ["new"]))
    text = json.dumps(now, sort_keys=True, separators=(",", ":"))
    FILE.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


if __name__ == "__main__":
    main()
