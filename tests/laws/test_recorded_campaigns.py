"""Campaigns recorded by commit 11d2e6a are shown, judged by other rules, exported and continued."""

import json
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from safetensors import safe_open
from safetensors.torch import load_file

from gensynth.campaign.campaign_folder import driving, open_record
from gensynth.campaign.experiment import EXPERIMENT, read_experiment
from gensynth.cli import main
from gensynth.evaluation.outcome import Outcome
from gensynth.executors.inline import run_inline
from gensynth.serialization import to_plain
from gensynth.training.checkpoint import CHECKPOINT
from tests.support.recorded import FIXTURES, expected, restore

SAME = (
    *("model", "number", "ending", "decisions", "params", "macs", "weight_bytes", "top1"),
    *("peak_activation_bytes", "score", "value", "untrained", "finals"),
)

NEW_COSTS = {"matmul_macs": 0, "unread": []}
"""Costs that those records did not have, and what they are in networks without attention."""


@pytest.fixture(autouse=True)
def own_plugin() -> Iterator[None]:
    """Each test imports `limits` from its own folder; another test may have one too."""
    sys.modules.pop("limits", None)
    yield
    sys.modules.pop("limits", None)


def command(*words: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    assert not ended.value.code, words


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> list[Mapping[str, Any]]:
    command("show", *words, "--json")
    return list(json.loads(capsys.readouterr().out))


def assert_same(found: list[Mapping[str, Any]], name: str) -> None:
    """Compare every figure and verdict; the words of a verdict may change."""
    before = expected(name)
    assert [row["model"] for row in found] == [row["model"] for row in before]
    for now, then in zip(found, before, strict=True):
        assert {key: now[key] for key in SAME} == {
            key: pytest.approx(then[key]) if isinstance(then[key], float) else then[key]
            for key in SAME
        }
        verdicts = {verdict["constraint"]: verdict for verdict in now["verdicts"]}
        assert len(verdicts) == len(then["verdicts"])
        for verdict in then["verdicts"]:
            known = verdicts[verdict["constraint"]]
            assert all(known[key] == verdict[key] for key in ("mode", "ok", "offenders"))
            assert known["violation"] == pytest.approx(verdict["violation"])


def assert_kept(outcomes: list[Outcome], name: str) -> None:
    """The recorded rows come first, with every fact that they had; new facts have defaults."""
    before = expected(name)
    for now, then in zip(outcomes[: len(before)], before, strict=True):
        plain = json.loads(json.dumps(to_plain(now)))
        if then["profile"] is not None:
            new = {key: plain["profile"].pop(key) for key in NEW_COSTS}
            assert new == NEW_COSTS
        assert {key: plain[key] for key in then if key != "curve"} == {
            key: value for key, value in then.items() if key != "curve"
        }
        curve = [{key: m[key] for key in m if key != "seconds"} for m in plain["curve"]]
        assert curve == then["curve"]


def test_it_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = restore("campaign", tmp_path)
    assert_same(shown(capsys, str(folder)), "show")
    assert_kept(open_record(folder).outcomes(), "rows")


def test_it_is_judged_by_other_rules(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = restore("campaign", tmp_path)
    stricter = shutil.copy(FIXTURES / "stricter.toml", tmp_path)
    assert_same(shown(capsys, str(folder), "--experiment", str(stricter)), "show_stricter")


def test_an_unfinished_one_is_judged_by_other_rules(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = restore("interrupted_search", tmp_path)
    assert_kept(open_record(folder).outcomes(), "interrupted_search_rows")
    looser = shutil.copy(FIXTURES / "looser.toml", tmp_path)
    found = shown(capsys, str(folder), "--experiment", str(looser))
    assert_same(found, "interrupted_search_looser")


def test_it_is_exported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = restore("campaign", tmp_path)
    command("export", str(folder), "--to", str(tmp_path / "exported"), "--trust")
    now, then = (
        load_file(at / "model.safetensors") for at in (tmp_path / "exported", folder / "best")
    )
    assert now.keys() == then.keys() and all(now[key].equal(then[key]) for key in then)
    for name in ("genome.json", "config.json"):
        before, after = (
            json.loads((at / name).read_text()) for at in (folder / "best", tmp_path / "exported")
        )
        if name == "config.json":  # The chain of that time, which no file stated then.
            chain = after.pop("preprocessing")
            assert (chain["fit"], chain["background"], chain["white"]) == ("box", None, 65_280)
            for key in ("mean", "std"):  # Sums are rounded as the processor's vectors are long.
                expected = pytest.approx(before["pretrained_cfg"].pop(key), rel=1e-12)
                assert after["pretrained_cfg"].pop(key) == expected
        assert after == before
    card = (tmp_path / "exported" / "card.md").read_text()
    stated = re.search(r"Test top-1 \| ([\d.]+) %", (folder / "best" / "card.md").read_text())
    assert stated is not None and f"Test top-1 | {stated[1]} %" in card


def continued(folder: Path, **changes: Any) -> list[Outcome]:
    """Search on until it is done; return all rows."""
    experiment = replace(read_experiment(folder / EXPERIMENT), **changes)
    with driving(folder, experiment, None) as opened:
        run_inline(opened)
        return opened.outcomes


def trained(outcomes: list[Outcome]) -> list[Outcome]:
    return [o for o in outcomes if o.purpose == "search" and o.attempt > 0 and o.curve]


def test_it_is_extended(tmp_path: Path) -> None:
    outcomes = continued(restore("campaign", tmp_path), trials=8)
    assert_kept(outcomes, "rows")
    assert len(trained(outcomes)) == 8


@pytest.mark.parametrize(
    ("name", "number", "trials"), [("interrupted", 0, 4), ("interrupted_search", 4, 6)]
)
def test_an_interrupted_one_is_resumed_from_its_checkpoint(
    tmp_path: Path, name: str, number: int, trials: int
) -> None:
    """The job of `interrupted` trains a network of timm, and names the module of that time."""
    if name == "interrupted" and find_spec("timm") is None:
        pytest.skip("needs timm")
    folder = restore(name, tmp_path)
    (checkpoint,) = folder.glob(f"candidates/*/{CHECKPOINT}")
    with safe_open(checkpoint, framework="np") as opened:
        saved = json.loads(opened.metadata()["curve"])
    outcomes = continued(folder)
    (resumed,) = (o for o in outcomes if o.number == number)
    # The seconds are those of the first run: nothing that was saved is trained again.
    assert [m.seconds for m in resumed.curve][: len(saved)] == [m["seconds"] for m in saved]
    assert len(trained(outcomes)) == trials
    if name == "interrupted_search":
        assert_kept(outcomes, "interrupted_search_rows")
