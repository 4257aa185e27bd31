"""Plugins as strangers write them: beside an experiment, or installed by their own distribution."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gensynth.campaign.campaign import Done
from gensynth.campaign.campaign_folder import driving
from gensynth.campaign.context import make_context
from gensynth.errors import InputError
from gensynth.evaluation.constraint import NeedsInt8Loss, NeedsReference
from gensynth.evaluation.latency import AsksLatency, LatencyTable, Question
from gensynth.executors.inline import run_inline
from gensynth.formats import formats
from gensynth.latency.device import find_device
from gensynth.plugins import create, listed, load_plugin, looking_in, names
from tests.support.campaigns import experiment
from tests.support.foreign_plugins import DEVICE, ENTRY_POINTS, FOREIGN, FORMAT, STOPPING


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A distribution of a stranger on the import path, without a package installer."""
    site = tmp_path / "site"
    about = site / "their_plugins-1.2.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: their-plugins\nVersion: 1.2\n")
    (about / "entry_points.txt").write_text(ENTRY_POINTS)
    sources = {"rules": FOREIGN, "board": DEVICE, "format": FORMAT, "stopping": STOPPING}
    for name, text in sources.items():
        (site / f"their_{name}.py").write_text(text)
    monkeypatch.syspath_prepend(str(site))
    find_device.cache_clear()
    yield tmp_path
    find_device.cache_clear()
    for name in sources:
        sys.modules.pop(f"their_{name}", None)


def test_what_a_distribution_installs_is_listed_and_loads(installed: Path) -> None:
    theirs = {row.name: row for row in listed() if row.origin == "their-plugins 1.2"}
    assert {name: row.kind for name, row in theirs.items()} == {
        "their_baseline": "constraint",
        "their-board": "device",
        "their-pieces": "format",
        "their-rule": "early_stopping",
    }
    assert [row for row in theirs.values() if row.problem] == []
    assert "their-board" in names("device")


def test_a_campaign_uses_an_installed_device_and_rule_for_early_stopping(installed: Path) -> None:
    given = experiment(
        trials=4,
        stopping={"rule": "their-rule", "below": 101.0},
        constraints={
            "max_latency_ms": {"limit": 10, "device": "their-board"},
            "their_baseline": {},
        },
    )
    with driving(installed / "run", given, None) as opened:
        assert isinstance(run_inline(opened), Done)
        rows = [o for o in opened.outcomes if o.purpose == "search"]
    words = "tiny-runtime, 1 thread, batch 1 on their-board"
    assert all(o.latencies[words].machine == "the board" for o in rows if o.fingerprint)
    assert {o.ending for o in rows if o.attempt} == {"stopped"}
    assert not any(o.purpose == "reference" for o in opened.outcomes)


def test_an_export_writes_an_installed_format(
    installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.cli.test_command_line import run as command

    words = ["export", "attendnext:tiny", "--to", str(installed / "out"), "--image-size", "8"]
    code, out, err = command(capsys, *words, "--format", "their-pieces")
    assert (code, err) == (0, "") and "pieces: largest difference" in out
    assert (installed / "out" / "model.pieces").exists()
    code, _, err = command(capsys, *words, "--format", "their-piece")
    assert code == 2 and "did you mean 'their-pieces'?" in err


def beside(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    return folder


def test_a_device_beside_the_experiment_is_used_by_module_and_class(tmp_path: Path) -> None:
    """Even where an installed package, ours, has the same name as the user's folder."""
    (tmp_path / "devices").mkdir()
    beside(tmp_path / "devices", board=DEVICE)
    rule = {"max_latency_ms": {"limit": 10, "device": "devices.board:Board"}}
    given = replace(experiment(trials=2, constraints=rule), folder=str(tmp_path))
    with driving(tmp_path / "run", given, None) as opened:
        assert run_inline(opened) == Done("finished")
        searched = [o for o in opened.outcomes if o.purpose == "search" and o.latencies]
    (words,) = searched[0].latencies
    assert words == "tiny-runtime, 1 thread, batch 1 on devices.board:Board"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"device": "board:Board", "runtime": "torch"}, "runtime: unknown runtime 'torch'"),
        ({"device": "board:Board", "threads": 3}, "threads: the board has two cores"),
        ({"device": "board:NoDevice"}, "is not a device: it needs the methods"),
        ({"device": "board:Baord"}, "has no 'Baord'; did you mean 'Board'"),
        ({"device": "bord"}, "unknown device 'bord'"),
        ({"device": "constraints.top1:Top1"}, "is not a device"),
    ],
)
def test_a_device_that_cannot_answer_is_one_line_before_anything_is_trained(
    table: dict[str, Any], message: str, tmp_path: Path
) -> None:
    beside(tmp_path, board=DEVICE)
    rule = {"max_latency_ms": {"limit": 10, **table}}
    given = replace(experiment(constraints=rule), folder=str(tmp_path))
    with pytest.raises(InputError) as caught:
        make_context(given).check_measurable()
    assert message in str(caught.value) and "\n" not in str(caught.value)
    sys.modules.pop("board", None)


def test_a_question_keeps_its_runtime_where_its_device_is_not_importable() -> None:
    """On another machine, before the job has said where its modules are."""
    assert Question("tiny-runtime", device="elsewhere:Board").runtime == "tiny-runtime"


def test_a_format_beside_the_user_is_used_and_two_of_one_file_are_refused(tmp_path: Path) -> None:
    beside(tmp_path, my_pieces=FORMAT)
    (found,) = formats(["torch", "my_pieces:Pieces"], tmp_path)
    assert found.file == "model.pieces"
    twice = FORMAT.replace('"pieces"', '"others"')
    beside(tmp_path, my_others=twice)
    with pytest.raises(InputError, match=r"both write model\.pieces"):
        formats(["my_pieces:Pieces", "my_others:Pieces"], tmp_path)
    with pytest.raises(InputError, match="is not a format"):
        formats(["constraints.top1:Top1"], tmp_path)


def test_foreign_fields_are_never_taken_for_ours(tmp_path: Path) -> None:
    beside(tmp_path, foreign=FOREIGN)
    rule = create("constraint", "foreign:Baseline", {}, "test", tmp_path)
    for protocol in (AsksLatency, NeedsReference, NeedsInt8Loss):
        assert not isinstance(rule, protocol)
    given = replace(
        experiment(
            trials=2, constraints={"mine": {"use": "foreign:Baseline"}}, score="foreign:Plain"
        ),
        folder=str(tmp_path),
    )
    with driving(tmp_path / "run", given, None) as opened:
        assert run_inline(opened) == Done("finished")
        trained = [o for o in opened.outcomes if o.purpose == "search" and o.curve]
    assert trained and all(o.score == pytest.approx(o.top1) and not o.latencies for o in trained)
    assert all(type(j.violation) is float for o in trained for j in o.judgements)


def test_a_score_that_is_not_a_number_ends_its_candidates_and_not_the_campaign(
    tmp_path: Path,
) -> None:
    beside(tmp_path, foreign=FOREIGN)
    given = replace(experiment(trials=1, score="foreign:Broken"), folder=str(tmp_path))
    with driving(tmp_path / "run", given, None) as opened:
        assert isinstance(run_inline(opened), Done)
        (row,) = [o for o in opened.outcomes if o.purpose == "search"]
    assert row.ending == "crashed" and "score Broken: returned nan" in row.detail


WITHOUT_ASSERTS = """
from gensynth.errors import InputError
from gensynth.plugins import create

for kind, name, table, place in (
    ("constraint", "max_latency_ms", {"limit": 1, "threads": 0}, "threads"),
    ("constraint", "max_latency_ratio", {"limit": 1, "reference": "timm:a", "batch": 0}, "batch"),
    ("constraint", "max_latency_ms", {"limit": 1, "device": "nowhere"}, "device"),
    ("score", "netscore_latency", {"reference": "timm:a", "runtime": "onnx"}, "runtime"),
    ("early_stopping", "halving", {"first": 0}, "first"),
):
    try:
        create(kind, name, table, "table")
    except InputError as error:
        assert True
        if error.place != f"table.{place}":
            raise SystemExit(f"{name}: {error}")
    else:
        raise SystemExit(f"{name} takes {table}")
print("refused", __debug__)
"""


def test_validation_does_not_rest_on_assert() -> None:
    done = subprocess.run(
        [sys.executable, "-O", "-c", WITHOUT_ASSERTS], capture_output=True, text=True, timeout=300
    )
    assert (done.returncode, done.stdout, done.stderr[-500:]) == (0, "refused False\n", "")


def test_a_plugin_runs_under_python_that_drops_asserts(tmp_path: Path) -> None:
    beside(tmp_path, foreign=FOREIGN)
    command = [sys.executable, "-O", "-m", "gensynth", "check-plugin", "foreign:Baseline"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_our_plugins_need_is_declared() -> None:
    with looking_in(None):
        ratio = create("constraint", "max_latency_ratio", {"limit": 1, "reference": "a:b"}, "x")
    assert isinstance(ratio, AsksLatency) and not isinstance(ratio, NeedsReference)
    assert isinstance(ratio, LatencyTable)
    assert isinstance(load_plugin("constraint", "top1", "x")(), NeedsReference)
    assert isinstance(load_plugin("constraint", "max_int8_loss", "x")(), NeedsInt8Loss)
