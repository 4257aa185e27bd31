"""Whether a network computes the same in a group as alone, tried before a group is trained."""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gensynth.training.epoch_data import seeded
from gensynth.training.group.program import NotGrouped, Program, written
from gensynth.training.group.rules import Dice, Group
from gensynth.training.group.stack import part_of, stacked, tensors_of

IMAGES = 3
"""Images per member."""
TOLERANCE = 1e-7
"""Largest difference, relative to the largest number; everything is in double precision."""


def program_of(network: nn.Module, images: Tensor) -> Program:
    """Return what `network` computes when it trains on `images` (N, C, H, W), of a usual layout.

    Two copies with other weights compute a step by themselves and as a group, with all gradients
    and running statistics. So a program that leaves something out is found, whatever the reason.

    Raises:
        NotGrouped: the network calls something that has no rule, or the group differs.
    """
    try:
        with seeded(0, images.device):
            _compare_steps(network, images.shape[1:])
            return written(copy.deepcopy(network).train(), images)
    except (RuntimeError, TypeError, ValueError, NotImplementedError) as error:
        raise NotGrouped(f"{type(error).__name__}: {error}") from error


def _compare_steps(network: nn.Module, shape: Sequence[int]) -> None:
    """Raise `NotGrouped` if two copies of `network` compute something else as a group."""
    device = next(network.parameters()).device
    rng = torch.Generator().manual_seed(0)
    images = [torch.randn(IMAGES, *shape, generator=rng).double().to(device) for _ in range(2)]
    pair = [_shaken(network, rng) for _ in images]
    program = written(copy.deepcopy(pair[0]), images[0])
    whole = stacked([copy.deepcopy(each) for each in pair], torch.contiguous_format)
    group = Group(2, Dice.seeded([0, 1], device))
    together = torch.cat(images, 1).contiguous(memory_format=torch.channels_last)
    answers = program.run(group, tensors_of(whole), together)
    _backward(answers.transpose(0, 1).flatten(0, 1))
    for number, (alone, image) in enumerate(zip(pair, images, strict=True)):
        torch.manual_seed(number)
        answer = alone(image)
        _backward(answer)
        _compare(answers[:, number], answer)
        _compare_tensors(whole, alone, number)


def _shaken(network: nn.Module, rng: torch.Generator) -> nn.Module:
    """Return a copy in training mode with other weights, none of which is 0 or 1."""
    shaken = copy.deepcopy(network).double().train()
    with torch.no_grad():
        for weight in shaken.parameters():
            noise = torch.randn(weight.shape, generator=rng, dtype=torch.float64)
            weight.add_(noise.to(weight.device), alpha=0.1)
    return shaken


def _backward(answers: Tensor) -> None:
    """Compute gradients of a sum whose terms have different weights."""
    answers.mul(
        torch.arange(1.0, 1 + answers.shape[1], device=answers.device)
    ).sin().sum().backward()  # type: ignore[no-untyped-call]


def _compare_tensors(whole: nn.Module, alone: nn.Module, number: int) -> None:
    stored = tensors_of(whole)
    for name, own in tensors_of(alone).items():
        _compare(part_of(stored[name], number, own), own)
        if own.grad is not None:
            gradient = stored[name].grad
            if gradient is None:
                raise NotGrouped(f"{name} has no gradient in the group")
            _compare(part_of(gradient, number, own), own.grad)


def _compare(found: Tensor, expected: Tensor) -> None:
    if found.shape != expected.shape:
        raise NotGrouped("it computes other shapes in a group")
    if not len(expected.flatten()):
        return
    scale = float(expected.detach().abs().max())
    if float((found - expected).detach().abs().max()) > TOLERANCE * (1 + scale):
        raise NotGrouped("it computes something else in a group")
