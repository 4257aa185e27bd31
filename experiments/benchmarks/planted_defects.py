"""Plant defects in the record, the campaign and the readers, and see whether a benchmark notices.

    python -m experiments.benchmarks.planted_defects

A benchmark that notices nothing proves nothing. Each defect is planted in memory; then the crash
benchmark (without kills, unless the defect needs one) or the fuzzer runs. Prints what caught each
defect; exits with 1 if one was not caught.
"""

import contextlib
import io
import os
import random
import sys
import tempfile
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from experiments.benchmarks.crash import HARM, Benchmark
from experiments.benchmarks.fuzz import BAD, outcome
from experiments.benchmarks.fuzz_readers import READERS, mutated
from experiments.benchmarks.tables import heading, markdown
from gensynth import serialization
from gensynth.evaluation.outcome import Outcome
from gensynth.models import genomes
from gensynth.record import optuna_study, outcome_rows
from gensynth.record.job_folders import JobFolders
from gensynth.record.ledger import Ledger
from gensynth.record.optuna_study import Record
from gensynth.training import checkpoint

FUZZED = 400
"""Inputs of one reader until a defect must have been noticed."""


@dataclass(frozen=True)
class Defect:
    """A function to replace, by what, and who ought to notice."""

    owner: Any
    name: str
    make: Callable[[Any], Any]
    """Returns the defective function for the right one."""
    reader: str = ""
    """The fuzzer's reader; empty for the crash benchmark."""
    kills: int = 0


def _every_third(change: Callable[[Outcome], Outcome]) -> Callable[[Any], Any]:
    def make(add: Any) -> Any:
        def added(self: Record, row: Outcome, options: Any) -> None:
            add(self, change(row) if row.number % 3 == 0 else row, options)

        return added

    return make


def _cut(row: Outcome) -> Outcome:
    last = [replace(measured, top1=0.0) for measured in row.curve[-1:]]
    return replace(row, curve=(*row.curve[: len(row.curve) // 2], *last))


def _lost(add: Any) -> Any:
    def added(self: Record, row: Outcome, options: Any) -> None:
        if row.number != 2:
            add(self, row, options)

    return added


def _renumbered(add: Any) -> Any:
    def added(self: Record, row: Outcome, options: Any) -> None:
        add(self, replace(row, number=row.number + (row.number > 1)), options)

    return added


def _lenient(read: Any) -> Any:
    def reads(kind: Any, data: Any, place: str) -> Any:
        known = serialization.fields_of(kind)
        return read(kind, {k: v for k, v in data.items() if k in known}, place)

    return reads


def _deaf(check: Any) -> Any:
    return lambda *arguments: arguments[-2] if len(arguments) > 3 else None


DEFECTS: Mapping[str, Defect] = {
    "every third row has a cut curve and a top-1 of 0": Defect(Record, "add", _every_third(_cut)),
    "a row is never written": Defect(Record, "add", _lost),
    "numbers are shifted": Defect(Record, "add", _renumbered),
    "every third score is off": Defect(
        Record,
        "add",
        _every_third(lambda row: replace(row, score=None if row.score is None else row.score + 1)),
    ),
    "a verdict is turned around": Defect(
        Record,
        "add",
        _every_third(
            lambda row: replace(
                row, judgements=tuple(replace(j, ok=False, violation=1.0) for j in row.judgements)
            )
        ),
    ),
    "a training gets another's seed": Defect(
        Record, "add", _every_third(lambda row: replace(row, training_seed=row.training_seed + 1))
    ),
    "a failure is recorded as a success": Defect(
        outcome_rows, "ended", lambda right: lambda *a: replace(right(*a), ending="timed_out")
    ),
    "files of ended jobs stay": Defect(JobFolders, "forget", lambda right: lambda *a: None),
    "numbers are left out": Defect(
        Ledger, "next_number", lambda right: lambda self: right(self) + (len(self.ended) > 1)
    ),
    "a checkpoint is never resumed": Defect(
        checkpoint, "load", lambda right: lambda *a, **k: None, kills=3
    ),
    "unknown fields are ignored": Defect(serialization, "_read_dataclass", _lenient, "outcome"),
    "a value may have any type": Defect(serialization, "_expect", _deaf, "record.json"),
    "another genome is read": Defect(
        genomes,
        "from_json",
        lambda right: lambda kind, text, version, place: kind(),
        "genome",
    ),
    "rows are left out": Defect(
        optuna_study.Record, "outcomes", lambda right: lambda self: right(self)[1:], "study.db"
    ),
    "tensors are zeroed": Defect(
        checkpoint,
        "load",
        lambda right: (
            lambda *a: (
                None
                if (found := right(*a)) is None
                else replace(found, tensors={n: 0 * t for n, t in found.tensors.items()})
            )
        ),
        "checkpoint",
    ),
}


def main() -> None:
    """Plant every defect, and print what noticed it."""
    print(*heading(("defect", "noticed by")), sep="\n")
    found = {name: noticed(defect) for name, defect in DEFECTS.items()}
    for name, by in found.items():
        print(markdown([name, by or "nobody"]), flush=True)
    sys.exit(not all(found.values()))


def noticed(defect: Defect) -> str:
    """Plant a defect; return what noticed it, or an empty string."""
    with planted(defect):
        return _fuzzed(defect.reader) if defect.reader else _crashed(defect.kills)


@contextmanager
def planted(defect: Defect) -> Iterator[None]:
    """Replace a function for the duration of the block."""
    right = vars(defect.owner)[defect.name]
    setattr(defect.owner, defect.name, defect.make(right))
    try:
        yield
    finally:
        setattr(defect.owner, defect.name, right)


def _fuzzed(name: str) -> str:
    reader, rng = READERS[name], random.Random(0)
    with tempfile.TemporaryDirectory() as place:
        good = reader.good(Path(place))
        for number in range(FUZZED):
            data = good if number == 0 else mutated(good, reader.words, rng)
            word, said = outcome(reader, Path(place) / "run", data)
            if word in BAD:
                return f"fuzz.py, {name}: {word} ({said.strip().splitlines()[-1][:60]})"
            if number == 0 and word != "value":
                return f"fuzz.py, {name}: refuses a good file"
    return ""


def _crashed(kills: int) -> str:
    options = Namespace(kills=kills, executor="inline", epochs=6, grouped=False, seed=0)
    with tempfile.TemporaryDirectory() as place:
        os.environ["XDG_CACHE_HOME"] = os.environ["GENSYNTH_STATE"] = place
        with contextlib.redirect_stderr(io.StringIO()):
            try:
                found = Benchmark(Path(place) / "campaign", None, options).run()
            except (RuntimeError, TimeoutError) as error:
                said = str(error).strip() or "the driver failed"
                return f"crash.py: {said.splitlines()[-1][:80]}"
    harm = [f"{name}: {found[name]}" for name in HARM if found[name]]
    missing = found["outcomes"] != found["outcomes asked for"]
    return (
        "crash.py, " + ", ".join([*harm, *(["outcomes are missing"] if missing else [])])
        if (harm or missing)
        else ""
    )


if __name__ == "__main__":
    main()
