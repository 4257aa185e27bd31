"""Fine-tuning: a training goes on from an exported network, for its classes or for others."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from sklearn.datasets import load_digits
from torch import nn

import gensynth
from gensynth.data.open import open_data
from gensynth.data.preprocessing import Preprocessing
from gensynth.data.sets import DataSet, DataSettings
from gensynth.errors import InputError
from gensynth.exports.hub_files import Images, as_exported
from gensynth.models.exported import load_folder
from gensynth.training.job import Start
from gensynth.training.starting_weights import begin_from, classifier


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a network that was trained on the digits."""
    folder = tmp_path_factory.mktemp("tuning") / "first"
    gensynth.train("attendnext:tiny", "digits", epochs=6, rates=[0.2], out=folder)
    return folder


def write_digits(folder: Path, names: dict[int, str]) -> Path:
    """Write a quarter of the digits as picture files, in folders called `names[digit]`."""
    digits = load_digits()
    for index, (image, label) in enumerate(zip(digits.images, digits.target, strict=True)):
        if label in names and index % 4 == 0:
            place = folder / names[label]
            place.mkdir(parents=True, exist_ok=True)
            pixels = np.round(image * (255 / 16)).astype(np.uint8)
            Image.fromarray(pixels).save(place / f"{index}.png")
    return folder


def accuracy(network: Path, data: DataSet) -> float:
    """Measure an exported network on the validation split, by what its config.json says."""
    config = json.loads((network / "config.json").read_text())["pretrained_cfg"]
    split = data.splits["validation"]
    images = (torch.from_numpy(split.images) / 255 - config["mean"][0]) / config["std"][0]
    with torch.no_grad():
        found = load_folder(network)(images).argmax(1)
    return 100 * float((found == torch.from_numpy(split.labels)).float().mean())


def test_fine_tuning_begins_at_the_accuracy_of_the_network(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pictures = write_digits(tmp_path / "pictures", {digit: str(digit) for digit in range(10)})
    on = tmp_path / "on"
    report = gensynth.train(trained, pictures, epochs=2, rates=[0.01], out=on).report
    assert "its classes are those of the images" in capsys.readouterr().err
    before = accuracy(trained / "network", open_data(DataSettings(str(pictures))))
    assert report is not None and report.start_top1 == pytest.approx(before, abs=0.01)
    assert before > 25, "chance is 10 %"
    configs = [(folder / "network" / "config.json").read_text() for folder in (trained, on)]
    assert configs[0] == configs[1], "the normalisation of the first training is kept"


def test_other_classes_get_a_new_last_layer(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pictures = write_digits(tmp_path / "pictures", {0: "ring", 1: "stick", 4: "chair"})
    network, out = trained / "network", tmp_path / "on"
    done = gensynth.train(network, pictures, epochs=1, rates=[0.05], out=out)
    said = "its last layer is replaced (3 classes instead of 10)"
    assert said in capsys.readouterr().err and said in done.start
    assert done.network()(torch.zeros(2, 1, 8, 8)).shape == (2, 3)
    assert "SPEC: dict[str, Any] = " in (out / "network" / "attendnext.py").read_text()


def test_from_scratch_nothing_is_taken_over(trained: Path, tmp_path: Path) -> None:
    done = gensynth.train(
        trained / "network", "digits", epochs=1, rates=[0.2], out=tmp_path, from_scratch=True
    )
    assert done.start == "" and done.report is not None and done.report.start_top1 is None


def test_weights_that_have_changed_or_do_not_fit_are_refused(trained: Path) -> None:
    file = trained / "network" / "model.safetensors"
    with pytest.raises(InputError, match="has changed since the training began"):
        begin_from(nn.Linear(2, 2), Start(str(file), "0" * 64, (), ()))
    assert classifier(nn.Sequential(nn.Conv2d(3, 8, 1))) == ("0.weight", "0.bias")
    assert load_file(file)


def test_new_images_are_opened_with_the_background_of_the_network() -> None:
    how = Preprocessing(3, 32, 32, (0.5,) * 3, (0.25,) * 3, background=0)
    assert as_exported(Images(how, ["a", "b"]), DataSettings("photos")).background == 0
    earlier = Preprocessing(3, 32, 32, (0.5,) * 3, (0.25,) * 3, None, fit="box")
    assert as_exported(Images(earlier, ["a", "b"]), DataSettings("photos")).background == 255
