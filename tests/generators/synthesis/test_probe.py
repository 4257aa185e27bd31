import math

import numpy as np
import torch
from torch import nn

from gensynth.generators.synthesis.probe import Stimuli, correction, react

IMAGES = torch.randn(16, 1, 8, 8, generator=torch.Generator().manual_seed(0))
STIMULI = Stimuli(IMAGES, torch.arange(16) % 4)


def network(activation: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    convolution = nn.Conv2d(1, 8, 3, padding=1)
    head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4))
    return nn.Sequential(convolution, nn.BatchNorm2d(8), activation, *head)


def test_reactions_are_finite_and_the_same_again() -> None:
    reactions = react(network(nn.SiLU()), STIMULI)
    assert all(math.isfinite(value) for value in reactions.values())
    assert reactions == react(network(nn.SiLU()), STIMULI)


def test_silence_is_heard() -> None:
    loud, quiet = (react(network(layer), STIMULI) for layer in (nn.SiLU(), nn.ReLU()))
    assert quiet["zero_fraction"] > loud["zero_fraction"]
    assert 0.3 < quiet["dead_vertex"] < 0.7


def test_a_network_that_averages_everything_does_not_see_a_shift() -> None:
    blind = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1, 4))
    seeing = nn.Sequential(nn.Flatten(), nn.Linear(64, 4))
    blind_shift, seeing_shift = (react(net, STIMULI)["shift"] for net in (blind, seeing))
    assert blind_shift < -3 < seeing_shift


def test_one_direction_only_is_one_likeness() -> None:
    linear = nn.Sequential(nn.Flatten(), nn.Linear(64, 4))
    assert abs(react(linear, STIMULI)["jacobian"] - 1) < 1e-3


def test_a_network_without_parameters_reacts_too() -> None:
    pooled = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten())
    assert all(math.isfinite(value) for value in react(pooled, STIMULI).values())


def test_stimuli_come_in_the_resolution_that_is_taken() -> None:
    assert STIMULI.resized(8, 8) is STIMULI
    assert STIMULI.resized(4, 6).images.shape == (16, 1, 4, 6)


def heard(count: int, seed: int = 0) -> list[dict[str, float]]:
    rng = np.random.default_rng(seed)
    return [{"a": float(x), "b": float(y)} for x, y in rng.normal(size=(count, 2))]


def test_a_reaction_that_tells_the_error_corrects_it() -> None:
    known, asked = heard(60), heard(20, seed=1)
    errors = np.array([2 * some["a"] for some in known])
    found = correction(known, errors, asked)
    truth = np.array([2 * some["a"] for some in asked])
    assert np.abs(found - truth).mean() < 0.4 * np.abs(truth).mean()


def test_chance_is_hardly_believed() -> None:
    known, asked = heard(12), heard(20, seed=1)
    errors = np.random.default_rng(2).normal(size=12)
    assert np.abs(correction(known, errors, asked)).mean() < 0.5


def test_too_few_or_nothing_in_common_corrects_nothing() -> None:
    assert not correction(heard(3), np.ones(3), heard(2)).any()
    assert not correction(heard(20), np.ones(20), [{}, {}]).any()
    assert not correction(heard(20), np.ones(20), [{"c": 1.0}]).any()
    assert len(correction(heard(20), np.ones(20), [])) == 0


def test_networks_that_were_not_probed_change_nothing() -> None:
    known, asked = heard(20), heard(3, seed=1)
    errors = np.array([some["a"] for some in known])
    found = correction([{}, *known], np.array([9.0, *errors]), [asked[0], {}, *asked[1:]])
    assert found[1] == 0
    assert np.array_equal(found[[0, 2, 3]], correction(known, errors, asked))
