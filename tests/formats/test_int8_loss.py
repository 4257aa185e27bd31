"""What 8 bits cost: measured after a training, and a rule about it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gensynth.data.batches import Batches
from gensynth.data.open import open_data
from gensynth.data.preprocessing import Preprocessing
from gensynth.data.sets import DataSettings
from gensynth.exports.predict_files import write_predict_onnx
from gensynth.formats import Deployment
from gensynth.formats.int8 import to_int8
from gensynth.formats.int8_loss import top1_loss
from gensynth.training.loop import train
from tests.laws.test_latency_rules import candidate, rule
from tests.support.campaigns import campaign
from tests.support.trainings import job


def test_a_job_measures_it_at_its_end_and_only_where_wanted(tmp_path: Path) -> None:
    measured = list(train(job(tmp_path / "a", measure_int8=True)))
    assert [m.int8_loss is None for m in measured] == [True, True, True, False]
    lost = measured[-1].int8_loss
    assert lost is not None and abs(lost) < 20
    plain = list(train(job(tmp_path / "b")))
    assert [m.top1 for m in plain] == [m.top1 for m in measured]
    assert all(m.int8_loss is None for m in plain)


class Coarse(nn.Module):
    """Tells digits apart by differences that 8 bits cannot hold: one output dwarfs the others."""

    def __init__(self, network: nn.Module, offset: float) -> None:
        super().__init__()
        self.network, self.offset = network, offset

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.network(x) + self.offset
        return y - self.offset


@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_the_script_of_an_export_opens_any_int8_file(offset: float, tmp_path: Path) -> None:
    """ONNX Runtime converts the weights of some networks only."""
    network = Coarse(nn.Sequential(nn.Flatten(), nn.Linear(64, 10)), offset).eval()
    images = torch.rand(8, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    (tmp_path / "model.int8.onnx").write_bytes(to_int8(Deployment(network, (1, 8, 8), images)))
    write_predict_onnx(tmp_path, Preprocessing(1, 8, 8, (0.5,), (0.5,)))
    done = subprocess.run(
        [sys.executable, str(tmp_path / "predict_onnx.py")], capture_output=True, text=True
    )
    # Once it is open, the file's metadata is asked for, which this one lacks.
    assert done.stderr.rstrip().endswith("KeyError: 'preprocessing'"), done.stderr


@pytest.mark.parametrize(("offset", "collapses"), [(0.0, False), (1e4, True)])
def test_a_network_that_needs_more_than_8_bits_loses(offset: float, collapses: bool) -> None:
    data = open_data(DataSettings())
    images, held_out = (
        Batches(data, (split,), (8, 8), torch.device("cpu"), torch.contiguous_format)
        for split in ("train", "validation")
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)  # Eight seeds ended at 91.6 to 93.6 %.
        linear = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    optimizer = torch.optim.Adam(linear.parameters(), 0.01)
    for _ in range(30):
        batch, labels = images.at(torch.arange(len(images)))
        nn.functional.cross_entropy(linear(batch), labels).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad()
    network = Coarse(linear, offset).eval()
    with torch.no_grad():
        batch, labels = held_out.at(torch.arange(len(held_out)))
        top1 = 100 * float((network(batch).argmax(1) == labels).float().mean())
    lost = top1_loss(network, images, held_out, top1)
    assert top1 > 80 and (lost > 30) == collapses and (abs(lost) < 3) != collapses


def test_the_rule_compares_the_loss_with_its_limit() -> None:
    from dataclasses import replace

    limit = rule("max_int8_loss", limit=2.0)
    known = candidate({})
    assert known.measurement is not None and limit(known).ok is None
    for lost, ok in ((1.9, True), (-1.0, True), (2.5, False)):
        measured = replace(known.measurement, int8_loss=lost)
        assert limit(replace(known, measurement=measured)).ok is ok


def test_a_campaign_has_it_measured_where_a_rule_asks(tmp_path: Path) -> None:
    rules: dict[str, Any] = {"max_int8_loss": {"limit": 100}}
    with campaign(tmp_path, constraints=rules) as opened:
        job_ = opened.ask()
        assert job_.measure_int8  # type: ignore[union-attr]
    with campaign(tmp_path / "plain") as opened:
        assert not opened.ask().measure_int8  # type: ignore[union-attr]
