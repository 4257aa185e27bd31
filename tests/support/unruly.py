"""A space whose networks misbehave in training as their genome says, and a generator by list."""

import os
import re
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from gensynth.evaluation.constraint import Candidate, Stage, Verdict
from gensynth.evaluation.outcome import Outcome
from gensynth.generators.problem import Problem
from gensynth.generators.protocol import Proposal
from gensynth.genome import Decisions
from gensynth.space import Choose, Source, Task

BEHAVIOURS = (
    *("fine", "slow", "dies once", "dies", "raises", "leaves", "diverges", "hangs"),
    *("tells", "meets", "eats", "slows down"),
)


@dataclass(frozen=True)
class UnrulyGenome:
    behaviour: str
    width: int


@dataclass(frozen=True)
class UnrulySpace:
    marks: str
    """Folder where a network notes that it died once."""

    genome_type: ClassVar[type[UnrulyGenome]] = UnrulyGenome
    version: ClassVar[int] = 1
    presets: ClassVar[Mapping[str, Decisions]] = {}

    def sample(self, choose: Choose) -> UnrulyGenome:
        return UnrulyGenome(choose("behaviour", BEHAVIOURS), choose("width", tuple(range(1, 999))))

    def source(self, genome: UnrulyGenome, task: Task) -> Source:
        spec = {"behaviour": genome.behaviour, "width": genome.width, "marks": self.marks}
        return Source("tests.support.unruly", spec, (task.channels, task.height, task.width))


class Unruly(nn.Module):
    def __init__(self, behaviour: str, width: int, marks: str) -> None:
        super().__init__()
        self.behaviour, self.mark = behaviour, Path(marks) / f"{width}"
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10)
        )
        self.batches = 0
        self.eaten: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.layers(x)
        if self.training and torch.is_grad_enabled():
            self.batches += 1
            return self._misbehave(logits)
        return logits

    def _misbehave(self, logits: Tensor) -> Tensor:
        if self.behaviour in ("slow", "tells"):
            time.sleep(0.05)
        if self.behaviour in ("tells", "meets"):
            self._tell()
        while self.behaviour == "meets" and len(self._nodes()) < 2:
            time.sleep(0.05)
        if self.behaviour == "slows down":  # Some minutes for the digits' eighth epoch.
            time.sleep(0.05 * 2 ** (self.batches / 20))
        if self.behaviour == "eats" and len(logits) > 40:
            self._eat()
        if self.batches < 20:  # In mid-training, not at its start.
            return logits
        if self.behaviour == "dies" or (self.behaviour == "dies once" and not self.mark.exists()):
            self.mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if self.behaviour == "raises":
            raise ZeroDivisionError("an unruly network")
        if self.behaviour == "leaves":
            raise SystemExit("a network that wants to go home")
        if self.behaviour == "hangs":
            re.match("(a+)+$", "a" * 60 + "b")  # For ages, and no other thread can run.
        return logits * torch.nan if self.behaviour == "diverges" else logits

    def _tell(self) -> None:
        """Leave a file that says on which node of a Ray cluster this trains."""
        from ray.util import get_node_ip_address

        node = get_node_ip_address()  # type: ignore[no-untyped-call]
        self.mark.with_name(f"node-{node}-{self.mark.name}").touch()

    def _nodes(self) -> set[str]:
        """Name the nodes on which something was trained so far."""
        return {file.name.split("-")[1] for file in self.mark.parent.glob("node-*")}

    def _eat(self) -> None:
        """Take memory until somebody ends this process, or there would be a danger to others."""
        while len(self.eaten) < 60:
            self.eaten.append(torch.ones(25 * 2**20))  # 100 MiB, and touched.
            time.sleep(0.05)


def make(spec: Mapping[str, Any]) -> nn.Module:
    return Unruly(**spec)


class Listed:
    """Proposes what a list says, from the front to the end and then its last entry again."""

    def __init__(self, proposals: Sequence[Sequence[Any]]) -> None:
        self.proposals = proposals
        self.asked = 0

    def ask(self) -> Proposal:
        behaviour, width = self.proposals[min(self.asked, len(self.proposals) - 1)]
        self.asked += 1
        if behaviour == "error":
            raise ArithmeticError("the generator is broken")
        return Proposal({"behaviour": behaviour, "width": width})

    def tell(self, outcome: Outcome) -> None:
        pass


def listed(problem: Problem, seed: int, proposals: Sequence[Sequence[Any]]) -> Listed:
    return Listed(proposals)


@dataclass(frozen=True)
class Superstitious:
    """A constraint that raises for a width of 13."""

    needs: ClassVar[Stage] = "graph"

    def __call__(self, candidate: Candidate) -> Verdict:
        if any(13 in layer.shape for layer in candidate.graph.layers):
            raise ValueError("not this one")
        return Verdict.at_most(1, 2, "omens")


@dataclass(frozen=True)
class HalfRight:
    """Asks for half of the images, whatever else is asked for."""

    needs: ClassVar[Stage] = "proxy"

    def __call__(self, candidate: Candidate) -> Verdict:
        if candidate.measurement is None:
            return Verdict.not_judged("not trained")
        return Verdict.at_least(candidate.measurement.top1, 50.0, "%")
