"""Values that come from outside without a file: verdicts of plugins, and environment variables."""

import os
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch

from gensynth.errors import InputError
from gensynth.evaluation.constraint import (
    Candidate,
    ConstraintError,
    Judgement,
    Rule,
    Stage,
    Verdict,
    judge,
)
from gensynth.graph.graph import Graph
from gensynth.graph.profile import Profile
from gensynth.record.database import PATIENCE, Patience
from gensynth.serialization import dumps, from_plain, loads

STRANGE: tuple[Any, ...] = (
    *(None, True, 0, -1.5, float("nan"), float("inf"), "", "x\n\x1b[31m", b"x", [], {}, object()),
    *(np.float32(0.5), np.int64(-3), np.bool_(True), np.array([1.0, 2.0]), np.str_("a")),
    *(torch.tensor(-0.5), torch.tensor(True), torch.tensor([1, 2]), 1 + 2j, 10**400),
)
"""What plugins may put into a verdict."""


@dataclass(frozen=True)
class _Strange:
    """A constraint whose verdict holds anything."""

    seed: int
    needs: ClassVar[Stage] = "graph"

    def __call__(self, candidate: Candidate) -> Verdict:
        rng = random.Random(self.seed)
        offenders = rng.choice(((), ("a",), (rng.choice(STRANGE),), rng.choice(STRANGE)))
        return Verdict(rng.choice(STRANGE), rng.choice(STRANGE), rng.choice(STRANGE), offenders)


def verdict(folder: Path, data: bytes) -> Any:
    """Judge by a constraint that answers as the bytes decide; a refusal names the plugin."""
    rule = Rule("strange", _Strange(int.from_bytes(data[:8], "little")))
    try:
        return judge(rule, Candidate(Graph(()), Profile(1, 1, 1, 1)))
    except ConstraintError as error:
        raise InputError("", str(error)) from None


def recorded(data: bytes, value: Any) -> str:
    """Compare a judgement with what comes back from the record."""
    again = from_plain(Judgement, loads(dumps(value), "row"), "row")
    return "" if again == value else f"{value} came back as {again}"


def environment(folder: Path, data: bytes) -> Any:
    """Use any text as the value of the environment variables that are read as numbers."""
    os.environ[PATIENCE] = data.decode(errors="replace").replace("\0", "")
    try:
        return Patience("a database")
    finally:
        del os.environ[PATIENCE]
