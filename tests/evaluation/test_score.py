from math import log10

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gensynth.evaluation.constraint import Candidate, with_top1
from gensynth.evaluation.score import NetScore
from gensynth.graph.graph import Graph, Layer
from gensynth.graph.profile import Profile

GRAPH = Graph((Layer("input", "input", (), (3, 4, 4)),))
positive = st.floats(1e-3, 1e3)


@pytest.mark.parametrize(
    ("top1", "params", "macs", "decibels"),
    [
        (70.6, 4.24, 0.569, 70.13),  # MobileNetV1 1.0-224
        (64.4, 4.24, 0.186, 73.39),  # MobileNetV1 1.0-128
        (72.0, 3.47, 0.300, 74.12),  # MobileNetV2 1.0-224
        (57.5, 1.25, 0.861, 70.07),  # SqueezeNet 1.0
        (75.2, 25.56, 3.86, 55.11),  # ResNet-50
        (71.5, 138.36, 15.47, 40.87),  # VGG-16
        (75.8, 5.8, 0.208, 74.37),  # OFA-62
        (75.2, 5.4, 0.219, 74.32),  # MobileNetV3-L
        (74.9, 5.5, 0.375, 71.84),  # FBNet-C
        (74.8, 2.3, 0.909, 71.75),  # MobileViT-XS
        (75.9, 4.8, 0.825, 69.23),  # MobileOne-S1
    ],
)
def test_golden_values(top1: float, params: float, macs: float, decibels: float) -> None:
    assert NetScore().of(top1, params * 1e6, macs * 1e9) == pytest.approx(decibels, abs=0.01)


@given(st.floats(1, 100), positive, positive, positive, positive, positive)
def test_it_is_the_formula(
    top1: float, params: float, macs: float, alpha: float, beta: float, gamma: float
) -> None:
    score = NetScore(alpha, beta, gamma).of(top1, params * 1e6, macs * 1e9)
    expected = 20 * (alpha * log10(top1) - beta * log10(params) - gamma * log10(macs))
    assert score == pytest.approx(expected, abs=1e-6)


def test_a_candidate_is_scored_by_its_measurement_and_its_costs() -> None:
    candidate = Candidate(GRAPH, Profile(4_240_000, 569_000_000, 0, 0))
    assert NetScore()(with_top1(candidate, 70.6)) == NetScore().of(70.6, 4.24e6, 0.569e9)
    with pytest.raises(ValueError, match="not known"):
        NetScore()(candidate)


@pytest.mark.parametrize("numbers", [(0, 1, 1), (101, 1, 1), (50, 0, 1), (50, 1, 0), (-1, 1, 1)])
def test_impossible_numbers_have_no_score(numbers: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="does not exist"):
        NetScore().of(*numbers)
