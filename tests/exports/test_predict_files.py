"""One picture, one class: by training's way, `gensynth predict`, both predict.py, and timm."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import gensynth
from gensynth.data.batches import Batches
from gensynth.data.open import open_data
from gensynth.data.preprocessing import Chain
from gensynth.data.sets import DataSet, DataSettings
from gensynth.exports.agreement import Extras
from gensynth.exports.export_folder import write_folder
from gensynth.exports.hub_files import Images
from gensynth.formats import formats
from gensynth.formats.real_inputs import of_data
from gensynth.genome import to_json
from gensynth.models.exported import load_folder
from gensynth.models.timm_models import import_timm
from gensynth.space import Replay, Task
from search_spaces.attendnext import AttendNeXt
from tests.exports.test_export_folder import weights_of
from tests.support.pictures import write_mixed

SPACE = AttendNeXt()
BEYOND_TIMM = ("exif", "deep", "transparent")
"""What timm's transform leaves to whoever opens the picture."""


def exported(tmp_path: Path, chain: Chain, cache: Path) -> tuple[Path, Path, DataSet]:
    """Export a network of 16 pixels for data of 32; return it, its pictures and its data."""
    photos, size = write_mixed(tmp_path / "photos"), (16, 16)
    settings = DataSettings(str(photos), 32, channels=3, chain=chain)
    data = open_data(settings, cache, size=size)
    decisions = {**SPACE.presets["tiny"], "resolution": 0.5}
    genome = SPACE.sample(Replay(decisions))
    source = SPACE.source(genome, Task(3, 32, 32, 2))
    assert source.input_shape == (3, *size)
    inputs = of_data(data, "photos", "test", size, trained=True)
    write_folder(
        tmp_path / "network",
        "attendnext",
        source,
        weights_of(source),
        to_json(genome, "attendnext", SPACE.version),
        "# card\n",
        extras=Extras(formats(["onnx", "int8", "pt2"]), inputs),
        images=Images(data.preprocessing(size), data.class_names),
    )
    return tmp_path / "network", photos, data


def run(script: Path, blocked: tuple[str, ...], files: list[str]) -> dict[str, str]:
    """Run a script where some packages cannot be imported; return the class of each file."""
    code = (
        "import runpy, sys\n"
        f"sys.modules |= dict.fromkeys({blocked!r})\n"
        f"sys.argv, sys.path[0] = sys.argv[1:], {str(script.parent)!r}\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    command = [sys.executable, "-c", code, str(script), *files]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    told = [line.rsplit(": ", 1) for line in done.stdout.splitlines()]
    return {file: word.rpartition(" (")[0] for file, word in told}


@pytest.mark.parametrize("chain", ["one_resize", "two_resizes"])
def test_every_way_gives_the_same_class(tmp_path: Path, chain: Chain) -> None:
    folder, photos, data = exported(tmp_path, chain, tmp_path / "cache")
    network, device = load_folder(folder), torch.device("cpu")
    layout, expected = torch.contiguous_format, []
    for split in data.splits:
        images, _ = Batches(data, (split,), (16, 16), device, layout).at(
            torch.arange(len(data.splits[split]))
        )
        expected += network(images).argmax(1).tolist()
    predicted = {one.picture: one for one in gensynth.predict(folder, photos)}
    files = sorted(predicted)
    assert len(files) == len(expected) == 40
    classes = {file: predicted[file].best for file in files}
    # Training shuffles the pictures into splits, so the classes are compared as a whole.
    assert sorted(data.class_names[k] for k in expected) == sorted(classes.values())
    ours = ("gensynth", "search_spaces", "timm", "torchvision", "sklearn", "pandas", "optuna")
    assert run(folder / "predict.py", ours, files) == classes
    assert run(folder / "predict_onnx.py", (*ours, "torch"), files) == classes
    for name in ("model.onnx", "model.pt2"):
        found = gensynth.predict(folder / name, photos)
        assert {one.picture: one.best for one in found} == classes, name
    quantised = gensynth.predict(folder / "model.int8.onnx", photos)
    assert [one.picture for one in quantised] == [one.picture for one in predicted.values()]
    for script in ("predict.py", "predict_onnx.py"):
        lines = (folder / script).read_text().splitlines()
        assert len(lines) < 50 and max(map(len, lines)) <= 100


def test_what_cannot_be_read_is_one_line_and_the_others_go_on(tmp_path: Path) -> None:
    folder, photos, _ = exported(tmp_path, "one_resize", tmp_path / "cache")
    good = sorted(map(str, photos.rglob("*.png")))[0]
    (tmp_path / "broken.jpg").write_bytes(b"nothing")
    for script in ("predict.py", "predict_onnx.py"):
        words = [sys.executable, str(folder / script), str(tmp_path / "broken.jpg"), good]
        done = subprocess.run(words, capture_output=True, text=True, timeout=300)
        assert done.returncode == 1 and done.stdout.startswith(f"{good}: ")
        (line,) = done.stderr.splitlines()
        assert line.startswith(f"{tmp_path / 'broken.jpg'}: cannot be read: ")


def test_timm_prepares_what_it_can_express_alike(tmp_path: Path) -> None:
    folder, photos, _ = exported(tmp_path, "one_resize", tmp_path / "cache")
    import_timm()
    data = import_module("timm.data")
    config = import_module("json").loads((folder / "config.json").read_text())
    kept = ("input_size", "mean", "std", "interpolation", "crop_pct", "crop_mode")
    settings = {key: config["pretrained_cfg"][key] for key in kept}
    transform, network = data.create_transform(**settings), load_folder(folder)
    for one in gensynth.predict(folder, photos, top=2):
        if Path(one.picture).name.startswith(BEYOND_TIMM):
            continue
        image = transform(Image.open(one.picture).convert("RGB"))
        shares = network(image[None])[0].detach().softmax(0)
        assert config["label_names"][int(shares.argmax())] == one.best
        assert float(shares.max()) == pytest.approx(one.probability, abs=1e-5)


def test_the_preprocessing_is_in_every_file(tmp_path: Path) -> None:
    folder, _, data = exported(tmp_path, "one_resize", tmp_path / "cache")
    json, onnx = import_module("json"), import_module("gensynth.formats.onnx")
    stated = json.loads((folder / "config.json").read_text())["preprocessing"]
    assert (stated["height"], stated["then"], stated["background"]) == (16, None, 255)
    assert np.allclose(stated["mean"], data.mean)
    pt2 = import_module("gensynth.formats.pt2")
    with import_module("safetensors").safe_open(folder / "model.safetensors", "np") as weights:
        kept = weights.metadata()
    found = [onnx.onnx_metadata(folder / name) for name in ("model.onnx", "model.int8.onnx")]
    for facts in (*found, kept, pt2.pt2_metadata(folder / "model.pt2")):
        assert json.loads(facts["preprocessing"]) == stated
        assert json.loads(facts["classes"]) == list(data.class_names)
    for facts in found:
        assert json.loads(facts["size"]) == [16, 16]
        assert json.loads(facts["mean"]) == stated["mean"]
        assert json.loads(facts["std"]) == stated["std"]
    text = (folder / "attendnext.py").read_text()
    assert "PREPROCESSING = {" in text and 'CLASSES = ["cat é", "dog"]' in text
