"""Exported files are timed as they are, beside each other."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

import gensynth
from gensynth.errors import InputError
from gensynth.evaluation.latency import Interval, Latency
from gensynth.formats import Deployment, formats
from gensynth.latency.files import file_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One network in each format."""
    to = tmp_path_factory.mktemp("files")
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)
    ).eval()
    ready = Deployment(network, (3, 16, 16), torch.rand(8, 3, 16, 16))
    for each in formats(["onnx", "int8", "pt2"]):
        each.write(ready, to / each.file)
    yield to


def test_float_and_int8_are_compared_and_each_says_what_runs_it(folder: Path) -> None:
    files = [str(folder / name) for name in ("model.onnx", "model.int8.onnx", "model.pt2")]
    found = gensynth.compare(files, rounds=1, trust=True)
    assert [row["runtime"] for row in found.rows] == ["onnxruntime", "onnxruntime", "torch"]
    assert [row["input_shape"] for row in found.rows] == [[3, 16, 16]] * 3
    assert found.rows[0]["params"] == found.rows[2]["params"] == 3 * 4 * 9 + 4 + 4 * 2 + 2
    assert all(row["median_ms"] > 0 for row in found.rows) and "sizes" not in found.note


def test_what_cannot_be_timed_is_one_line(folder: Path, tmp_path: Path) -> None:
    onnx = str(folder / "model.onnx")
    for wrong, words in (
        ({"image_size": 32}, "takes 3x16x16 images, not 32 px"),
        ({"device": "cortex-a72"}, "is a file, which is timed on this machine only"),
    ):
        with pytest.raises(InputError, match=words):
            gensynth.compare([onnx], rounds=1, **wrong)
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no model")
    with pytest.raises(InputError, match=r"broken\.onnx: cannot be read"):
        file_model(str(broken))
    assert file_model("attendnext:tiny") is None


def test_a_program_of_somebody_else_is_not_opened_to_time_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = str(folder / "model.pt2")
    with monkeypatch.context() as patch:
        patch.setattr(torch.export, "load", None)  # Opening it would fail otherwise.
        with pytest.raises(InputError, match=r"model\.pt2: can run code when it is opened"):
            gensynth.compare([program], rounds=1)
    assert len(gensynth.compare([program], rounds=1, trust=True).rows) == 1


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (2.8, 2.9, "2.85"),
        (2.85, 15.0, "at least 2.85"),
        (0.1, 0.35, "at most 0.35"),
        (0.5, 2.0, "too noisy to tell"),
    ],
)
def test_of_a_noisy_ratio_the_bound_is_given_that_excludes_one(
    low: float, high: float, words: str
) -> None:
    one = Interval(1.0, 1.0)
    assert Latency(1.0, one, one, 2.85, Interval(low, high)).ratio_words == words


def test_without_a_reference_there_is_no_ratio() -> None:
    one = Interval(1.0, 1.0)
    assert Latency(1.0, one, one).ratio_words == ""
