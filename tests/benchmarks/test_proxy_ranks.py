"""Rank correlations of short trainings with long ones, from reports on disk."""

import json
from pathlib import Path

import pytest

from experiments.results.attendnext_cifar10.proxy_ranks import after_half, after_trial, correlation

REPORT = {
    "folder": "tiny@8-80",
    "set_ups": {"tiny@8": 40.0, "tiny@16": 44.0},
    "test_top1": 70.0,
}


def test_the_trial_is_that_of_the_chosen_set_up() -> None:
    assert after_trial(REPORT) == (44.0, 70.0)


def test_half_the_epochs_are_looked_for_beside_it(tmp_path: Path) -> None:
    assert after_half(REPORT, tmp_path) is None
    (tmp_path / "tiny@8-40").mkdir()
    told = json.dumps({"validation_top1": 65.5})
    (tmp_path / "tiny@8-40" / "training.json").write_text(told)
    assert after_half(REPORT, tmp_path) == (65.5, 70.0)


def test_the_order_alone_counts() -> None:
    rising = [(float(k), float(k) ** 3) for k in range(1, 9)]
    assert correlation(rising)[0] == pytest.approx(1.0)
    assert correlation([(x, -y) for x, y in rising])[0] == pytest.approx(-1.0)
    here, low, high = correlation([*rising[:6], (7.0, 0.0), (8.0, -1.0)])
    assert -1.0 <= low < here < high <= 1.0
