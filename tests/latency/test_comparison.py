"""Networks of different kinds side by side: equal inputs, unequal inputs, half precision."""

import sys
from pathlib import Path

import pytest

import gensynth
from gensynth.latency.device import Comparison

NETWORKS = """
from torch import nn

def plain():
    return nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.AdaptiveAvgPool2d(1), nn.Flatten())

def half():
    return plain().half()
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the networks where `module:factory` is looked up."""
    (tmp_path / "networks_to_time.py").write_text(NETWORKS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "networks_to_time", raising=False)


def compared(*names: str, image_size: int | None = None) -> Comparison:
    return gensynth.compare(names, runtime="torch", image_size=image_size, rounds=1)


def test_networks_that_take_unlike_images_are_said_to_do_so() -> None:
    found = compared("timm:test_vit", "timm:test_convnext", "networks_to_time:plain")
    assert "inputs of different sizes" in found.note
    assert "3x160x160: timm:test_vit, timm:test_convnext" in found.note
    assert "3x224x224: networks_to_time:plain" in found.note


def test_nothing_is_said_of_networks_that_take_the_same_images() -> None:
    found = compared("timm:test_vit", "networks_to_time:plain", image_size=160)
    assert "different sizes" not in found.note


def test_a_network_in_half_precision_is_timed_by_torch() -> None:
    found = compared("networks_to_time:plain", "networks_to_time:half", image_size=32)
    assert all(row["median_ms"] > 0 for row in found.rows)
