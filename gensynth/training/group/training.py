"""Several trainings of one architecture that take their steps together."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from gensynth.evaluation.measurement import Measurement
from gensynth.latency.machine import sharing
from gensynth.training.augment import augmented, joined_draws
from gensynth.training.group.rules import Dice, Group
from gensynth.training.group.stack import joined, part_of, stacked, tensors_of
from gensynth.training.group.trial import program_of
from gensynth.training.job import Diverged
from gensynth.training.loop import Training
from gensynth.training.optimizer import (
    MovingAverage,
    make_optimizer,
    optimizer_state,
    rate_at,
    restore_optimizer,
)


class GroupTraining:
    """Trainings that differ in their seeds alone, as one network of grouped layers.

    Each member keeps its own initial weights, order of images, augmentation, dropout, batch
    statistics and measurements. Its step is the one that it would take alone, but for the rounding
    of single-precision numbers. The members' own tensors are views of the group's, so a member can
    be measured, saved and removed by itself.
    """

    def __init__(self, members: Sequence[Training]) -> None:
        """Group `members`: trainings of jobs that differ in the seed alone, after equal epochs.

        Raises:
            NotGrouped: the network calls functions that have no rule for groups.
        """
        self.members = list(members)
        first = self.members[0]
        self.program = program_of(first.network, _sample(first))
        self.network = stacked([member.network for member in self.members], first.layout)
        self.optimizer = make_optimizer(self.network, first.job.recipe)
        self.average = self._averaged()
        self._join_optimizers()
        self._tensors = tensors_of(self.network)

    def epoch(self, epoch: int) -> list[Measurement | Diverged]:
        """Train epoch number `epoch` (from 1) and measure every member."""
        measured: list[Measurement | Diverged] = []
        for member, (loss, right) in zip(self.members, self._train(epoch), strict=True):
            try:
                measured.append(member.measure(epoch, loss, right))
            except Diverged as error:
                measured.append(error)
        return measured

    def part(self) -> None:
        """Let the members go on by themselves, or in other groups, from where they are."""
        self.share_state()
        for member in self.members:
            if member.average:
                decay, average = member.average.decay, member.average.network
                member.average = MovingAverage(member.network, decay, average)

    def share_state(self) -> None:
        """Let every member's optimizer have its part of what the group's has gathered."""
        whole = dict(self.network.named_parameters())
        for number, member in enumerate(self.members):
            for name, weight in member.network.named_parameters():
                member.optimizer.state[weight] = {
                    kind: value.clone() if value.ndim == 0 else part_of(value, number, weight)
                    for kind, value in self.optimizer.state.get(whole[name], {}).items()
                    if isinstance(value, Tensor)
                }

    def _join_optimizers(self) -> None:
        own = [optimizer_state(member.network, member.optimizer) for member in self.members]
        state = {
            name: first if name.endswith("/step") else self._joined([each[name] for each in own])
            for name, first in own[0].items()
        }
        restore_optimizer(self.network, self.optimizer, state)

    def _joined(self, parts: Sequence[Tensor]) -> Tensor:
        return joined(parts, self.members[0].layout)

    def _averaged(self) -> MovingAverage | None:
        averages = [member.average for member in self.members if member.average]
        if not averages:
            return None
        whole = stacked([average.network for average in averages], self.members[0].layout)
        return MovingAverage(self.network, averages[0].decay, whole)

    def _train(self, epoch: int) -> list[tuple[float, float]]:
        """Train on every image once; return each member's mean loss and top-1 meanwhile."""
        first, count = self.members[0], len(self.members)
        data = [member.epoch_data(epoch) for member in self.members]
        dice = Dice.seeded([shown.seed for shown in data], first.device)
        group = Group(count, dice)
        orders = torch.stack([shown.order for shown in data])
        sums = torch.zeros(2, count, device=first.device)
        begin = 0
        with sharing() as give_way:
            for step, index in enumerate(orders.tensor_split(first.steps, 1)):
                rows = slice(begin, begin := begin + index.shape[1])
                images, labels = first.images.at(index.reshape(-1))
                draws = joined_draws([shown.draws.of(rows) for shown in data])
                images = _side_by_side(augmented(images, draws, first.images.normal), count)
                number = (epoch - 1) * first.steps + step
                sums += self._step(group, images, labels.view(count, -1), number)
                give_way()
        losses, rights = (sums / orders.shape[1]).tolist()
        return [(loss, 100 * right) for loss, right in zip(losses, rights, strict=True)]

    def _step(self, group: Group, images: Tensor, labels: Tensor, step: int) -> Tensor:
        """Learn from a batch of each member; return (2, R): sums of losses, correct answers."""
        first = self.members[0]
        recipe = first.job.recipe
        for parameters in self.optimizer.param_groups:
            parameters["lr"] = rate_at(step, first.steps * recipe.epochs, recipe)
        with first.autocast():
            answers = self.program.run(group, self._tensors, images).transpose(0, 1)
            losses = _losses(answers, labels, first.weights, recipe.label_smoothing)
        losses.sum().backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.optimizer.zero_grad()
        if self.average:
            self.average.update(step)
        right = (answers.detach().argmax(2) == labels).sum(1)
        return torch.stack((losses.detach() * labels.shape[1], right))


def _sample(training: Training) -> Tensor:
    """Return two images as the training sees them."""
    shown = training.epoch_data(1)
    images, _ = training.images.at(shown.order[:2])
    return augmented(images, shown.draws.of(slice(0, 2)), training.images.normal)


def _side_by_side(images: Tensor, members: int) -> Tensor:
    """Turn (R * N, C, H, W), one member after the other, into (N, R * C, H, W)."""
    apart = torch.unflatten(images, 0, (members, -1)).permute(1, 3, 4, 0, 2)
    return apart.flatten(3).permute(0, 3, 1, 2)


def _losses(answers: Tensor, labels: Tensor, weights: Tensor | None, smoothing: float) -> Tensor:
    """Return the mean loss (R,) of each member's answers (R, N, classes), by class `weights`."""
    flat = answers.flatten(0, 1)
    each = functional.cross_entropy(
        flat, labels.flatten(), weights, reduction="none", label_smoothing=smoothing
    ).view(labels.shape)
    return each.mean(1) if weights is None else each.sum(1) / weights[labels].sum(1)
