import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from gensynth.errors import InputError
from gensynth.exports.export_folder import ExportCheck, ExportError, write_folder
from gensynth.models.exported import input_shape, load_folder
from gensynth.space import Replay, Source, Task, build_source
from search_spaces.attendnext import AttendNeXt

TASK = Task(channels=1, height=8, width=8, classes=10)
SPACE = AttendNeXt()


def tiny_source(**changes: str | int | float) -> Source:
    decisions = {**SPACE.presets["tiny"], **changes}
    return SPACE.source(SPACE.sample(Replay(decisions)), TASK)


def weights_of(source: Source, seed: int = 0) -> dict[str, torch.Tensor]:
    torch.manual_seed(seed)
    network = build_source(source)
    network(torch.randn(16, *source.input_shape))  # moves the running statistics
    return network.state_dict()


def export(folder: Path, source: Source, replace: bool = False) -> ExportCheck:
    return write_folder(folder, "attendnext", source, weights_of(source), "{}", "# card\n", replace)


def test_an_export_is_whole_and_computes_the_same(tmp_path: Path) -> None:
    source = tiny_source()
    check = export(tmp_path / "best", source)
    assert sorted(path.name for path in tmp_path.rglob("*")) == [
        "attendnext.py",
        "best",
        "card.md",
        "config.json",
        "genome.json",
        "model.safetensors",
        "predict.py",
        "timm_model.py",
    ]
    images = torch.rand(8, *source.input_shape)
    searched = build_source(source)
    searched.load_state_dict(weights_of(source))
    exported = load_folder(tmp_path / "best")
    assert torch.equal(searched.eval()(images), exported(images))
    assert check.params == sum(p.numel() for p in searched.parameters())
    assert check.largest_difference == 0
    assert input_shape(tmp_path / "best") == source.input_shape


def test_it_runs_where_this_project_is_not_installed(tmp_path: Path) -> None:
    source = tiny_source()
    export(tmp_path / "best", source)
    images = torch.rand(4, *source.input_shape)
    save_file({"images": images}, tmp_path / "images.safetensors")
    packages = Path(torch.__file__).parent.parent
    script = f"""
import sys
sys.path += [{str(packages)!r}, {str(tmp_path / "best")!r}]
for name in ("gensynth", "search_spaces"):
    sys.modules[name] = None  # an import of it fails
from safetensors.torch import load_file, save_file
from attendnext import attendnext
model = attendnext()
model.load_state_dict(load_file({str(tmp_path / "best" / "model.safetensors")!r}))
images = load_file({str(tmp_path / "images.safetensors")!r})["images"]
maps = model.forward_features(images)
save_file({{"logits": model(images)}}, {str(tmp_path / "logits.safetensors")!r})
ours = [name for name in sys.modules if name.startswith(("gensynth.", "search_spaces."))]
assert not ours and not model.training and maps[-1].dim() == 4
"""
    subprocess.run([sys.executable, "-I", "-S", "-c", script], check=True, cwd=tmp_path)
    logits = load_file(tmp_path / "logits.safetensors")["logits"]
    assert torch.equal(logits, load_folder(tmp_path / "best")(images))


def test_what_the_network_does_not_use_is_dropped(tmp_path: Path) -> None:
    without = {"stage1.attention": "none", "stage2.attention": "none"}
    export(tmp_path / "plain", tiny_source(**without))
    export(tmp_path / "gated", tiny_source(gate="softmax"))
    plain, gated = ((tmp_path / name / "attendnext.py").read_text() for name in ("plain", "gated"))
    assert "class Residual" in plain and "Condenser" not in plain and "def softmax" not in plain
    assert "class ReleasedCondenser" in gated and "def softmax(" in gated
    assert "class TextCondenser" not in gated and "def softmax_c" not in gated
    assert all(len(line) <= 100 for line in (plain + gated).splitlines())


def test_a_folder_that_exists_is_refused_or_replaced(tmp_path: Path) -> None:
    export(tmp_path / "best", tiny_source())
    with pytest.raises(InputError, match="exists"):
        export(tmp_path / "best", tiny_source())
    wider = tiny_source(**{"stem.width": 16})
    export(tmp_path / "best", wider, replace=True)
    assert len(list(tmp_path.iterdir())) == 1
    exported = load_folder(tmp_path / "best")
    assert exported.get_parameter("stem.first.conv.weight").shape[0] == 16


def test_a_folder_that_is_no_export_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="not an earlier export"):
        export(tmp_path, tiny_source(), replace=True)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_foreign_weights_are_refused_and_nothing_is_left(tmp_path: Path) -> None:
    other = weights_of(tiny_source(**{"stem.width": 16}))
    with pytest.raises(InputError, match="do not fit the network"):
        write_folder(tmp_path / "best", "attendnext", tiny_source(), other, "{}", "")
    assert not list(tmp_path.iterdir())


def write_module(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> Source:
    """Write a user's module of that text, importable under a name of its own."""
    name = f"user_{folder.name.replace('-', '_')}_blocks"
    (folder / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(folder)
    return Source(name, {"width": 3}, (1, 4, 4))


USER_MODULE = '''"""A user's network."""

import torch.nn as nn
import torch.nn.functional as F

# Chosen by hand.
SLOPE = 0.1
"""Of the activation."""


class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = nn.Conv2d(1, width, 3)

    def forward(self, x):
        return F.leaky_relu(self.conv(x), SLOPE).mean((2, 3))


class Unused(nn.Module):
    pass


def make(spec):
    return Net(spec["width"])
'''


def test_a_users_own_module_is_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_module(tmp_path, USER_MODULE, monkeypatch)
    write_folder(tmp_path / "best", "mine", source, weights_of(source), "{}", "")
    text = (tmp_path / "best" / "mine.py").read_text()
    assert "Unused" not in text and '# Chosen by hand.\nSLOPE = 0.1\n"""Of the' in text
    assert load_folder(tmp_path / "best")(torch.rand(2, 1, 4, 4)).shape == (2, 3)


def test_a_network_that_computes_otherwise_once_exported_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    depends = USER_MODULE.replace("SLOPE)", "0.1 if __name__.startswith('user_') else 0.9)")
    source = write_module(tmp_path, depends, monkeypatch)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ExportError, match="differ"):
        write_folder(tmp_path / "best", "mine", source, weights_of(source), "{}", "")
    assert sorted(path for path in tmp_path.iterdir() if path.name != "__pycache__") == before


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("import yaml", ":6"),
        ("from gensynth.data import open", ":6"),
        ("if True:\n    x = 1", ":6"),
        ("def make(spec):\n    import safetensors\n    return Net(3)\n", "make"),
    ],
)
def test_what_a_file_of_its_own_cannot_hold_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, place: str
) -> None:
    text = USER_MODULE.replace("# Chosen by hand.", line)
    if line.startswith("def make"):
        text = USER_MODULE[: USER_MODULE.index("def make")] + line
    source = write_module(tmp_path, text, monkeypatch)
    with pytest.raises(InputError) as caught:
        write_folder(tmp_path / "best", "mine", source, weights_of(source), "{}", "")
    assert place in caught.value.place


@pytest.mark.parametrize("name", ["make", "Net", "nn", "class", "a-b", "predict"])
def test_a_factory_needs_a_name_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    source = write_module(tmp_path, USER_MODULE, monkeypatch)
    with pytest.raises(InputError, match="cannot be the name"):
        write_folder(tmp_path / "best", name, source, weights_of(source), "{}", "")


def test_all_files_of_an_export_can_be_read_by_others(tmp_path: Path) -> None:
    export(tmp_path / "best", tiny_source())
    assert all(path.stat().st_mode & 0o044 == 0o044 for path in (tmp_path / "best").iterdir())
