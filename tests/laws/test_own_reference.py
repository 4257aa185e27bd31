"""A network of one's own is a reference of every rule, and is trained, exported and evaluated."""

from pathlib import Path

import pytest

import gensynth
from gensynth.executors.inline import run_inline
from gensynth.plugins import trusting
from tests.support.campaigns import campaign

REFERENCE = "tests.support.factories:network"


@pytest.mark.slow
def test_a_campaign_compares_with_a_network_of_ones_own(tmp_path: Path) -> None:
    rules = {
        "as_good": {"use": "top1", "reference": REFERENCE, "margin": -99},
        "as_fast": {"use": "max_latency_ratio", "reference": REFERENCE, "limit": 1e6},
    }
    score = {"use": "netscore_latency", "reference": REFERENCE}
    with campaign(tmp_path / "run", trials=2, constraints=rules, score=score) as opened:
        opened.context.check_measurable()
        run_inline(opened, lambda: None)
        winner = opened.exported()
    assert winner is not None and all(REFERENCE in words for words in winner.latencies)
    found = gensynth.load(tmp_path / "run")
    (reference,) = (o for o in found.outcomes if o.purpose == "reference")
    assert reference.genome_id == REFERENCE and reference.ending == "completed"
    exported = gensynth.export(f"{tmp_path / 'run'}:{REFERENCE}", tmp_path / "out", ["onnx"])
    assert exported.agrees
    for model in (exported.folder, exported.folder / "model.onnx", f"{tmp_path / 'run'}:0"):
        with trusting(True):  # Only the folder's own code can build the network.
            measured = gensynth.evaluate(model, "digits", split="validation")
        assert measured.top1 == pytest.approx(reference.top1, abs=0.3)


def test_it_is_trained_and_evaluated_like_any_other(tmp_path: Path) -> None:
    trained = gensynth.train(REFERENCE, "digits", epochs=1, rates=[0.1], out=tmp_path)
    assert trained.report is not None and trained.exported is not None
    with trusting(True):
        measured = gensynth.evaluate(tmp_path, "digits", split="test")
    assert measured.top1 == pytest.approx(trained.report.test_top1, abs=0.01)
