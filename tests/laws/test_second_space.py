"""The unchanged engine searches a second space: `experiments/attendnet_digits.toml`, made short."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gensynth.campaign.campaign_folder import driving
from gensynth.campaign.experiment import read_experiment
from gensynth.campaign.experiment_tables import Finals, Stopping
from gensynth.executors.inline import run_inline
from gensynth.exports.publish import publish
from gensynth.models.exported import load_folder
from search_spaces.attendnet import AttendNet

FILE = Path(__file__).parents[2] / "experiments" / "attendnet_digits.toml"


@pytest.mark.slow
def test_a_search_on_attendnet_ends_with_an_exported_network(tmp_path: Path) -> None:
    written = read_experiment(FILE)
    top1 = written.constraints["top1"]
    short = replace(
        written,
        trials=2,
        proxy=replace(written.proxy, epochs=2),
        stopping=Stopping("none"),
        finals=Finals(candidates=1, most=2, replicas=1, epochs_factor=1.0),
        constraints={**written.constraints, "top1": replace(top1, options={"min": 1.0})},
    )
    with driving(tmp_path / "run", short, None) as campaign:
        run_inline(campaign)
        published = publish(campaign, tmp_path / "run" / "best")
        searched = [o for o in campaign.outcomes if o.purpose == "search"]
    assert isinstance(short.make_space(), AttendNet)
    assert [outcome.ending for outcome in searched] == ["completed"] * 2
    assert published is not None and published.outcome.purpose == "export"
    network = load_folder(tmp_path / "run" / "best").eval()
    assert network(torch.rand(3, 1, 8, 8)).shape == (3, 10)
