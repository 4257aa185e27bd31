"""The tensors of several networks in one: the members keep views, so that both stay the same."""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn


def stacked(networks: Sequence[nn.Module], layout: torch.memory_format) -> nn.Module:
    """Return a module that holds the tensors of all `networks`, each under its usual name.

    The tensors of the networks become views of it. The module cannot be called.
    """
    holder = copy.deepcopy(networks[0])
    named = [tensors_of(network) for network in networks]
    for name, first in tensors_of(holder).items():
        whole = joined([tensors[name].detach() for tensors in named], layout)
        for member, tensors in enumerate(named):
            tensors[name].data = part_of(whole, member, tensors[name])
        path, _, last = name.rpartition(".")
        learned = isinstance(first, nn.Parameter)
        held = nn.Parameter(whole, first.requires_grad) if learned else whole
        setattr(holder.get_submodule(path), last, held)
    return holder


def tensors_of(network: nn.Module) -> dict[str, Tensor]:
    """Return the parameters and buffers of a network by name."""
    return dict([*network.named_parameters(), *network.named_buffers()])


def joined(tensors: Sequence[Tensor], layout: torch.memory_format) -> Tensor:
    """Return one tensor of all members: their rows one after the other, images in `layout`."""
    if tensors[0].ndim == 0:
        return torch.stack(list(tensors))
    whole = torch.cat(list(tensors))
    return whole.contiguous(memory_format=layout) if whole.ndim == 4 else whole


def part_of(whole: Tensor, member: int, like: Tensor) -> Tensor:
    """Return the part of a stacked tensor that belongs to `member`, shaped like its own."""
    if like.ndim == 0:
        return whole.detach()[member]
    return whole.detach().narrow(0, member * len(like), len(like))
