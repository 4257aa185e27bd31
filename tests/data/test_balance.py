"""Classes of different sizes are told before a search, and small ones can count as much."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from constraints.balanced_accuracy import BalancedAccuracy
from gensynth.campaign.context import make_context
from gensynth.data.balance import imbalance
from gensynth.data.sets import DataSettings
from gensynth.errors import InputError
from gensynth.evaluation.constraint import Candidate, with_top1
from gensynth.evaluation.measurement import Measurement
from gensynth.evaluation.score import NetScore, NetScoreBalanced
from gensynth.graph.profile import profile
from gensynth.graph.trace import trace
from gensynth.report.progress import warn
from gensynth.training.attempt import attempt
from gensynth.training.epoch_data import class_weights, order_of
from gensynth.training.job import Recipe, deciding
from gensynth.training.loop import train
from tests.support.campaigns import experiment
from tests.support.trainings import QUICK, job, timeless, write_pictures

LABELS = torch.tensor([0] * 90 + [1] * 10)
LOPSIDED = Measurement(8, 90.0, 0.1, 1.0, ((90, 0), (10, 0)))


def test_a_search_tells_how_the_classes_differ(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_pictures(tmp_path / "pets", {"cat": 40, "dog": 10})
    warn(make_context(experiment(data={"path": str(tmp_path / "pets")})))
    told = capsys.readouterr().err
    assert "from 6 to 24 training images (cat 24, dog 6); always predicting cat" in told
    assert "80.0 %" in told and "balanced_accuracy" in told and 'balance = "sampling"' in told
    many = imbalance([f"c{number}" for number in range(100)], range(1, 101))
    assert "(c99 100, c98 99, c97 98, ..., c2 3, c1 2, c0 1)" in many


def test_always_guessing_the_commonest_class_is_half_right_of_two(candidate: Candidate) -> None:
    trained = replace(candidate, measurement=LOPSIDED)
    verdict = BalancedAccuracy(min=75.0)(trained)
    assert verdict.ok is False and "50 % balanced accuracy, at least 75" in verdict.reason
    assert BalancedAccuracy(min=50.0)(trained).ok
    lower = replace(LOPSIDED, top1=85.0)  # As if top-1 were at its lower bound.
    assert BalancedAccuracy(min=50.0)(replace(candidate, measurement=lower)).ok is False
    assert BalancedAccuracy()(with_top1(candidate, 99.0)).ok is None
    with pytest.raises(InputError, match="min: must be greater than 0"):
        BalancedAccuracy(min=0)


def test_the_balanced_score_counts_small_classes_as_much(candidate: Candidate) -> None:
    trained = replace(candidate, measurement=LOPSIDED)
    costs = candidate.profile
    assert NetScoreBalanced()(trained) == NetScore().of(50.0, costs.params, costs.macs)
    assumed = with_top1(candidate, 99.0)
    assert NetScoreBalanced()(assumed) == NetScore()(assumed)


@pytest.fixture
def candidate() -> Candidate:
    graph = trace(torch.nn.Conv2d(1, 4, 3, padding=1), (1, 8, 8))
    return Candidate(graph, profile(graph))


def test_sampling_shows_every_class_as_often_and_repeats_itself() -> None:
    def draw(seed: int) -> torch.Tensor:
        return order_of(LABELS, "sampling", torch.Generator().manual_seed(seed))

    seen = Counter(LABELS[draw(0)].tolist())
    assert sum(seen.values()) == 100 and 35 <= seen[1] <= 65
    assert torch.equal(draw(3), draw(3)) and not torch.equal(draw(3), draw(4))
    plain = order_of(LABELS, "none", torch.Generator().manual_seed(0))
    assert torch.equal(plain.sort().values, torch.arange(100))


def test_weights_make_up_for_the_size_of_a_class() -> None:
    weights = class_weights(LABELS, 3)
    assert weights.tolist() == pytest.approx([100 / 180, 5.0, 1.0])


def test_a_recipe_without_balance_is_that_of_earlier_versions() -> None:
    assert "balance" not in deciding(Recipe()) and "balance" in deciding(Recipe(balance="weights"))


CHANGES: list[dict[str, Any]] = [
    {"balance": "sampling"},
    {"balance": "weights"},
    {"augment": ("colour", "erase")},
]


@pytest.mark.parametrize("changes", CHANGES)
def test_such_a_training_resumes_as_if_it_had_never_stopped(
    changes: dict[str, Any], tmp_path: Path
) -> None:
    recipe = replace(QUICK, epochs=2, **changes)
    whole = list(train(job(tmp_path / "whole", recipe)))
    cut = job(tmp_path / "cut", recipe)
    attempt(cut, lambda measurement: False)
    assert timeless(list(train(cut))) == timeless(whole)
    plain = list(train(job(tmp_path / "plain", replace(QUICK, epochs=2))))
    assert timeless(whole) != timeless(plain)


def test_settings_out_of_range_are_refused() -> None:
    for changes in ({"class_level": -1}, {"background": 256}):
        with pytest.raises(InputError, match=next(iter(changes))):
            DataSettings(**changes)  # type: ignore[arg-type]
