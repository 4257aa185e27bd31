"""A search under a limit of RAM: predicted while it searches, measured in the finals."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gensynth.campaign import remeasurement
from gensynth.errors import InputError
from gensynth.evaluation.constraint import ConstraintError
from gensynth.formats import Deployment, Run
from gensynth.formats.measured_footprint import measured_footprint, measuring_format
from gensynth.space import Task
from gensynth.tflm.footprint import Footprint
from gensynth.tflm.program import Precision
from tests.campaign.test_campaign import play
from tests.support.campaigns import campaign
from tests.support.toy_space import ToyGenome, ToySpace

LIMIT = 100_000
RULE = {"max_ram_bytes": {"limit": LIMIT}}
allocated: list[int] = []


@dataclass(frozen=True)
class Converter:
    """A format whose first file takes more than the limit, and the others half of it."""

    name: str = "tflite-int8"
    file: str = "model.int8.tflite"
    tolerance: float | None = None
    refuses: bool = False

    def check(self) -> None:
        """It is there."""

    def write(self, network: Deployment, path: Path) -> None:
        if self.refuses:
            raise InputError("TensorFlow Lite", "cannot convert this network")
        path.write_bytes(str(network.input_shape).encode())

    def open(self, path: Path) -> Run:
        raise InputError("open", "not asked for")

    def footprint(self, path: Path) -> Footprint:
        allocated.append(LIMIT // 2 if allocated else 2 * LIMIT)
        return Footprint(allocated[-1], 0, len(path.read_bytes()))


@pytest.fixture(autouse=True)
def converter(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def prepared(precision: Precision) -> Converter:
        assert precision == "int8"
        return Converter()

    allocated.clear()
    monkeypatch.setattr(remeasurement, "measuring_format", prepared)
    yield


def test_finalists_are_allocated_and_what_takes_too_much_leaves(tmp_path: Path) -> None:
    finals = {"candidates": 1, "most": 9, "replicas": 1}
    with campaign(tmp_path, constraints=RULE, trials=4, finals=finals) as opened:
        play(opened)
        (best,) = (f for f in opened.finalists() if f.value is not None)
        (verdict,) = opened.verdicts_at(best.outcome, 90.0)
        assert verdict.reason.startswith("50,000 bytes of tensor arena (int8, measured)")
        searched = [o for o in opened.outcomes if o.purpose == "search" and o.judgements]
        assert all("predicted" in o.judgements[0].reason for o in searched)
    assert allocated[:2] == [2 * LIMIT, LIMIT // 2]
    allocated[:] = [1]
    with campaign(tmp_path, constraints=RULE, trials=4, finals=finals) as again:
        (same,) = (f for f in again.finalists() if f.value is not None)
        assert same.outcome.genome_id == best.outcome.genome_id
    assert allocated == [1], "what is known is not measured again"


def test_a_network_that_cannot_be_converted_is_named() -> None:
    source = ToySpace().source(ToyGenome(2, 1, 2), Task(1, 8, 8, 10))
    with pytest.raises(ConstraintError, match=r"tflite-int8: .*cannot convert"):
        measured_footprint(source, Converter(refuses=True))


def test_without_the_converter_nothing_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gensynth.formats.measured_footprint.names", lambda kind: [])
    assert measuring_format("int8") is None
