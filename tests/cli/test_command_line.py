"""The command line as a person or a program meets it: what it prints, and how it ends."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gensynth.cli import main
from gensynth.genome import to_json
from gensynth.space import Replay
from search_spaces.attendnext import AttendNeXt

ROOT = Path(__file__).parents[2]
TOY = """
generator = "gensynth"
executor = "inline"
trials = 4
space = "tests.support.toy_space:ToySpace"
[proxy]
epochs = 2
[last_training]
data_share = 0.5
[finals]
candidates = 1
most = 2
replicas = 2
confidence = 0.6    # The bound of two trainings is above 1 %, however far apart they end.
[constraints.max_params]
limit = 100000
[constraints.top1]
min = 1.0
"""


def run(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    out, err = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, out, err


def rows(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, list[Any]]:
    code, out, _ = run(capsys, *words, "--json")
    listed: list[Any] = json.loads(out)
    return code, listed


@pytest.fixture(scope="module")
def toml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("experiment") / "toy.toml"
    path.write_text(TOY + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def finished(toml: Path) -> Path:
    """A campaign that has run to its end."""
    folder = toml.parent / "run"
    command = [sys.executable, "-m", "gensynth", "search", str(toml), "--out", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, env=with_tests_importable())
    assert done.returncode == 0, done.stderr
    return folder


def with_tests_importable() -> dict[str, str]:
    import os

    return os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def test_search_leaves_an_exported_network_and_the_campaign(finished: Path) -> None:
    assert {"study.db", "experiment.toml", "log.jsonl", "best"} <= {
        p.name for p in finished.iterdir()
    }
    assert {p.name for p in (finished / "best").iterdir()} == {
        "toyspace.py", "model.safetensors", "genome.json", "card.md",
        "config.json", "timm_model.py", "predict.py", "evaluation.json",
    }  # fmt: skip
    config = json.loads((finished / "best" / "config.json").read_text())
    assert config["label_names"] == [str(digit) for digit in range(10)]
    card = (finished / "best" / "card.md").read_text()
    assert "Classes, in the order of the outputs: 0, 1, 2," in card
    assert "trainings of 2 epochs on the training images" in card
    assert "Last training: 8 epochs on 0.5 of train and validation together" in card
    assert "Test top-1" in card and "looked at | 1 time |" in card
    events = [json.loads(line) for line in (finished / "log.jsonl").read_text().splitlines()]
    assert sum(event["event"] == "started" for event in events) >= 7
    assert not list((finished / "candidates").glob("*/job.json"))


def test_export_of_a_campaign_and_of_one_of_its_candidates(
    capsys: pytest.CaptureFixture[str], finished: Path, tmp_path: Path
) -> None:
    assert run(capsys, "export", finished, "--to", tmp_path / "winner")[0] == 0
    best = (finished / "best" / "model.safetensors").read_bytes()
    assert (tmp_path / "winner" / "model.safetensors").read_bytes() == best
    code, out, _ = run(capsys, "export", f"{finished}:0", "--to", tmp_path / "first")
    assert code == 0 and "fresh weights: this network was not trained; it takes 1 x 8 x 8" in out
    card = (tmp_path / "first" / "card.md").read_text()
    assert "not trained" in card and "normalisations come from training images of digits" in card
    assert "| Input | (N, 1, 8, 8), float32 |" in card and "| Parameters | " in card


def test_a_changed_rule_is_said_and_what_is_feasible_no_more_is_not_exported(
    capsys: pytest.CaptureFixture[str], finished: Path, tmp_path: Path, toml: Path
) -> None:
    shutil.copytree(finished, tmp_path / "run")
    text = toml.read_text(encoding="utf-8")
    (tmp_path / "high.toml").write_text(text.replace("min = 1.0", "min = 100.0"), encoding="utf-8")
    _, _, err = run(capsys, "search", tmp_path / "high.toml", "--out", tmp_path / "run")
    assert (
        "changed: constraints.top1.options.min (1.0 before, 100.0 now); recorded candidates are"
        in err
    )
    shutil.copytree(finished, tmp_path / "same")
    code, _, err = run(capsys, "search", toml, "--out", tmp_path / "same")
    assert code == 0 and "changed" not in err


def test_what_a_campaign_or_an_export_has_decided_is_not_asked_again(
    capsys: pytest.CaptureFixture[str], finished: Path, tmp_path: Path
) -> None:
    to = ("--to", tmp_path / "never")
    code, _, err = run(capsys, "export", finished, *to, "--image-size", "16")
    assert code == 2 and "a campaign's networks are built for its own images" in err
    code, _, err = run(capsys, "export", finished / "best", *to, "--image-size", "16")
    assert code == 2 and "an export has its own" in err
    assert not (tmp_path / "never").exists()


def test_a_genome_file_is_counted_at_a_size_that_is_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    space, genome = AttendNeXt(), tmp_path / "genome.json"
    tiny = space.sample(Replay(space.presets["tiny"]))
    genome.write_text(to_json(tiny, "attendnext", space.version))
    assert "counted at 224 px" in rows(capsys, "check", genome)[1][0]["note"]
    assert rows(capsys, "check", genome, "--image-size", "32")[1][0]["note"] == ""


@pytest.mark.parametrize("width", [10**12, 10**20])
def test_a_genome_that_no_machine_holds_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, width: int
) -> None:
    space, genome = AttendNeXt(), tmp_path / "genome.json"
    tiny = space.sample(Replay(space.presets["tiny"]))
    huge = replace(tiny, stem=replace(tiny.stem, width=width))
    genome.write_text(to_json(huge, "attendnext", space.version))
    code, _, err = run(capsys, "export", genome, "--to", tmp_path / "out")
    assert code == 2 and err.startswith("gensynth: ") and err.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["genome.json"]


def test_generate_draws_from_the_learned_generator(
    capsys: pytest.CaptureFixture[str], finished: Path
) -> None:
    code, drawn = rows(capsys, "generate", finished, "--seeds", "3")
    assert code == 0 and len(drawn) == 3
    assert all(0 <= row["predicted_feasible"] <= 1 and row["params"] > 0 for row in drawn)
    assert drawn == rows(capsys, "generate", finished, "--seeds", "3")[1]
    text = run(capsys, "generate", finished, "--seeds", "3")[1]
    assert "start: " in text and "end: " in text and "predicted: " in text


def test_golden_counts_of_the_presets(capsys: pytest.CaptureFixture[str]) -> None:
    names = ("attendnext:xa325", "attendnext:ref659", "attendnext:prototype")
    code, shown = rows(capsys, "score", *names, "--top1", "75.8")
    assert code == 0
    assert [row["params"] for row in shown] == [2_376_600, 4_641_620, 4_963_920]
    assert [round(row["macs"] / 1e6, 1) for row in shown] == [319.7, 652.6, 628.6]
    assert shown[0]["score"] == pytest.approx(76.38, abs=0.01)


def test_published_numbers_are_scored(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("score", "--top1", "72.0", "--params", "3.47M", "--macs", "0.3G")
    code, shown = rows(capsys, *words)
    assert code == 0 and shown[0]["score"] == pytest.approx(74.12, abs=0.01)


def test_the_presets_keep_all_four_constraints_and_their_top1_is_not_judged(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, shown = rows(capsys, "check", "attendnext:xa325", "attendnext:prototype")
    assert code == 0
    for row in shown:
        verdicts = {v["constraint"]: v["ok"] for v in row["verdicts"]}
        assert verdicts == {
            "columnar": True, "strided_pointwise": True, "antialiased_downsampling": True,
            "top1": None,
        }  # fmt: skip


def test_check_names_the_strided_shortcuts_of_a_resnet(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "resnet_style.py").write_text(RESNET)
    monkeypatch.chdir(tmp_path)
    code, (row,) = rows(capsys, "check", "resnet_style:small", "--image-size", "32")
    verdict = next(v for v in row["verdicts"] if v["constraint"] == "strided_pointwise")
    assert code == 1 and not verdict["ok"] and verdict["violation"] > 0
    assert verdict["offenders"] == ["second.shortcut", "third.shortcut"]


RESNET = """
from torch import nn

class Block(nn.Module):
    def __init__(self, a, b, stride):
        super().__init__()
        self.conv = nn.Conv2d(a, b, 3, stride, 1)
        self.mix = nn.Conv2d(b, b, 3, 1, 1)
        self.shortcut = nn.Conv2d(a, b, 1, stride)
    def forward(self, x):
        return (self.mix(self.conv(x).relu()) + self.shortcut(x)).relu()

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.third = Block(3, 8, 1), Block(8, 16, 2), Block(16, 32, 2)
        self.head = nn.Linear(32, 10)
    def forward(self, x):
        return self.head(self.third(self.second(self.first(x))).mean((2, 3)))

def small():
    return Net()
"""


def test_a_network_that_cannot_run_says_so_and_what_can_be_said(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "odd.py").write_text(
        "from torch import nn\ndef net():\n    return nn.Linear(7, 3)\n"
    )
    monkeypatch.chdir(tmp_path)
    code, (row,) = rows(capsys, "check", "odd:net")
    assert code == 1 and "cannot run on one" in row["note"]
    assert row["params"] == 24 and row["macs"] is None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["serch"], "No such command 'serch'"),
        (["search", "--trails", "3"], "--trails"),
        (["search", "--trials", "x"], "--trials"),
        (["search", "--trials", "0"], "--trials: must be at least 1"),
        (["search", "--executor", "rai"], "--executor: unknown executor 'rai'; did you mean 'ray'"),
        (["search", "--generator", "tpee", "--executor", "inline"], "did you mean 'tpe'"),
        (["search", "--data", "/nowhere", "--executor", "inline"], "/nowhere"),
        (["search", "/nowhere.toml"], "/nowhere.toml: cannot be read"),
        (
            ["search", "--out", __file__],
            "test_command_line.py: no folder can be made or written here",
        ),
        (["search", "--out", "/proc/never"], "/proc/never: no folder can be made or written here"),
        (["search", "--data", "hub:/nowhere", "--executor", "inline"], "gensynth: hub:/nowhere: "),
        (["show", "/nowhere"], "/nowhere: is not a campaign folder"),
        (["export", "attendnext:x325", "--to", "/tmp/never"], "did you mean 'xa325'"),
        (["export", "attendnext:tiny", "--to", "x", "--image-size", "999999"], "memory: "),
        (
            ["compare", "published:OFA-62"],
            "is known by its published figures only",
        ),
        (["compare", "attendnext:tiny", "--threads", "1000"], "threads: expected at most"),
        (["check", "nonsense"], "nonsense: is not a file"),
        (["check", "json:dumps"], "json:dumps: the factory raised TypeError"),
        (["score"], "give a MODEL, or all of --top1, --params and --macs"),
        (
            ["score", "--top1", "70", "--params", "x", "--macs", "1"],
            "--params: expected a number such as",
        ),
        (["score", "--top1", "0", "--params", "1", "--macs", "1"], "does not exist"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    words: list[str], message: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, *words)
    assert code == 2 and message in err and out == ""
    assert err.startswith("gensynth: ") and err.count("\n") == 1


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--version")
    assert code == 0 and out.startswith("gensynth ") and out.count(".") >= 2
