"""What a trained network states of its pictures is checked, and a foreign one is described."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

import gensynth
from gensynth.errors import InputError
from gensynth.prediction.classifier import Classifier

COLOURS = {"red": (200, 10, 10), "green": (10, 200, 10), "blue": (10, 10, 200)}
HOW: dict[str, Any] = {"channels": 3, "height": 8, "width": 8, "mean": [0.0] * 3, "std": [1.0] * 3}


@pytest.fixture
def pictures(tmp_path: Path) -> list[str | Path]:
    for name, colour in COLOURS.items():
        Image.new("RGB", (20, 10), colour).save(tmp_path / f"{name}.png")
    return [tmp_path / f"{name}.png" for name in COLOURS]


def described(folder: Path, names: object = tuple(COLOURS), **changes: object) -> Path:
    """Write the config.json of a network that others have made."""
    file = folder / "config.json"
    file.write_text(json.dumps({"preprocessing": HOW | changes, "label_names": names}))
    return file


def foreign(
    folder: Path, *, batch: str | int = "batch", softmax: bool = False, more: bool = False
) -> Path:
    """Write an ONNX file as others do, which gives the mean of each channel."""
    helper, kind = pytest.importorskip("onnx").helper, pytest.importorskip("onnx").TensorProto.FLOAT
    nodes = [
        helper.make_node("GlobalAveragePool", ["pixel_values"], ["means"]),
        helper.make_node("Flatten", ["means"], ["flat"]),
        helper.make_node("Softmax" if softmax else "Identity", ["flat"], ["output"]),
    ]
    names = ["output", "flat"] if more else ["output"]
    outputs = [helper.make_tensor_value_info(name, kind, [batch, 3]) for name in names]
    images = helper.make_tensor_value_info("pixel_values", kind, [batch, 3, 8, 8])
    graph = helper.make_graph(nodes, "foreign", [images], outputs)
    opset = [helper.make_opsetid("", 17)]
    content = helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()
    (folder / "foreign.onnx").write_bytes(content)
    return folder / "foreign.onnx"


@pytest.mark.parametrize("batch", ["batch", 1])
@pytest.mark.parametrize("softmax", [False, True])
def test_a_foreign_file_is_run_as_it_is_described(
    batch: str | int, softmax: bool, pictures: list[str | Path], tmp_path: Path
) -> None:
    model = foreign(tmp_path, batch=batch, softmax=softmax)
    found = gensynth.predict(model, pictures, preprocess=described(tmp_path))
    assert [one.best for one in found] == list(COLOURS)
    means = torch.tensor([200, 10, 10]) / 255
    assert found[0].probability == pytest.approx(float(means.softmax(0)[0]), abs=1e-6)


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"names": ["a", "b"]}, r"outputs of shape \(8, 3\) for 8 images, but 2 classes are named"),
        ({"names": None}, "label_names"),
        ({"height": 16}, r"cannot run on the images of \(3, 16, 8\)"),
        ({"height": 10**6}, "must be from 1 to 4096 pixels"),
        ({"then": [8, 0]}, "must be from 1 to 4096 pixels"),
        ({"std": [1.0, 0.0, 1.0]}, "std above 0"),
        ({"mean": [0.0]}, "expected 3 values each"),
        ({"white": 0}, "white: must be at least 1"),
        ({"background": None}, "background: must be from 0 to 255"),
        ({"channels": 4, "mean": [0.0] * 4, "std": [1.0] * 4}, "expected 1 or 3 channels, got 4"),
        ({"filter": "lanczos"}, "bilinear"),
    ],
)
def test_a_description_that_cannot_be_is_one_line(
    config: dict[str, Any], problem: str, pictures: list[str | Path], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=problem) as told:
        gensynth.predict(foreign(tmp_path), pictures, preprocess=described(tmp_path, **config))
    assert "\n" not in str(told.value)


def test_a_file_with_several_outputs_is_not_guessed_at(
    pictures: list[str | Path], tmp_path: Path
) -> None:
    model = foreign(tmp_path, more=True)
    with pytest.raises(InputError, match="expected one output, found 2: output, flat"):
        gensynth.predict(model, pictures, preprocess=described(tmp_path))
    with pytest.raises(InputError, match=r"states no preprocessing.*--preprocess"):
        gensynth.predict(model, pictures)


def test_a_file_that_can_run_code_is_opened_only_if_it_is_trusted(
    pictures: list[str | Path], tmp_path: Path
) -> None:
    (tmp_path / "model.pt2").write_bytes(b"PK\5\6" + bytes(18))
    with pytest.raises(InputError, match=r"can run code when it is opened.*--trust"):
        gensynth.predict(tmp_path / "model.pt2", pictures, preprocess=described(tmp_path))
    with pytest.raises(InputError, match="states no preprocessing"):
        gensynth.predict(tmp_path / "model.pt2", pictures, trust=True)


def test_an_output_that_is_no_number_is_no_class(pictures: list[str | Path]) -> None:
    def run(images: torch.Tensor) -> torch.Tensor:
        return images.mean((2, 3)) / torch.zeros(3)

    def prepare(file: Any) -> Any:
        return torch.zeros(3, 8, 8).numpy()

    (found,) = Classifier("broken", prepare, run, tuple(COLOURS)).probabilities(pictures[:1])
    assert found == "the output of the network is not finite"
