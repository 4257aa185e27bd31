"""An exported network in timm, as its card shows it, in a process without this project."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from gensynth.data.preprocessing import Preprocessing
from gensynth.exports.export_folder import write_folder
from gensynth.exports.hub_files import Images
from gensynth.genome import to_json
from gensynth.space import Replay, Task, build_source
from search_spaces.attendnext import AttendNeXt

SPACE = AttendNeXt()
HOW = Preprocessing(3, 32, 32, (0.5, 0.4, 0.3), (0.2, 0.3, 0.4))
IMAGES = Images(HOW, ("cat", "dog", "eel", "fly", "gnu"))
START = """
import json, sys, warnings
import gensynth.models.timm_models
timm = gensynth.models.timm_models.import_timm()
for name in [n for n in sys.modules if n.split(".")[0] in ("gensynth", "search_spaces")]:
    del sys.modules[name]
sys.path = [p for p in sys.path if not (p and __import__("pathlib").Path(p, "gensynth").is_dir())]
import torch
from safetensors.torch import load_file
sys.path.append(sys.argv[1])
folder = sys.argv[1]
import timm_model
x = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
"""


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "best"
    genome = SPACE.sample(Replay(SPACE.presets["tiny"]))
    source = SPACE.source(genome, Task(channels=3, height=32, width=32, classes=5))
    torch.manual_seed(0)
    weights = build_source(source).state_dict()
    file = to_json(genome, "attendnext", SPACE.version)
    write_folder(folder, "attendnext", source, weights, file, "# card\n", images=IMAGES)
    return folder


def run(folder: Path, script: str) -> str:
    command = [sys.executable, "-c", START + script, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_timm_builds_it_with_its_weights(exported: Path) -> None:
    run(
        exported,
        """
from attendnext import attendnext
own = attendnext(); own.load_state_dict(load_file(folder + "/model.safetensors"))
assert timm_model.NAME in timm.list_models("attendnext*")
for name in (timm_model.NAME, "local-dir:" + folder):
    model = timm.create_model(name, pretrained=True)
    assert model.training and model.num_classes == 5
    assert torch.equal(model.eval()(x), own(x)), name
fresh = timm.create_model(timm_model.NAME).eval()
assert not torch.equal(fresh(x), own(x))
assert fresh.state_dict().keys() == own.state_dict().keys()
assert not any(n.startswith("gensynth") for n in sys.modules)
""",
    )


@pytest.mark.slow
def test_classes_channels_and_no_head(exported: Path) -> None:
    run(
        exported,
        """
model = timm.create_model(timm_model.NAME, pretrained=True, num_classes=7).eval()
assert model(x).shape == (2, 7) and model.get_classifier().out_features == 7
weights = load_file(folder + "/model.safetensors")
rest = {k: v for k, v in model.state_dict().items() if not k.startswith("head.")}
assert all(torch.equal(v, weights[k]) for k, v in rest.items())
pooled = timm.create_model(timm_model.NAME, pretrained=True, num_classes=0).eval()
assert pooled(x).shape == (2, pooled.num_features)
gray = timm.create_model(timm_model.NAME, pretrained=True, in_chans=1).eval()
assert gray(x[:, :1]).shape == (2, 5)
first = timm_model.CONFIG["pretrained_cfg"]["first_conv"] + ".weight"
assert torch.allclose(gray.state_dict()[first], weights[first].sum(1, keepdim=True), atol=1e-6)
try:
    timm.create_model(timm_model.NAME, drop_path_rate=0.1)
except TypeError as error:
    assert "drop_path_rate" in str(error)
else:
    raise AssertionError
""",
    )


@pytest.mark.slow
def test_features_have_the_channels_and_strides_they_say(exported: Path) -> None:
    run(
        exported,
        """
body = timm.create_model(timm_model.NAME, pretrained=True, features_only=True).eval()
maps = body(x)
assert len(maps) == len(timm_model.CONFIG["feature_info"]) > 1
for i, one in enumerate(maps):
    stride = body.feature_info.reduction()[i]
    assert one.shape == (2, body.feature_info.channels()[i], -(-32 // stride), -(-32 // stride))
last = timm.create_model(timm_model.NAME, pretrained=True, features_only=True, out_indices=(-1,))
assert torch.equal(last.eval()(x)[0], maps[-1]) and len(last(x)) == 1
""",
    )


@pytest.mark.slow
def test_the_data_config_says_how_images_have_to_be(exported: Path) -> None:
    text = run(
        exported,
        """
model = timm.create_model("local-dir:" + folder, pretrained=True)
config = timm.data.resolve_model_data_config(model)
names = model.pretrained_cfg["label_names"]
timm.data.create_transform(**config)
print(json.dumps([config, names]))
""",
    )
    config, names = json.loads(text.splitlines()[-1])
    assert config["input_size"] == [3, 32, 32] and config["interpolation"] == "bilinear"
    assert (config["mean"], config["std"]) == (list(HOW.mean), list(HOW.std))
    assert config["crop_pct"] == 1.0 and names == list(IMAGES.class_names)


@pytest.mark.slow
def test_two_exports_live_beside_each_other(exported: Path, tmp_path: Path) -> None:
    genome = SPACE.sample(Replay(SPACE.presets["prototype"]))
    source = SPACE.source(genome, Task(channels=3, height=32, width=32, classes=3))
    file = to_json(genome, "attendnext", SPACE.version)
    write_folder(
        tmp_path / "other",
        "attendnext",
        source,
        build_source(source).state_dict(),
        file,
        "# card\n",
    )
    run(
        exported,
        f"""
import importlib
one = timm_model.NAME
del sys.modules["timm_model"]
sys.path.insert(0, {str(tmp_path / "other")!r})
other = importlib.import_module("timm_model").NAME
assert one != other
assert timm.create_model(one).eval()(x).shape == (2, 5)
assert timm.create_model(other).eval()(x).shape == (2, 3)
""",
    )
