"""What networks take under TFLM, against figures of the real allocator and real files."""

import csv
import re
from pathlib import Path

import pytest
import torch
from torch import nn

from constraints.board import FitsBoard
from constraints.max_flash_bytes import MaxFlashBytes
from constraints.max_ram_bytes import MaxRamBytes
from gensynth.errors import InputError
from gensynth.evaluation.constraint import Candidate
from gensynth.graph.graph import Graph
from gensynth.graph.profile import profile
from gensynth.graph.trace import trace
from gensynth.space import Replay, Task
from gensynth.tflm.boards import BOARDS, RUNTIME_FLASH, RUNTIME_RAM
from gensynth.tflm.footprint import footprint_of, program_of
from gensynth.tflm.program import Precision
from search_spaces.attendnet import AttendNet
from search_spaces.attendnext import AttendNeXt

MEASURED = Path(__file__).parents[2] / "experiments" / "results" / "tflm_memory.csv"
RANDOM = re.compile(r"-\d{3}$")
PRECISIONS: dict[str, Precision] = {"int8": "int8", "float": "float"}
TASK = Task(3, 64, 64, 10)


def preset(name: str) -> Graph:
    kind, _, word = name.partition("-")
    if kind == "attendnet":
        small = AttendNet()
        return small.graph(small.sample(Replay(small.presets[word])), TASK)
    space = AttendNeXt()
    return space.graph(space.sample(Replay(space.presets[word])), TASK)


def rows() -> list[dict[str, str]]:
    with MEASURED.open(newline="") as file:
        return [row for row in csv.DictReader(file) if not RANDOM.search(row["name"])]


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row['name']}-{row['precision']}")
def test_presets_take_what_the_allocator_and_the_converter_gave(row: dict[str, str]) -> None:
    found = footprint_of(preset(row["name"]), PRECISIONS[row["precision"]])
    assert found is not None
    assert found.head_bytes == int(row["head_bytes"])
    assert found.arena_bytes == pytest.approx(int(row["arena_bytes"]), rel=0.05)
    assert found.model_bytes == pytest.approx(int(row["model_bytes"]), rel=0.05)


def candidate(module: nn.Module, size: int = 16) -> Candidate:
    graph = trace(module, (3, size, size))
    return Candidate(graph, profile(graph))


SMALL = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 2, 1))


def test_an_operator_that_tflm_lacks_breaks_every_limit_at_once() -> None:
    verdict = MaxRamBytes(limit=1e9)(candidate(nn.Sequential(nn.Conv2d(3, 4, 1), nn.GELU())))
    assert verdict.ok is False
    assert verdict.reason == "TensorFlow Lite Micro does not have gelu (1)"


def test_what_has_no_rule_is_not_judged() -> None:
    verdict = MaxFlashBytes(limit=1e9)(candidate(nn.Sequential(nn.GroupNorm(3, 3))))
    assert verdict.ok is None and "no rule for group_norm (0)" in verdict.reason


def test_a_board_needs_room_for_the_runtime_too() -> None:
    known = candidate(SMALL)
    found = footprint_of(known.graph)
    assert found is not None
    ram, flash = found.arena_bytes + RUNTIME_RAM, found.model_bytes + RUNTIME_FLASH
    assert FitsBoard(ram=ram, flash=flash)(known).ok is True
    assert FitsBoard(ram=ram - 1, flash=flash)(known).ok is False
    assert FitsBoard(ram=ram, flash=flash - 1)(known).ok is False
    assert FitsBoard(name="nucleo-f446re")(known).ok is True


def test_float_takes_more_than_int8() -> None:
    graph = candidate(SMALL).graph
    small, large = footprint_of(graph, "int8"), footprint_of(graph, "float")
    assert small is not None and large is not None
    assert small.head_bytes * 4 == large.head_bytes


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"name": "nucleo-f446"}, "did you mean 'nucleo-f446re'?"),
        ({}, "give a board of `gensynth boards`, or ram and flash"),
        ({"ram": 64_000}, "give a board of `gensynth boards`, or ram and flash"),
        ({"name": "teensy-4.1", "ram": 1}, "give a name, or ram and flash"),
        ({"ram": 4_000, "flash": 128_000}, "the runtime alone takes more RAM than the board has"),
        ({"name": "teensy-4.1", "precision": "int4"}, "expected int8 or float, got 'int4'"),
    ],
)
def test_a_wrong_board_is_one_line(given: dict[str, object], problem: str) -> None:
    with pytest.raises(InputError, match=problem.replace("?", r"\?")):
        FitsBoard(**given)  # type: ignore[arg-type]


def test_every_listed_board_holds_the_runtime() -> None:
    for name, board in BOARDS.items():
        assert FitsBoard(name=name)(candidate(SMALL)).ok is not None, name
        assert board.source.startswith("https://")


def test_equal_branches_are_computed_once() -> None:
    class Twice(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return nn.functional.max_pool2d(x, 2) + nn.functional.max_pool2d(x, 2)

    names = [operator.name for operator in program_of(candidate(Twice()).graph).operators]
    assert names == ["MAX_POOL_2D", "ADD"]
