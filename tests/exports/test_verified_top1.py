"""The figure on a card is that of the exported folder, or nothing is exported."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

import gensynth
from gensynth.campaign.campaign_folder import viewing
from gensynth.data.sets import DataSet
from gensynth.exports.export_folder import ExportError
from gensynth.exports.publish import publish
from tests.support.recorded import restore


def test_an_export_that_sees_other_pictures_than_training_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when `config.json` stated a mean and a size, and nothing of how pictures get there."""
    machine = viewing(restore("campaign", tmp_path), same_images=True, trust=True)
    true = DataSet.preprocessing

    def other(self: DataSet, size: tuple[int, int]) -> object:
        return replace(true(self, size), mean=(0.9,))

    monkeypatch.setattr(DataSet, "preprocessing", other)
    with pytest.raises(ExportError, match="expected the top-1 that was measured"):
        publish(machine, tmp_path / "network")
    assert not (tmp_path / "network").exists()


def test_card_and_folder_state_the_figures_of_each_class(tmp_path: Path) -> None:
    folder = restore("campaign", tmp_path)
    gensynth.export(folder, tmp_path / "network", trust=True)
    found = gensynth.evaluate(tmp_path / "network", "digits", trust=True)
    stored = json.loads((tmp_path / "network" / "evaluation.json").read_text())
    assert stored["confusion"] == [list(row) for row in found.confusion]
    outcome = viewing(folder, trust=True).exported()
    assert outcome is not None
    assert found.top1 == pytest.approx(outcome.curve[-1].test_top1)
    card = (tmp_path / "network" / "card.md").read_text()
    assert f"Test top-1 | {found.top1:.2f} % on 359 images" in card
    assert "read again from their files" in card and "| 9 | 36 |" in card
    assert f"balanced accuracy {found.balanced_accuracy:.2f} %" in card
