"""Oracles of the fuzzer: does what a reader returned say what the file says?

An oracle reads the same bytes in another way, by the library of the format alone, and returns in
what the two differ, or nothing. A reader that accepts garbage does not pass.
"""

import json
import sqlite3
import tempfile
import tomllib
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load

from gensynth.campaign.experiment import Experiment
from gensynth.serialization import to_plain
from gensynth.training.checkpoint import Checkpoint

PLAIN_TABLES = ("proxy", "finals", "last_training", "resources", "seed", "trials", "executor")
"""Parts of an experiment whose keys the file and the experiment name alike."""


def same(given: Any, read: Any, place: str = "") -> str:
    """Return where `read` does not say what `given` says; `read` may say more, by defaults."""
    if isinstance(given, Mapping) and isinstance(read, Mapping):
        for key, item in given.items():
            if key not in read:
                return f"{place}.{key} was ignored"
            if found := same(item, read[key], f"{place}.{key}"):
                return found
        return ""
    if isinstance(given, list) and isinstance(read, list):
        if len(given) != len(read):
            return f"{place} has {len(read)} items, not {len(given)}"
        pairs = zip(given, read, strict=True)
        return next((f for i, (g, r) in enumerate(pairs) if (f := same(g, r, f"{place}[{i}]"))), "")
    kinds = (bool(isinstance(given, bool)), bool(isinstance(read, bool)))
    return "" if given == read and kinds[0] == kinds[1] else f"{place} is {read!r}, not {given!r}"


def as_json(data: bytes, value: Any) -> str:
    """Compare with the file's JSON; a reader that returns text has written it again."""
    read = json.loads(value) if isinstance(value, str) else to_plain(value)
    return same(json.loads(data), read)


def as_job(data: bytes, value: Any) -> str:
    """Compare the one job with the file; there is none only if the file is not JSON."""
    try:
        given = json.loads(data, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return "" if not value else "a job was read from a file that is cut off"
    jobs = list(value.values())
    return same(given, to_plain(jobs[0])) if len(jobs) == 1 else f"{len(jobs)} jobs were read"


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


def as_whereabouts(data: bytes, value: Any) -> str:
    """Compare the study's name, and the address unless it is the usual one."""
    known, given = to_plain(value[0]), json.loads(data)
    assert isinstance(known, dict)
    return same({k: v for k, v in given.items() if v != ""}, known)


def as_genome(data: bytes, value: Any) -> str:
    """Compare the genome file that would be written for the genome."""
    return same(json.loads(data), json.loads(value.genome_json))


def as_experiment(data: bytes, value: Any) -> str:
    """Compare the tables that are no plugin's."""
    assert isinstance(value, Experiment)
    given = tomllib.loads(data.decode("utf-8-sig"))
    read = {name: to_plain(part) for name, part in vars(value).items() if name in PLAIN_TABLES}
    return same({k: v for k, v in given.items() if k in PLAIN_TABLES}, read)


def as_weights(data: bytes, value: Any) -> str:
    """Compare the network's state with the tensors of the file."""
    return _tensors(load(data), value.state_dict())


def as_checkpoint(data: bytes, value: Any) -> str:
    """Compare tensors and curve; None means that the training starts again."""
    if value is None:
        return ""
    assert isinstance(value, Checkpoint)
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])["__metadata__"]
    found = same(json.loads(header["curve"]), to_plain(value.curve))
    if header.get("job") not in (None, "job"):
        return "the checkpoint of another job was read"
    return found or _tensors(load(data), dict(value.tensors))


def as_rows(data: bytes, value: Any) -> str:
    """Compare with what SQLite alone finds in the file."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "study.db"
        file.write_bytes(data)
        with closing(sqlite3.connect(file)) as connection:
            words = "SELECT value_json FROM trial_user_attributes WHERE key = 'outcome'"
            given = [json.loads(json.loads(text)) for (text,) in connection.execute(words)]
    return same(given, [to_plain(row) for row in value])


def _tensors(given: Mapping[str, torch.Tensor], read: Mapping[str, torch.Tensor]) -> str:
    if given.keys() != read.keys():
        return f"tensors {sorted(given.keys() ^ read.keys())} differ"
    equal = all(torch.equal(given[name].nan_to_num(), read[name].nan_to_num()) for name in given)
    return "" if equal else "the tensors have other numbers"
