"""Formats beside the PyTorch file: folded, compared as written, removed where they disagree."""

import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gensynth.cli import main
from gensynth.errors import InputError
from gensynth.exports.agreement import Extras, add_format
from gensynth.exports.export_folder import write_folder
from gensynth.formats import Deployment, Run, formats
from gensynth.formats.fold import folded
from gensynth.formats.real_inputs import RealInputs, noise
from gensynth.models import timm_models
from gensynth.models.by_name import preset_source
from gensynth.space import Draw, SearchSpace, Source, Task, build_source
from search_spaces.attendnet import AttendNet
from search_spaces.attendnext import AttendNeXt
from tests.exports.test_export_folder import USER_MODULE, tiny_source, weights_of, write_module

TASK = Task(channels=3, height=32, width=32, classes=10)


def random_source(space: SearchSpace[Any], seed: int) -> Source:
    return space.source(space.sample(Draw(np.random.default_rng(seed))), TASK)


def stirred(source: Source, seed: int = 0) -> nn.Module:
    """Build a network none of whose numbers is a default: an error in any of them shows."""
    torch.manual_seed(seed)
    network = build_source(source)
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.momentum = None
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.normal_(part.bias)
    with torch.no_grad():
        network.train()(torch.randn(16, *source.input_shape))
    return network.eval()


def inputs_of(source: Source, images: int = 5) -> RealInputs:
    plenty = noise(source.input_shape)
    return RealInputs(plenty.images[:images], plenty.calibration, plenty.origin)


def deployment(source: Source, seed: int = 0) -> Deployment:
    inputs = inputs_of(source)
    return Deployment(stirred(source, seed), source.input_shape, inputs.calibration)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("space", [AttendNeXt(depths=(1, 2)), AttendNet()])
def test_every_norm_of_our_spaces_is_folded(space: SearchSpace[Any], seed: int) -> None:
    source = random_source(space, seed)
    network = stirred(source)
    plain = folded(network, source.input_shape)
    images = torch.randn(3, *source.input_shape)
    with torch.no_grad():
        torch.testing.assert_close(plain(images), network(images), rtol=1e-4, atol=1e-4)
    assert not any(isinstance(part, nn.BatchNorm2d) for part in plain.modules())
    assert any(isinstance(part, nn.BatchNorm2d) for part in network.modules())


class Shared(nn.Module):
    """A convolution that is read twice, and one that runs twice: neither may be folded."""

    def __init__(self) -> None:
        super().__init__()
        self.read_twice, self.run_twice = nn.Conv2d(2, 2, 1), nn.Conv2d(2, 2, 1)
        self.first, self.second = nn.BatchNorm2d(2), nn.BatchNorm2d(2)

    def forward(self, x: Tensor) -> Tensor:
        y = self.read_twice(x)
        y = y + self.first(y)
        return self.second(self.run_twice(self.run_twice(y))).mean((2, 3))  # type: ignore[no-any-return]


def test_a_norm_is_not_folded_into_what_others_read_too() -> None:
    network = Shared()
    network.train()(torch.randn(8, 2, 4, 4))
    images = torch.randn(2, 2, 4, 4)
    torch.testing.assert_close(folded(network, (2, 4, 4))(images), network.eval()(images))


@pytest.mark.parametrize("name", ["onnx", "pt2"])
def test_a_format_agrees_for_any_number_of_images(name: str, tmp_path: Path) -> None:
    source = random_source(AttendNeXt(depths=(1,)), 3)
    (format_,) = formats([name])
    network = deployment(source)
    agreement = add_format(format_, network, inputs_of(source), tmp_path)
    assert agreement.agrees and agreement.same_class == 100 and agreement.images == 5
    run = format_.open(tmp_path / format_.file)
    for count in (1, 2, 7):
        images = torch.randn(count, *source.input_shape)
        with torch.no_grad():
            torch.testing.assert_close(run(images), network.searched(images), rtol=0, atol=1e-4)


def test_int8_is_calibrated_and_its_loss_is_told(tmp_path: Path) -> None:
    source = tiny_source()
    network = deployment(source)
    inputs = noise(source.input_shape)
    with torch.no_grad():
        labels = network.searched(inputs.images).argmax(1)
    told = RealInputs(inputs.images, inputs.calibration, "images", labels)
    agreement = add_format(formats(["int8"])[0], network, told, tmp_path)
    assert 0 < agreement.largest_difference < 1 and agreement.top1_searched == 100
    assert agreement.top1_loss == pytest.approx(100 - agreement.same_class)
    import onnx

    kinds = {node.op_type for node in onnx.load(tmp_path / "model.int8.onnx").graph.node}
    assert {"QuantizeLinear", "DequantizeLinear"} <= kinds


@dataclass
class Wrong:
    """A format that adds something to every logit."""

    error: float = 1.0
    name: str = "wrong"
    file: str = "model.wrong"
    tolerance: float | None = 1e-4

    def check(self) -> None:
        pass

    def write(self, network: Deployment, path: Path) -> None:
        path.write_text("written")
        self.network = network.searched

    def open(self, path: Path) -> Run:
        with torch.no_grad():
            return lambda images: self.network(images).detach() + self.error


@pytest.mark.parametrize(("error", "stays"), [(0.0, True), (1e-3, False), (float("nan"), False)])
def test_a_format_that_disagrees_is_removed(error: float, stays: bool, tmp_path: Path) -> None:
    source = tiny_source()
    extras = Extras([Wrong(error)], inputs_of(source))
    weights = weights_of(source)
    best = tmp_path / "best"
    check = write_folder(best, "attendnext", source, weights, "{}", "# card\n", extras=extras)
    assert (tmp_path / "best" / "model.wrong").exists() == stays
    assert check.agreements[0].agrees == stays
    card = (tmp_path / "best" / "card.md").read_text()
    assert ("disagreed, removed" in card) != stays and "## Formats" in card


def test_what_cannot_be_exported_is_one_line_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    moody = USER_MODULE.replace(
        "        return F.leaky",
        "        if x.sum() > 0:\n            x = -x\n        return F.leaky",
    )
    source = write_module(home, moody, monkeypatch)
    for name in ("pt2", "onnx", "int8"):
        extras = Extras(formats([name]), inputs_of(source))
        with pytest.raises(
            InputError, match=r"torch\.export: cannot export this network"
        ) as caught:
            write_folder(
                tmp_path / "best", "mine", source, weights_of(source), "{}", "", extras=extras
            )
        assert "\n" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home"]


@pytest.mark.parametrize(
    ("name", "package", "extra"),
    [
        ("onnx", "onnxruntime", "onnx"),
        ("int8", "onnxscript", "onnx"),
        ("executorch", "executorch", "executorch"),
    ],
)
def test_a_missing_extra_is_named(
    name: str, package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=rf'needs {package}.*pip install "{extra}') as told:
        formats([name])
    assert "\n" not in str(told.value)


def test_an_unknown_format_gets_the_nearest() -> None:
    with pytest.raises(InputError, match="unknown format 'onx'; did you mean 'onnx'"):
        formats(["torch", "onx"])
    assert [f.name for f in formats(["torch", "pt2", "pt2"])] == ["pt2"]


def test_the_command_exports_all_and_tells_how_they_agree(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["export", "attendnext:tiny", "--to", str(tmp_path / "out"), "--image-size", "8"]
    words += ["--channels", "1", "--classes", "10", "--data", "digits", "--format", "onnx,int8"]
    with pytest.raises(SystemExit) as ended:
        main(words)
    out, err = capsys.readouterr()
    assert (ended.value.code, err) == (0, "")
    assert "onnx: largest difference" in out and "359 validation images of digits" in out
    names = {"attendnext.py", "model.safetensors", "genome.json", "card.md"}
    names |= {"config.json", "timm_model.py", "model.onnx", "model.int8.onnx"}
    names |= {"predict.py", "predict_onnx.py"}
    assert {p.name for p in (tmp_path / "out").iterdir()} == names


def test_the_command_ends_with_1_where_a_format_disagrees(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["export", "attendnext:tiny", "--to", str(tmp_path / "out"), "--image-size", "8"]
    with pytest.raises(SystemExit) as ended:
        main([*words, "--format", "tests.exports.test_formats:Wrong,pt2"])
    out, _ = capsys.readouterr()
    assert ended.value.code == 1 and "wrong: largest difference 1 " in out
    assert "DISAGREES, removed" in out and "images of noise" in out
    left = {p.name for p in (tmp_path / "out").iterdir()}
    assert "model.pt2" in left and "model.wrong" not in left


@pytest.mark.parametrize("space", [AttendNeXt(depths=(1, 2)), AttendNet()])
@pytest.mark.parametrize("seed", range(6))
def test_a_network_is_a_backbone(space: SearchSpace[Any], seed: int) -> None:
    source = random_source(space, seed)
    network: Any = build_source(source).eval()
    size = source.input_shape[1]
    with torch.no_grad():
        last, maps = network.forward_intermediates(torch.rand(1, *source.input_shape))
    strides = [facts["reduction"] for facts in network.feature_info]
    assert strides == sorted(set(strides)) and torch.equal(last, maps[-1])
    for facts, features in zip(network.feature_info, maps, strict=True):
        side = -(-size // facts["reduction"])
        assert features.shape == (1, facts["num_chs"], side, side)


def test_the_presets_give_the_strides_that_detectors_take() -> None:
    source = preset_source(AttendNeXt(), "xa325", Task(3, 64, 64, 10))
    network: Any = build_source(source).eval()
    timm_models.import_timm()
    info = import_module("timm.models._features").FeatureInfo(network.feature_info, (1, 3))
    assert (info.channels(), info.reduction()) == ([84, 744], [8, 32])
    assert [facts["reduction"] for facts in network.feature_info] == [4, 8, 16, 32]
    with torch.no_grad():
        maps = network.forward_intermediates(torch.rand(1, 3, 64, 64), 2, True)
    assert [features.shape[1:] for features in maps] == [(352, 4, 4), (744, 2, 2)]
