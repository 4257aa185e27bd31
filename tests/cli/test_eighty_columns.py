"""Every table of the command line at eighty columns: nothing cut, no word broken, no long line."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from gensynth.cli.check_report import print_check
from gensynth.evaluation.constraint import Judgement
from gensynth.feasibility.findings import Findings
from gensynth.feasibility.plan import Plan
from gensynth.feasibility.rates import Range, Rate
from gensynth.feasibility.sample import Sample
from gensynth.feasibility.size import estimated
from gensynth.graph.profile import Profile
from gensynth.latency.device import Comparison
from gensynth.report.feasibility_text import print_findings
from gensynth.report.network_assessment import Assessment
from gensynth.report.standings import finals_table, show_end
from gensynth.report.tables import plain_table, show
from gensynth.report.terminal import console
from tests.cli.test_command_line import run
from tests.support.campaigns import measurement, outcome

WIDTH = 80
LONGEST = 20
"""Words up to this length must never be broken."""
RULES = ("strided_pointwise", "antialiased_downsampling", "columnar", "top1", "max_latency_ratio")
COSTS = Profile(1_234_567, 123_456_789, 4_938_268, 1_234_567)


@pytest.fixture(autouse=True)
def eighty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(WIDTH))


def judgements(ok: bool | None = True) -> tuple[Judgement, ...]:
    reason = "12.5% of the spatial multiply-accumulates in columns, at least 50% wanted"
    layers = ("stages.0.0.layers.attend.embed.spatial.conv", "stem.conv")
    return tuple(Judgement(r, "enforce", 1.0, ok, 0.5, reason, layers) for r in RULES)


def readable(shown: str, said: str = "") -> None:
    """Check lines against the width, and that each word of `said` stands there in one piece."""
    lines = shown.splitlines()
    assert [line for line in lines if len(line) > WIDTH] == [] and "…" not in shown
    there = set(re.split(r"[\s,;()]+", shown))
    short = {word for word in re.split(r"[\s,;()]+", said) if len(word) <= LONGEST}
    assert short - there == set()


NAMES = ("123", "timm:mobilenetv3_large_100", "exported/some/folder/of/mine/that/is/long/best")


@pytest.mark.parametrize("ok", [True, False, None])
def test_networks_and_their_verdicts(capsys: pytest.CaptureFixture[str], ok: bool | None) -> None:
    rows = [
        Assessment(name, COSTS, 98.76, 154.27, judgements(ok), value=148.27, finals="passed over")
        for name in NAMES
    ]
    show(rows, "best candidates")
    said = " ".join([*RULES, "passed over", "1.235 M", "98.76", "154.27", "148.27", "activations"])
    readable(capsys.readouterr().out, said)
    print_check(rows)
    readable(capsys.readouterr().out, said)


def test_equal_verdicts_are_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [Assessment(str(n), COSTS, 90.0 + n, judgements=judgements()) for n in range(8)]
    show(rows)
    assert capsys.readouterr().out.count("strided_pointwise") == 1
    show([*rows, Assessment("8", COSTS, judgements=judgements(None))])
    out = capsys.readouterr().out
    assert out.count("ok: strided_pointwise") == out.count("not judged: strided_pointwise") == 1


def test_the_finals_and_the_answer_which_comes_last(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from gensynth.campaign.finals import Finalist
    from gensynth.exports.publish import Published

    row = outcome(number=1234, profile=COSTS, curve=(replace(measurement(), test_top1=97.5),))
    finalists = [
        Finalist(row, (row, row), 0, bound=97.0, mean=98.0, value=150.0),
        Finalist(row, (row,), 0, bound=80.0, mean=81.0),
        Finalist(row, (), 0, passed=True),
        Finalist(row, (), 3),
        Finalist(row, (), 0),
    ]
    console().print(finals_table(finalists))
    readable(capsys.readouterr().out, "constraints not kept lower bound % 97.00 98.00 trainings")
    show_end("finished", Published(Path("runs/x/best"), finalists[0], row), Path("runs/x/r.html"))
    out = capsys.readouterr().out
    readable(out, "exported 97.50 98.00 gensynth predict runs/x/best PICTURE")
    assert out.startswith("\n") and out.splitlines()[-1].endswith("runs/x/r.html")
    show_end("none of 8 trained candidates keeps every rule", None, Path("runs/x/report.html"))
    readable(capsys.readouterr().out, "gensynth export runs/x:NUMBER")


def test_a_comparison(capsys: pytest.CaptureFixture[str]) -> None:
    from gensynth.cli.compare import _show

    heads = ("model", "input", "median ms", "quartiles", "ratio", "interval")
    cells = ("3x224x224", "12.34", "11.11 to 13.13", "at least 2.85", "2.85 to 15.3")
    note = "ratio to timm:mobilenetv3_large_100; onnxruntime, 1 thread, batch 1 on here; " * 3
    _show(Comparison(heads, tuple((name, *cells) for name in NAMES), note, ()))
    readable(capsys.readouterr().out, " ".join(cells))


def test_what_a_preflight_found(capsys: pytest.CaptureFixture[str]) -> None:
    rates = (
        Rate("antialiased_downsampling", "enforce", 200, 150, 12, "graph"),
        Rate("top1", "enforce", 0, 0, 0, "proxy"),
        Rate("max_latency_ratio", "prefer", 0, 0, 0, "latency"),
    )
    costs = ("params", "macs", "weight_bytes", "peak_activation_bytes")
    spread = {name: Range(12_345.0, 123_456.0, 123_456_789.0) for name in costs}
    size = estimated([[3, 4], [3, 4]])
    sample = Sample(size, 200, (), (), False)
    plan = Plan(24, (3.2, 12.1), 9, 2.0, 4.0, 2)
    found = Findings("mine", sample, rates, 0, None, None, spread, spread, plan=plan)
    print_findings(found)
    readable(capsys.readouterr().out, "antialiased_downsampling keep it possible ones 123.5")


def test_an_evaluation_and_predictions(capsys: pytest.CaptureFixture[str]) -> None:
    classes = [f"golden retriever {n}" for n in range(12)]
    plain_table(["true \\ predicted", *map(str, range(12))], [
        [f"{n} {name}", *["1,234"] * 12] for n, name in enumerate(classes)
    ])  # fmt: skip
    readable(capsys.readouterr().out, "golden retriever 1,234")
    plain_table(("picture", "class", "probability"), [
        ["a/long/path/to/a/photograph/of/a/dog/in/the/garden/IMG_0001.jpg", classes[0], "98.1 %"],
        ["", classes[1], "1.9 %"],
    ])  # fmt: skip
    readable(capsys.readouterr().out, "golden retriever 98.1 1.9")


def test_the_plugins(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "plugins")
    names = json.loads(run(capsys, "plugins", "--json")[1])
    readable(out, " ".join(each["name"] for each in names))
    assert code == 0


def test_nothing_else_lays_out_a_table() -> None:
    """Rich's own tables break words; where one is used, it is a grid of sentences."""
    code = Path(__file__).parents[2] / "gensynth"
    used = {f.stem for f in code.rglob("*.py") if "rich.table" in f.read_text(encoding="utf-8")}
    assert used == {"live", "check_report"}
