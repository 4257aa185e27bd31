"""Plugins as a stranger writes them: source text, and the entry points of a distribution."""

FOREIGN = """
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gensynth.constraint import Candidate, Stage, Verdict


@dataclass(frozen=True)
class Baseline:
    reference: str = "baseline.csv"
    question: str = "is it better than the baseline?"
    measures_int8: str = "no"
    latency: float = 1.0
    needs: ClassVar[Stage] = "proxy"

    def __call__(self, candidate: Candidate) -> Verdict:
        if candidate.measurement is None:
            return Verdict.not_judged(self.question)
        return Verdict.at_least(np.float32(candidate.measurement.top1), np.int64(1), self.reference)


@dataclass(frozen=True)
class Plain:
    question: str = "how good is it?"
    needs: ClassVar[Stage] = "proxy"

    def __call__(self, candidate: Candidate) -> float:
        return np.float32(candidate.measurement.top1)


@dataclass(frozen=True)
class Broken(Plain):
    def __call__(self, candidate: Candidate) -> float:
        return float("nan")
"""

DEVICE = """
from dataclasses import dataclass

from gensynth.errors import InputError
from gensynth.evaluation.latency import Interval, Latency


@dataclass(frozen=True)
class Board:
    def runtime(self, asked, /):
        if asked not in ("", "tiny-runtime"):
            raise InputError("runtime", f"unknown runtime {asked!r}")
        return "tiny-runtime"

    def check(self, question, task, folder, /):
        if question.threads > 2:
            raise InputError("threads", "the board has two cores")

    def measure(self, job, /):
        ms = float(job.source.spec["width"])
        return Latency(ms, Interval(ms, ms), Interval(ms, ms), machine="the board")


@dataclass(frozen=True)
class NoDevice:
    def runtime(self, asked, /):
        return "x"
"""

FORMAT = """
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Pieces:
    name: str = "pieces"
    file: str = "model.pieces"
    tolerance: float | None = 1e-4

    def check(self):
        pass

    def write(self, network, path, /):
        torch.export.save(network.program, path)

    def open(self, path, /):
        module = torch.export.load(path).module()

        def run(images):
            with torch.no_grad():
                return module(images)

        return run
"""

STOPPING = """
from dataclasses import dataclass


@dataclass(frozen=True)
class AfterOne:
    below: float = 50.0

    def stops(self, running, /):
        return running.latest.top1 < self.below
"""

ENTRY_POINTS = """
[gensynth.constraints]
their_baseline = their_rules:Baseline

[gensynth.devices]
their-board = their_board:Board

[gensynth.formats]
their-pieces = their_format:Pieces

[gensynth.early_stopping]
their-rule = their_stopping:AfterOne
"""
