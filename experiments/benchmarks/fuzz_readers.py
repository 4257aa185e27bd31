"""All readers of files from outside, each with a valid file to mutate.

A reader takes a folder and some bytes, writes them to the place of the file, and reads it. It may
return a value or raise `InputError`; anything else is a defect.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors.torch import save

from experiments.benchmarks import fuzz_oracles
from experiments.benchmarks.fuzz_values import environment, recorded, verdict
from gensynth.campaign.experiment import read_experiment
from gensynth.campaign.record_location import whereabouts
from gensynth.data.layout import SUFFIXES, scan
from gensynth.data.picture import decode, inspect
from gensynth.data.preprocessing import Preprocessing
from gensynth.data.sets import DataSettings
from gensynth.evaluation.constraint import (
    Judgement,
)
from gensynth.evaluation.measurement import Measurement
from gensynth.evaluation.outcome import Outcome
from gensynth.genome import to_json
from gensynth.graph.profile import Profile
from gensynth.models.by_name import default_space, read_genome
from gensynth.models.exported import input_shape, load_folder
from gensynth.models.timm_models import PublishedFigures
from gensynth.record.address import sqlite_url
from gensynth.record.job_folders import JobFolders, RunningJob
from gensynth.record.optuna_study import Record
from gensynth.serialization import dumps, from_plain, loads
from gensynth.space import Replay, Source, Task
from gensynth.training import checkpoint
from gensynth.training.job import Job, Recipe

TASK = Task(1, 16, 16, 10)
ROW = Outcome(
    number=3,
    asked_after=2,
    decisions={"width": 4, "kind": None, "gate": "silu"},
    genome_id="abc",
    fingerprint="def",
    ending="completed",
    profile=Profile(params=10, macs=20, weight_bytes=40, peak_activation_bytes=80),
    curve=(Measurement(1, 50.0, 1.5, 0.1), Measurement(2, 60.0, 1.25, 0.2, ((1, 2), (3, 4)))),
    judgements=(Judgement("top1", "enforce", 10.0, True, -0.1, "fine"),),
    score=71.5,
    value=71.5,
)
CODE = """import torch
from torch import nn

INPUT_SHAPE = (1, 8, 8)


def tiny() -> nn.Module:
    return nn.Linear(4, 2)
"""
PEERS = {"resnet50": {"top1": 76.1, "image_size": 224, "source": "a paper", "params": 25_557_032}}


@dataclass(frozen=True)
class Reader:
    """One kind of file: its reader, a valid example, and its share of the inputs."""

    read: Callable[[Path, bytes], Any]
    good: Callable[[Path], bytes]
    share: float = 1.0
    words: tuple[bytes, ...] = field(default=())
    """Byte strings that mutations insert."""
    oracle: Callable[[bytes, Any], str] = lambda data, value: ""
    """Returns in what a value does not say what the bytes say; see `fuzz_oracles`."""


def _experiment(folder: Path, data: bytes) -> Any:
    (folder / "e.toml").write_bytes(data)
    return read_experiment(folder / "e.toml")


def _genome(folder: Path, data: bytes) -> Any:
    (folder / "g.json").write_bytes(data)
    return read_genome(folder / "g.json", TASK)


def _good_genome(folder: Path) -> bytes:
    space = default_space("attendnext", "")
    genome = space.sample(Replay(space.presets["prototype"]))
    return to_json(genome, "attendnext", space.version).encode()


def _outcome(folder: Path, data: bytes) -> Any:
    row = from_plain(Outcome, loads(data, "row"), "row")
    return dumps(row)


def _job(folder: Path, data: bytes) -> Any:
    place = folder / "candidates" / "00003-abc"
    place.mkdir(parents=True, exist_ok=True)
    (place / "job.json").write_bytes(data)
    return JobFolders(folder / "candidates").read(ended=())


def _good_job(folder: Path) -> bytes:
    source = Source("experiments.benchmarks.tiny_blocks", {"inputs": 64, "hidden": 3}, (1, 8, 8))
    job = Job(3, "search", source, DataSettings(), "f", Recipe(), 5, str(folder))
    return dumps(RunningJob(job, ROW)).encode()


def _whereabouts(folder: Path, data: bytes) -> Any:
    (folder / "record.json").write_bytes(data)
    return whereabouts(folder)


def _record(folder: Path, data: bytes) -> Any:
    for old in folder.glob("study.db*"):
        old.unlink()
    (folder / "study.db").write_bytes(data)
    record = Record.open(sqlite_url(folder), "study", create=False)
    try:
        return record.outcomes()
    finally:
        record.close()


def _good_record(folder: Path) -> bytes:
    record = Record.open(sqlite_url(folder), "study")
    record.add(ROW, {"width": (2, 4), "kind": (None, 1)})
    record.close()
    return (folder / "study.db").read_bytes()


def _weights(folder: Path, data: bytes) -> Any:
    (folder / "tiny.py").write_text(CODE)
    (folder / "model.safetensors").write_bytes(data)
    return load_folder(folder)


def _good_weights(folder: Path) -> bytes:
    return save({"weight": torch.zeros(2, 4), "bias": torch.zeros(2)})


def _exported(folder: Path, data: bytes) -> Any:
    """Read the input shape of an export, whose code is parsed but never run."""
    (folder / "model.safetensors").touch()
    (folder / "tiny.py").write_bytes(data)
    return input_shape(folder)


def _checkpoint(folder: Path, data: bytes) -> Any:
    (folder / checkpoint.CHECKPOINT).write_bytes(data)
    return checkpoint.load(folder, "job")


def _good_checkpoint(folder: Path) -> bytes:
    tensors = {"network/weight": torch.zeros(2, 4), "optimizer/x": torch.ones(3)}
    checkpoint.save(folder, "job", checkpoint.Checkpoint(ROW.curve, tensors))
    return (folder / checkpoint.CHECKPOINT).read_bytes()


def _peers(folder: Path, data: bytes) -> Any:
    return from_plain(dict[str, PublishedFigures], loads(data, "peers"), "peers")


def _picture(folder: Path, data: bytes) -> Any:
    (folder / "a.png").write_bytes(data)
    found = inspect(str(folder / "a.png"))
    if not found.sha256:
        return found
    return decode(str(folder / "a.png"), found.sha256, Preprocessing(3, 8, 8))


def _good_picture(folder: Path) -> bytes:
    Image.new("RGB", (9, 7), (1, 2, 3)).save(folder / "good.png")
    return (folder / "good.png").read_bytes()


def _listing(folder: Path, data: bytes) -> Any:
    """Create a tree derived from the bytes, with any names a file system accepts, and list it."""
    root = folder / "images"
    names = [*(s.encode() for s in ("train", "test", "val", "a", "b", ".hid")), b"\xff\xfe", b" "]
    ends = [*(s.encode() for s in sorted(SUFFIXES)), b".txt", b""]
    rng = random.Random(data)
    for _ in range(rng.randrange(8)):
        path = bytes(root) + b"".join(b"/" + rng.choice(names) for _ in range(rng.randrange(1, 4)))
        made = Path(path.decode(errors="surrogateescape"))
        try:
            made.mkdir(parents=True, exist_ok=True)
            end = rng.choice(ends).decode()
            (made / f"x{end}").symlink_to(made) if rng.random() < 0.2 else (
                made / f"x{end}"
            ).touch()
        except OSError:
            continue
    return scan(root)


READERS: Mapping[str, Reader] = {
    "experiment TOML": Reader(
        _experiment,
        lambda _: files("gensynth.resources").joinpath("digits.toml").read_bytes(),
        words=(b"[constraints.", b'use = "', b"nan", b"-inf", b"1979-05-27T07:32:00Z", b"[[", b"{"),
        oracle=fuzz_oracles.as_experiment,
    ),
    "genome": Reader(
        _genome,
        _good_genome,
        words=(b'"schema":2', b'"attendnet"'),
        oracle=fuzz_oracles.as_genome,
    ),
    "outcome": Reader(_outcome, lambda _: dumps(ROW).encode(), oracle=fuzz_oracles.as_json),
    "job": Reader(_job, _good_job, oracle=fuzz_oracles.as_job),
    "record.json": Reader(
        _whereabouts,
        lambda _: b'{"storage":"","study":"x-1"}',
        oracle=fuzz_oracles.as_whereabouts,
    ),
    "study.db": Reader(_record, _good_record, share=0.05, oracle=fuzz_oracles.as_rows),
    "weights": Reader(_weights, _good_weights, oracle=fuzz_oracles.as_weights),
    "exported folder": Reader(_exported, lambda _: CODE.encode()),
    "checkpoint": Reader(_checkpoint, _good_checkpoint, oracle=fuzz_oracles.as_checkpoint),
    "peers JSON": Reader(_peers, lambda _: dumps(PEERS).encode(), oracle=fuzz_oracles.as_json),
    "verdict of a plugin": Reader(verdict, lambda _: b"good", oracle=recorded),
    "environment": Reader(environment, lambda _: b"300", share=0.3),
    "picture": Reader(_picture, _good_picture),
    "image folder": Reader(_listing, lambda _: b"", share=0.3),
}
WORDS = (
    *(b"\x00", b"\xff", b"\xed\xa0\x80", b"\\ud800", b"9" * 5000, b"1e999", b"-1", b"NaN", b"null"),
    *(b"[" * 2000, b'{"a":' * 2000, b'"' * 3, b"{}", b"[]", b"../../etc", b"\xef\xbb\xbf", b"\n"),
    *((2**63 - 1).to_bytes(8, "little"), b"1" * 400, b"true", b"0.5", b"\x80\x04", b"("),
)


def mutated(good: bytes, words: tuple[bytes, ...], rng: random.Random) -> bytes:
    """Change a valid file in a few places, or make one up."""
    if rng.random() < 0.05:
        return rng.randbytes(rng.randrange(200))
    data = bytearray(good)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        at = rng.randrange(len(data) + 1)
        end = min(len(data), at + rng.choice((0, 1, 1, 4, 16, 200)))
        way = rng.randrange(5)
        if way == 0:
            data[at:end] = b""
        elif way == 1:
            data[at:end] = rng.choice((*WORDS, *words))
        elif way == 2:
            data[at:end] = rng.randbytes(end - at)
        elif way == 3:
            start = rng.randrange(len(data) + 1)
            data[at:at] = data[start : start + rng.randrange(64)]
        elif at < len(data):
            data[at] ^= 1 << rng.randrange(8)
    return bytes(data[: rng.randrange(len(data) + 1)] if rng.random() < 0.05 else data)
