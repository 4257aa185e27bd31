"""One step of a member of a group is the step that it would take alone."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from gensynth.campaign.experiment import embedded_experiment
from gensynth.data.open import open_data
from gensynth.space import Draw, Source
from gensynth.training.group.program import NotGrouped
from gensynth.training.group.stack import tensors_of
from gensynth.training.group.training import GroupTraining
from gensynth.training.group.trial import program_of
from gensynth.training.job import Diverged, Job, Recipe
from gensynth.training.loop import Training, data_of
from tests.support.trainings import QUICK, job

MEMBERS = 3
ONE_STEP = replace(QUICK, batch_size=1000, epochs=2)


class Dropped(nn.Module):
    """Draws random numbers at three places, for vectors and for maps."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        # Before a normalisation a bias has the gradient 0, whose rounding AdamW would scale up.
        self.conv = nn.Conv2d(1, 6, 3, 2, 1, bias=False)
        self.norm = nn.BatchNorm2d(6)
        self.scale = nn.Parameter(torch.full((6, 1, 1), 0.5))
        self.drop, self.drop_maps = nn.Dropout(0.3), nn.Dropout2d(0.2)
        self.head = nn.Linear(6 * 16, classes)

    def forward(self, x: Tensor) -> Tensor:
        maps = self.drop_maps(self.drop(functional.hardswish(self.norm(self.conv(x)))))
        logits: Tensor = self.head(self.drop((maps * self.scale).flatten(1)))
        return logits


def make(spec: Mapping[str, Any]) -> nn.Module:
    return Dropped(**spec)


def trainings(plain: Job, count: int = MEMBERS) -> list[Training]:
    data = data_of(plain)
    seeds = range(plain.training_seed, plain.training_seed + count)
    return [Training(replace(plain, training_seed=seed), data) for seed in seeds]


def assert_steps_agree(plain: Job, epochs: int = 1, within: float = 1e-5) -> None:
    """Train some epochs of one step as a group and alone; compare all that a member holds."""
    grouped, alone = trainings(plain), trainings(plain)
    group = GroupTraining(grouped)
    for epoch in range(1, epochs + 1):
        measured = group.epoch(epoch)
        expected = [member.epoch(epoch) for member in alone]
    group.share_state()
    for k in range(MEMBERS):
        found = measured[k]
        assert not isinstance(found, Diverged)
        assert found.loss == pytest.approx(expected[k].loss, rel=within, abs=within)
        tensors, ours = alone[k].state(()).tensors, grouped[k].state(()).tensors
        assert ours.keys() == tensors.keys()
        for name, tensor in tensors.items():
            scale = 1 + float(tensor.abs().max())
            assert (ours[name] - tensor).abs().max() <= within * scale, name


@pytest.mark.parametrize(
    "recipe",
    [
        ONE_STEP,
        replace(ONE_STEP, augment=("crop", "flip", "cutout"), ema_decay=0.9),
        replace(ONE_STEP, optimizer="adamw", learning_rate=0.01),
        replace(ONE_STEP, channels_last=False),
    ],
)
def test_a_step_of_a_member_is_the_step_that_it_takes_alone(recipe: Recipe, tmp_path: Path) -> None:
    plain = job(tmp_path, recipe)
    assert_steps_agree(plain, epochs=2)
    dropping = replace(plain, source=Source(__name__, {"classes": 10}, (1, 8, 8)))
    assert_steps_agree(dropping, epochs=2)


@pytest.mark.parametrize("seed", range(6))
def test_networks_of_the_space_take_the_same_step_in_a_group(seed: int, tmp_path: Path) -> None:
    experiment = embedded_experiment("digits")
    space, task = experiment.make_space(), open_data(experiment.data).task
    genome = space.sample(Draw(np.random.default_rng(seed)))
    plain = replace(job(tmp_path, ONE_STEP), source=space.source(genome, task))
    assert_steps_agree(plain)


def test_the_other_members_do_not_see_that_one_diverges(tmp_path: Path) -> None:
    grouped, alone = trainings(job(tmp_path, ONE_STEP)), trainings(job(tmp_path, ONE_STEP))
    with torch.no_grad():
        next(grouped[1].network.parameters()).fill_(torch.nan)
    measured = GroupTraining(grouped).epoch(1)
    assert isinstance(measured[1], Diverged)
    for k in (0, 2):
        found = measured[k]
        assert not isinstance(found, Diverged)
        assert found.loss == pytest.approx(alone[k].epoch(1).loss, abs=1e-5)


def test_members_go_on_by_themselves_after_they_part(tmp_path: Path) -> None:
    recipe = replace(ONE_STEP, ema_decay=0.9)
    grouped, alone = trainings(job(tmp_path, recipe), 2), trainings(job(tmp_path, recipe), 2)
    group = GroupTraining(grouped)
    group.epoch(1)
    group.part()
    for member, other in zip(grouped, alone, strict=True):
        other.epoch(1)
        assert member.epoch(2).loss == pytest.approx(other.epoch(2).loss, abs=1e-5)
        pairs = zip(
            member.state(()).tensors.values(), other.state(()).tensors.values(), strict=True
        )
        assert all(torch.allclose(one, two, atol=1e-4) for one, two in pairs)


class Foreign(nn.Module):
    """A network whose middle is `step`."""

    def __init__(self, step: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.step = step
        self.conv, self.head = nn.Conv2d(1, 4, 3), nn.Linear(4, 10)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.step(self.conv(x)).mean((2, 3)))
        return logits


def _counts_its_calls() -> Callable[[Tensor], Tensor]:
    calls = [0]

    def step(x: Tensor) -> Tensor:
        calls[0] += 1
        return x * (1.0 + calls[0])

    return step


@pytest.mark.parametrize(
    "step",
    [
        lambda x: torch.fft.fft2(x).real,
        lambda x: x * float(x.mean()),
        lambda x: x * x.mean(1, keepdim=True),
        lambda x: x + torch.rand_like(x),
        lambda x: x * torch.ones(4, 1, 1),
        lambda x: x.flip(1),
        _counts_its_calls(),
    ],
)
def test_a_network_that_the_rules_do_not_cover_is_not_grouped(
    step: Callable[[Tensor], Any],
) -> None:
    with pytest.raises(NotGrouped):
        program_of(Foreign(step), torch.randn(2, 1, 8, 8))


def test_the_trial_leaves_the_network_and_the_random_numbers_alone() -> None:
    network, images = Dropped(10), torch.randn(2, 1, 8, 8)
    before = {name: tensor.clone() for name, tensor in tensors_of(network).items()}
    state = torch.get_rng_state()
    program_of(network, images)
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(before[name], t) for name, t in tensors_of(network).items())
