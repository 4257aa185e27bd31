"""A network of one's own, `module:factory`, is told its task and is used as any other network."""

import sys
from pathlib import Path

import pytest
import torch

import gensynth
from gensynth.errors import InputError
from gensynth.latency.reference import find_reference
from gensynth.models.by_name import find_model, reference_source, trainable
from gensynth.models.exported import load_folder
from gensynth.models.factories import factory_source, importable
from gensynth.plugins import trusting
from gensynth.space import Task, build_source
from search_spaces.attendnext import AttendNeXt

TASK = Task(1, 8, 8, 10)
HERE = Path(__file__).parents[2]
MODULE = "tests.support.factories"


@pytest.mark.parametrize("name", ["network", "by_keywords", "of_digits", "sized"])
def test_a_factory_is_told_what_it_takes(name: str) -> None:
    images = torch.zeros(2, 1, 8, 8)
    source = factory_source(f"{MODULE}:{name}", TASK, HERE)
    assert build_source(source).eval()(images).shape == (2, 10)
    assert find_model(f"{MODULE}:{name}", TASK, HERE).module(images).shape == (2, 10)
    assert find_reference(f"{MODULE}:{name}", TASK, HERE).module(images).shape == (2, 10)


def test_it_is_a_reference_of_top1_by_its_name_or_its_file(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text((HERE / "tests/support/factories.py").read_text())
    for name in ("mine:network", "mine.py:network"):
        source = reference_source(name, AttendNeXt(), TASK, "top1", tmp_path)
        assert build_source(source)(torch.zeros(2, 1, 8, 8)).shape == (2, 10)
    assert importable("nets/mine.py:network") == "nets.mine:network"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (f"{MODULE}:of_digits", "expected logits of shape (2, 7) for 2 images, got (2, 10)"),
        (f"{MODULE}:nothing", "has no 'nothing'"),
        ("no_such_module:network", "cannot import 'no_such_module'"),
        ("nonsense", "expected a preset or a MODEL, got 'nonsense'"),
        ("timn:resnet18", "did you mean timm:resnet18?"),
        (f"{MODULE}:torch", "expected a function that builds a network, got module"),
    ],
)
def test_a_reference_that_cannot_be_one_is_one_line(name: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        reference_source(name, AttendNeXt(), Task(1, 8, 8, 7), "toy: reference", HERE)
    assert words in str(caught.value) and str(caught.value).startswith("toy: reference")


def test_a_file_that_an_installed_module_hides_is_refused(tmp_path: Path) -> None:
    (tmp_path / "colorsys.py").write_text((HERE / "tests/support/factories.py").read_text())
    with pytest.raises(InputError, match="another module of this name is installed"):
        factory_source("colorsys:network", TASK, tmp_path)


def test_its_code_is_carried_by_an_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = (HERE / "tests/support/factories.py").read_text()
    (tmp_path / "own_blocks.py").write_text(text.partition("\n\n\ndef network")[0] + "\n")
    lines = ["from own_blocks import Small", "", "", "def network(num_classes, in_chans):"]
    lines += ["    return Small(num_classes, in_chans)", "", "", "if __name__ == '__main__':"]
    whole = "\n".join([*lines, "    network(2, 1)", ""])
    (tmp_path / "own_net.py").write_text(whole)
    done = gensynth.export("own_net:network", "out", image_size=8, channels=1, classes=10)
    code = (done.folder / "own_net_network.py").read_text()
    assert "class Small" in code and "own_blocks" not in code and "needs torch." in code
    for name in ("own_blocks", "own_net"):
        monkeypatch.delitem(sys.modules, name)
        (tmp_path / f"{name}.py").unlink()
    assert load_folder(done.folder)(torch.zeros(2, 1, 8, 8)).shape == (2, 10)
    with trusting(True):
        other = trainable(str(done.folder), Task(1, 8, 8, 4)).source
    assert build_source(other)(torch.zeros(2, 1, 8, 8)).shape == (2, 4)
