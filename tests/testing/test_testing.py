"""The conformance checks: every plugin of ours passes, and each law catches one that breaks it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
import torch
from torch import nn

from gensynth.evaluation.constraint import Candidate, Stage, Verdict
from gensynth.evaluation.outcome import Outcome
from gensynth.evaluation.score import NetScore
from gensynth.generators.problem import Problem
from gensynth.generators.protocol import Proposal
from gensynth.genome import Decisions
from gensynth.plugins import load_plugin, names
from gensynth.space import Choose, Source, Task
from gensynth.testing import (
    Check,
    check_constraint,
    check_generator,
    check_score,
    check_space,
    require,
)
from tests.support.toy_space import ToyGenome, ToySpace

LIMITS: dict[str, dict[str, Any]] = {
    "max_params": {"limit": 5000},
    "max_macs": {"limit": 50_000},
    "max_weight_bytes": {"limit": 20_000},
    "max_peak_activation_bytes": {"limit": 10_000},
    "max_ram_bytes": {"limit": 16_000},
    "max_flash_bytes": {"limit": 20_000},
    "board": {"name": "nucleo-l432kc"},
    "max_int8_loss": {"limit": 1.0},
    "max_latency_ms": {"limit": 1.0, "runtime": "torch"},
    "max_instructions": {"limit": 1e6},
    "max_latency_ratio": {"limit": 1.0, "runtime": "torch", "reference": "attendnext:tiny"},
}


def broken(checks: list[Check]) -> list[str]:
    return [check.law for check in checks if not check.ok]


@pytest.mark.parametrize("name", names("constraint"))
def test_our_constraints_keep_the_laws(name: str) -> None:
    require(check_constraint(load_plugin("constraint", name, "test")(**LIMITS.get(name, {}))))


@pytest.mark.parametrize("name", names("search_space"))
def test_our_spaces_keep_the_laws(name: str) -> None:
    require(check_space(load_plugin("search_space", name, "test")(), draws=6))


@pytest.mark.parametrize("name", names("generator"))
def test_our_generators_keep_the_laws(name: str) -> None:
    require(check_generator(load_plugin("generator", name, "test")))


def test_netscore_keeps_the_laws() -> None:
    require(check_score(NetScore()))


def test_require_tells_every_broken_law() -> None:
    with pytest.raises(AssertionError, match="first: a\nthird: c"):
        require([Check("first", "a"), Check("second"), Check("third", "c")])


# Constraints that break a law -------------------------------------------------------------------


@dataclass(frozen=True)
class Obedient:
    needs: ClassVar[Stage] = "profile"
    limit: float = 1000.0

    def __call__(self, candidate: Candidate) -> Verdict:
        return Verdict.at_most(candidate.profile.params, self.limit, "parameters")


@dataclass
class Changeable:
    needs: ClassVar[Stage] = "profile"

    def __call__(self, candidate: Candidate) -> Verdict:
        return Verdict.at_most(candidate.profile.params, 1000, "parameters")


@dataclass(frozen=True)
class NeedsNothing(Obedient):
    needs: ClassVar[Any] = "training"


@dataclass(frozen=True)
class RaisesUntrained(Obedient):
    def __call__(self, candidate: Candidate) -> Verdict:
        assert candidate.measurement is not None
        return Verdict.at_least(candidate.measurement.top1, 50, "%")


@dataclass(frozen=True)
class TellsTheTruthOnly(Obedient):
    def __call__(self, candidate: Candidate) -> Any:
        return True


@dataclass(frozen=True)
class Lenient(Obedient):
    def __call__(self, candidate: Candidate) -> Verdict:
        return Verdict(True, candidate.profile.params / 100 - 1, "always ok")


@dataclass(frozen=True)
class Wordless(Obedient):
    def __call__(self, candidate: Candidate) -> Verdict:
        return Verdict(True, -1.0, "")


@dataclass(frozen=True)
class Moody(Obedient):
    seen: list[int] = field(default_factory=list, compare=False)

    def __call__(self, candidate: Candidate) -> Verdict:
        self.seen.append(1)
        return Verdict.at_most(len(self.seen), 10_000, "calls")


@dataclass(frozen=True)
class Meddler(Obedient):
    def __call__(self, candidate: Candidate) -> Verdict:
        assert candidate.module is not None
        with torch.no_grad():
            next(candidate.module().parameters()).add_(1)
        return super().__call__(candidate)


@dataclass(frozen=True)
class JudgesTooEarly(Obedient):
    needs: ClassVar[Stage] = "proxy"


@dataclass(frozen=True)
class JudgesTooLate(Obedient):
    def __call__(self, candidate: Candidate) -> Verdict:
        if candidate.measurement is None:
            return Verdict.not_judged("later")
        return super().__call__(candidate)


@pytest.mark.parametrize(
    ("constraint", "law"),
    [
        (Changeable(), "frozen dataclass"),
        (NeedsNothing(), "`needs` is one of"),
        (RaisesUntrained(), "never raises"),
        (TellsTheTruthOnly(), "with a Verdict"),
        (Lenient(), "ok exactly if"),
        (Wordless(), "its reason in one line"),
        (Moody(), "judges the same network the same"),
        (Meddler(), "changes nothing"),
        (JudgesTooEarly(), "does not judge by a training"),
        (JudgesTooLate(), "does not judge by a training"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_a_constraint_that_breaks_a_law_is_caught(constraint: Any, law: str) -> None:
    assert any(law in words for words in broken(check_constraint(constraint)))


def test_the_obedient_constraint_breaks_none() -> None:
    assert broken(check_constraint(Obedient())) == []


# Spaces that break a law ------------------------------------------------------------------------


@dataclass(frozen=True)
class Shifty(ToySpace):
    """Its options depend on what was chosen before, under one name."""

    def sample(self, choose: Choose) -> ToyGenome:
        width = choose("width", self.widths)
        return ToyGenome(width, choose("depth", (1, 2) if width < 8 else (2, 3)), 1)


@dataclass(frozen=True)
class OneOnly(ToySpace):
    presets: ClassVar[Mapping[str, Decisions]] = {}

    def sample(self, choose: Choose) -> ToyGenome:
        return ToyGenome(choose("width", (4,)), 1, 1)


@dataclass(frozen=True)
class Repetitive(ToySpace):
    presets: ClassVar[Mapping[str, Decisions]] = {}
    widths: tuple[int, ...] = (4, 4)


@dataclass(frozen=True)
class BadPreset(ToySpace):
    presets: ClassVar[Mapping[str, Decisions]] = {"prototype": {"width": 7}}


@dataclass(frozen=True)
class ImportsMuch(ToySpace):
    def source(self, genome: ToyGenome, task: Task) -> Source:
        made = super().source(genome, task)
        return Source("tests.testing.test_testing", made.spec, made.input_shape)


@dataclass(frozen=True)
class TooFewClasses(ToySpace):
    def source(self, genome: ToyGenome, task: Task) -> Source:
        made = super().source(genome, task)
        return Source(made.module, dict(made.spec) | {"classes": 3}, made.input_shape)


@dataclass(frozen=True)
class WrongGraph(ToySpace):
    def graph(self, genome: ToyGenome, task: Task) -> Any:
        from gensynth.graph.trace import trace
        from gensynth.space import build

        other = ToyGenome(genome.width, genome.depth, 3 - genome.stride)
        return trace(build(self, other, task), (task.channels, task.height, task.width))


def make(spec: Mapping[str, Any]) -> nn.Module:
    return nn.Linear(1, 1)


@pytest.mark.parametrize(
    ("space", "law"),
    [
        (Shifty(), "same options everywhere"),
        (OneOnly(), "left to choose"),
        (BadPreset(), "every preset"),
        (ImportsMuch(), "imports torch only"),
        (TooFewClasses(), "gives (N, classes)"),
        (WrongGraph(), "is the graph that tracing"),
        (Repetitive(), "none twice"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_a_space_that_breaks_a_law_is_caught(space: Any, law: str) -> None:
    assert any(law in words for words in broken(check_space(space, draws=12)))


def test_the_toy_space_breaks_none() -> None:
    assert broken(check_space(ToySpace())) == []


# Generators and scores that break a law ---------------------------------------------------------


class Forgetful:
    """Asks by a count that all its instances share."""

    count = 0

    def __init__(self, problem: Problem, seed: int) -> None:
        self.told = 0

    def ask(self) -> Proposal:
        Forgetful.count += 1
        return Proposal({"depth": 1, "width0": 2}, Forgetful.count)

    def tell(self, outcome: Outcome) -> None:
        if outcome.ending == "diverged":
            raise KeyError(outcome.ending)


def test_a_generator_that_breaks_laws_is_caught() -> None:
    laws = broken(check_generator(Forgetful))
    assert any("a restart repeats it" in law for law in laws)
    assert any("accepts every ending" in law for law in laws)


@dataclass(frozen=True)
class Falling:
    needs: ClassVar[Stage] = "proxy"

    def __call__(self, candidate: Candidate) -> float:
        assert candidate.measurement is not None
        return float("inf") if candidate.profile.params > 5000 else -candidate.measurement.top1


def test_a_score_that_breaks_laws_is_caught() -> None:
    laws = broken(check_score(Falling()))
    assert any("finite" in law for law in laws)
    assert any("never falls" in law for law in laws)
