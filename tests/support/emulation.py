"""The emulated Cortex-A72 for tests: the real one where its programs are installed, and fakes."""

import os
import platform
import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from devices.cortex_a72.install import PROGRAMS, install
from devices.cortex_a72.parts import PREPARED, QEMU, Parts, find_parts, impossible
from gensynth.evaluation.constraint import ConstraintError
from gensynth.evaluation.latency import Interval, Latency
from gensynth.latency.job import LatencyJob
from tests.conftest import USERS_CACHE


@cache
def emulation() -> Parts:
    """Prepare the real emulation for all tests of this run; skip if it cannot run here.

    Its parts take minutes to prepare and are kept in the user's cache: every part is tried again.
    """
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing or impossible():
        pytest.skip(f"the emulated Cortex-A72 needs: {', '.join(missing) or impossible()}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENSYNTH_CACHE", os.environ[USERS_CACHE])
        prepared = install(print)
    here = find_parts()
    here.folder.symlink_to(prepared.folder)
    return here


def pretend_prepared(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this machine look prepared: every part is there, as an empty file that runs nothing."""
    if impossible():
        monkeypatch.setattr(platform, "system", lambda: "Linux")
        monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setenv("GENSYNTH_CACHE", str(folder / "cache"))
    parts = find_parts()
    python = parts.root / "usr" / "bin" / "python3.11"
    programs = folder / "programs"
    for part in (python, parts.ncnn, parts.pnnx, parts.plugin, parts.folder / PREPARED):
        part.parent.mkdir(parents=True, exist_ok=True)
        part.touch()
    programs.mkdir()
    (programs / QEMU).touch(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)


def tiny() -> nn.Module:
    """A network of what ours are made of: grouped convolutions, a gate, a sum, a shuffle."""
    return Tiny()


class Tiny(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, 2, 1)
        self.columns = nn.Conv2d(16, 16, 3, 1, 1, groups=4)
        self.norm = nn.BatchNorm2d(16)
        self.head = nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.silu(self.stem(x))
        x = x + x * torch.sigmoid(self.norm(self.columns(x)))
        x = nn.functional.channel_shuffle(x, 4)
        logits: Tensor = self.head(x.mean((2, 3)))
        return logits


class Fickle(nn.Module):
    """Computes something else for the image that it is traced with, which is all zeros."""

    def forward(self, x: Tensor) -> Tensor:
        sums = x.mean((2, 3))
        return sums if float(x.abs().sum()) > 0 else sums + torch.tensor([1.0, 2.0, 3.0])


def fickle() -> nn.Module:
    return Fickle()


class Outlandish(nn.Module):
    """Calls what ncnn has no layer for."""

    def forward(self, x: Tensor) -> Tensor:
        exponential: Tensor = torch.linalg.matrix_exp(x[:, :, :4, :4])
        return exponential.flatten(1)


def outlandish() -> nn.Module:
    return Outlandish()


def make(spec: Mapping[str, Any]) -> nn.Module:
    """Build the tiny network as a source does."""
    return tiny()


asked: list[int] = []
"""Widths of the networks that `confirmed` was asked about."""


def confirmed(job: LatencyJob) -> Latency:
    """A fake emulator: networks narrower than 6 are too slow, and those of 6 cannot run."""
    width = int(job.source.spec["width"])
    asked.append(width)
    if width == 6:
        raise ConstraintError("latency: pnnx: cannot convert this network to ncnn")
    ms = 9.0 if width < 6 else 2.0
    return Latency(ms, Interval(ms, ms), Interval(ms, ms), machine="emulated")


def slow(job: LatencyJob) -> Latency:
    """A fake emulator that finds every network too slow."""
    return Latency(9.0, Interval(9.0, 9.0), Interval(9.0, 9.0), machine="emulated")
