"""`gensynth check` and `gensynth score` on networks of all kinds, and on what is none."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from gensynth.api import assessing
from gensynth.cli import main
from gensynth.models import timm_models
from tests.support.judged_networks import NETWORKS


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the networks beside the command."""
    (tmp_path / "nets.py").write_text(NETWORKS)
    (tmp_path / "slip.py").write_text("def net(:\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    out, err = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, out, err


def rows(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(run(capsys, *words, "--json")[1])
    return listed


def test_check_tells_the_columns_of_each_stage(capsys: pytest.CaptureFixture[str]) -> None:
    text = run(capsys, "check", "nets:grouped", "--image-size", "32")[1]
    words = " ".join(text.split())
    assert "columns 16x16: 4 columns, 73% of 405.5 k spatial MACs in columns" in words
    assert "columns interact at 3" in words
    (row,) = rows(capsys, "check", "nets:grouped", "--image-size", "32")
    (stage,) = row["columns"]
    assert stage["size"] == [16, 16] and stage["columns"] == 4
    assert stage["column_macs"] == 2 * 256 * 16 * 4 * 9
    assert stage["spatial_macs"] == stage["column_macs"] + 256 * 16 * 27
    assert stage["interactions"] == [{"layer": "3", "entry": False, "gate": False}]


def test_check_tells_verdict_margin_and_layers_of_every_constraint(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, text, _ = run(capsys, "check", "nets:strange_name", "--image-size", "32")
    words = " ".join(text.split())
    assert code == 1
    assert "broken columnar, margin -1.00: 0% of the spatial MACs in columns, at least 50%" in words
    assert "wanted at 0 " in words, "the layer that is in no column"
    assert "after its entry block" not in words, "no half of the rule that holds"
    assert "ok strided_pointwise, margin +0.00: 0 of 1" in words
    assert "not judged top1: top-1 not known yet" in words


@pytest.mark.parametrize("width", ["80", "120"])
def test_no_line_is_wider_than_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: str
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    text = run(capsys, "check", "attendnext:xa325", "nets:grouped")[1]
    lines = text.splitlines()
    assert max(map(len, lines)) <= int(width)
    # Within a line of the findings, what is continued stands under what it continues.
    assert any(line.startswith(" " * 14 + "stages.2.0.") for line in lines)


@pytest.mark.parametrize(
    ("name", "params", "note"),
    [
        ("raising", 112, "cannot run on one 3x224x224 image: RuntimeError: no way"),
        ("grey", 40, "expected input[1, 3, 224, 224] to have 1 channels, but got 3"),
        ("leaving", 0, "cannot run on one 3x224x224 image: SystemExit: 0"),
    ],
)
def test_what_cannot_be_traced_says_why_and_how_many_parameters_it_has(
    capsys: pytest.CaptureFixture[str], name: str, params: int, note: str
) -> None:
    for command in ("check", "score"):
        row, other = rows(capsys, command, f"nets:{name}", "nets:strange_name")
        assert note in row["note"] and "\n" not in row["note"]
        assert (row["params"], row["macs"], row["columns"]) == (params, None, None)
        assert other["macs"] > 0
    assert run(capsys, "check", f"nets:{name}")[0] == 1


def test_lazy_layers_are_judged_at_the_size_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    (row,) = rows(capsys, "check", "nets:lazy", "--image-size", "8")
    assert (row["params"], row["macs"], row["note"]) == (112 + 148, 36 * 108 + 16 * 144, "")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nets:number", "nets:number: the factory must return a torch.nn.Module, got int"),
        ("nets:quits", "nets:quits: the factory raised SystemExit: 5"),
        ("nets:broken", "nets:broken: the factory raised ValueError"),
        ("nets:huge", "nets:huge: the factory raised RuntimeError"),
        ("nets:groupd", "'nets' has no 'groupd'; did you mean 'grouped'?"),
        ("slip:net", "slip:net: cannot import 'slip': SyntaxError"),
        ("nowhere:net", "nowhere:net: cannot import 'nowhere'"),
        ("timm:resnet5O", "unknown timm network 'resnet5O'; did you mean 'resnet50'?"),
        ("published:OFA", "did you mean 'published:OFA-62'?"),
    ],
)
def test_what_is_no_network_is_one_line(
    capsys: pytest.CaptureFixture[str], name: str, message: str
) -> None:
    for command in ("check", "score"):
        code, out, err = run(capsys, command, name)
        assert (code, out) == (2, "") and message in err and err.count("\n") == 1


def test_a_long_list_of_valid_words_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    err = run(capsys, "check", "timm:")[2]
    assert "unknown timm network ''; valid: " in err and len(err) < 1000
    assert int(err.split()[-2]) > 1000 and err.rstrip().endswith("more")


def test_what_a_network_prints_is_no_part_of_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "check", "nets:talking", "--json")
    assert code == 1 and json.loads(out)[0]["params"] == 112
    assert "built" in err and "ran" in err


def test_without_timm_the_remedy_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    timm_models.import_timm.cache_clear()
    monkeypatch.setitem(sys.modules, "timm", None)
    code, _, err = run(capsys, "check", "timm:resnet18")
    timm_models.import_timm.cache_clear()
    assert code == 2 and err.count("\n") == 1 and 'pip install "timm' in err


def test_published_figures_stand_in_the_table_and_say_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    (row,) = rows(capsys, "score", "published:OFA-62")
    assert (row["params"], row["macs"], row["top1"]) == (5_800_000, 208_000_000, 75.8)
    assert row["score"] == pytest.approx(74.37, abs=0.01)
    assert row["note"].startswith("all figures as published") and row["weight_bytes"] is None
    assert run(capsys, "check", "published:OFA-62")[0] == 1


@pytest.mark.slow
def test_a_network_is_scored_beside_the_peers_of_the_paper(
    capsys: pytest.CaptureFixture[str],
) -> None:
    own, *others = rows(capsys, "score", "attendnext:xa325", "--top1", "70", "--peers")
    assert own["top1"] == 70
    figures = {row["model"]: (row["top1"], row["params"]) for row in others}
    assert figures == {
        "published:OFA-62": (75.8, 5_800_000),
        "timm:mobilenetv3_large_100": (75.2, 5_483_032),
        "timm:fbnetc_100": (74.9, 5_572_200),
        "timm:mobilevit_xs": (74.8, 2_317_848),
        "timm:mobileone_s1": (75.9, 4_764_840),
    }
    mobilevit = next(row for row in others if row["model"] == "timm:mobilevit_xs")
    assert mobilevit["macs"] == pytest.approx(909e6, rel=1e-3), "counted as published, at 256 px"
    assert all("arXiv" in row["note"] for row in others)


def test_a_published_accuracy_holds_for_its_own_task_only(
    capsys: pytest.CaptureFixture[str],
) -> None:
    name = "timm:mobilenetv2_100"
    (row,) = rows(capsys, "score", name)
    assert row["top1"] == 72.0 and "top-1 at 224 px: published" in row["note"]
    for other in (["--image-size", "64"], ["--classes", "10"], ["--channels", "1"]):
        (row,) = rows(capsys, "score", name, *other)
        assert (row["top1"], row["score"], row["note"]) == (None, None, "")


def test_a_timm_network_that_does_not_fit_into_memory_is_judged_without_its_numbers(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (fitting,) = rows(capsys, "check", "timm:test_resnet")
    monkeypatch.setattr(assessing, "memory_bytes", lambda: 8 * fitting["weight_bytes"] / 5)
    (large,) = rows(capsys, "check", "timm:test_resnet")
    assert "too large for this machine" in large.pop("note")
    assert "too large" not in fitting.pop("note")
    assert large == fitting


def test_a_timm_network_takes_images_of_the_size_it_is_made_for_and_of_any_other(
    capsys: pytest.CaptureFixture[str],
) -> None:
    (row,) = rows(capsys, "check", "timm:test_vit_relpos")
    assert row["macs"] > 0 and row["note"] == "at 160 px, the size it is made for"
    (other,) = rows(capsys, "check", "timm:test_vit_relpos", "--image-size", "96")
    assert 0 < other["macs"] < row["macs"] and other["params"] < 1.1 * row["params"]


def test_what_is_not_counted_is_listed_and_has_no_score(
    capsys: pytest.CaptureFixture[str],
) -> None:
    (row,) = rows(capsys, "score", "nets:transforming", "--top1", "70", "--image-size", "32")
    assert row["uncounted"] == ["aten::_fft_r2c (transform)"]
    assert (row["macs"], row["score"], row["macs_at_least"]) == (None, None, 4 * 27 * 30 * 30)
    assert "no score: its MACs are not all counted (no rule for aten::_fft_r2c" in row["note"]
    words = " ".join(run(capsys, "check", "nets:transforming", "--image-size", "32")[1].split())
    for constraint in ("columnar", "strided_pointwise", "antialiased_downsampling"):
        assert f"not judged {constraint}: no rule for aten::_fft_r2c" in words


def test_two_other_counters_have_their_say(capsys: pytest.CaptureFixture[str]) -> None:
    small = ("nets:grouped", "--image-size", "32", "--top1", "70")
    (row,) = rows(capsys, "score", *small)
    said = {opinion["counter"]: opinion for opinion in row["opinions"]}
    assert {said["fvcore"]["macs"], said["torch"]["macs"], row["macs"]} == {row["macs"]}
    assert [opinion["difference"] for opinion in said.values()] == ["", ""]
    (row,) = rows(capsys, "score", *small, "--no-opinions")
    assert row["opinions"] is None
    words = " ".join(run(capsys, "score", "nets:normed", "--opinions")[1].split())
    assert "batch_norm" in words and "no MACs by definition" in words and "torch:" in words


def test_reductions_are_listed_with_the_reason_of_their_judgement(
    capsys: pytest.CaptureFixture[str],
) -> None:
    (row,) = rows(capsys, "check", "nets:reducing", "--image-size", "32")
    assert [(r["layer"], r["filtered"]) for r in row["reductions"]] == [("1", True), ("2", False)]
    text = run(capsys, "check", "nets:reducing", "--image-size", "32")[1]
    assert "takes a maximum" in " ".join(text.split())


def test_a_published_accuracy_is_judged_unless_an_experiment_has_other_data(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "mine.toml").write_text('space = "attendnet"\n[constraints.top1]\nmin = 98.0\n')
    for command in ("check", "score"):
        (row,) = rows(capsys, command, "timm:mobilenetv2_100")
        verdicts = {v["constraint"]: v["ok"] for v in row["verdicts"]}
        assert verdicts == {
            "columnar": False, "strided_pointwise": True, "antialiased_downsampling": False,
            "top1": False,
        }  # fmt: skip
        assert row["score"] == pytest.approx(74.06, abs=0.01)
        mine = ("--experiment", "mine.toml")
        (row,) = rows(capsys, command, "timm:mobilenetv2_100", *mine)
        assert row["verdicts"][0]["ok"] is None and row["top1"] is None


def test_a_score_that_does_not_exist_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    (row,) = rows(capsys, "score", "nets:weightless", "--top1", "50")
    assert row["score"] is None and "no score" in row["note"] and row["params"] == 0
