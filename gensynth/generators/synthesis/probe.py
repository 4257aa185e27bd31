"""Stimuli and reactions: how the inquisitor questions a built, untrained network.

Stimulus signals (real images, shifted copies, noise) go in; what comes back is summarised over
the vertices (the layers that compute) as a few numbers, each finite and of order one.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

NOISE = 0.1
"""Standard deviation of the noise stimulus, in units of the images' own."""


@dataclass(frozen=True)
class Stimuli:
    """A mini-batch to stimulate with: images (N, C, H, W), float32, and labels (N,)."""

    images: Tensor
    labels: Tensor

    def resized(self, height: int, width: int) -> "Stimuli":
        """Bring the images to the resolution that a network takes."""
        if self.images.shape[-2:] == (height, width):
            return self
        size = (height, width)
        images = functional.interpolate(self.images, size, mode="bilinear", antialias=True)
        return Stimuli(images, self.labels)


def react(module: nn.Module, stimuli: Stimuli) -> Mapping[str, float]:
    """Stimulate an untrained network and name its reactions.

    Keys: `zero_fraction` and `dead_vertex` (mean and worst share of silent activations over the
    vertices), `spread` (log10 of the last activations' deviation), `sensitivity` (log10 of the mean
    |gradient x activation|), `shift` and `noise` (log10 of how far a shift by one pixel and a
    little noise move the output, relative to how far images are apart), `jacobian` (how alike
    the images' input gradients are; 0 = independent, 1 = one direction).
    Batch normalisation uses the batch (training mode); its running averages change.
    """
    module.train()
    images = stimuli.images.detach().clone().requires_grad_(True)
    with _listening(module) as activations:
        output = module(images)
    vertices = [tensor for tensor in activations if tensor.requires_grad]
    loss = functional.cross_entropy(output, stimuli.labels)
    gradients = torch.autograd.grad(loss, vertices, retain_graph=True, allow_unused=True)
    (jacobian,) = torch.autograd.grad(output.sum(), images)
    reactions = {
        **_silence(vertices),
        "spread": _log10(float(output.detach().std())),
        "sensitivity": _log10(_saliency(vertices, gradients)),
        "jacobian": _likeness(jacobian.flatten(1)),
        **_stability(module, stimuli.images, output.detach()),
    }
    return {name: round(value, 6) for name, value in reactions.items()}


@contextmanager
def _listening(module: nn.Module) -> Iterator[list[Tensor]]:
    heard: list[Tensor] = []

    def listen(_: nn.Module, __: object, output: object) -> None:
        if isinstance(output, Tensor):
            heard.append(output)

    leaves = [leaf for leaf in module.modules() if not any(leaf.children())]
    handles = [leaf.register_forward_hook(listen) for leaf in leaves]
    try:
        yield heard
    finally:
        for handle in handles:
            handle.remove()


def _silence(vertices: list[Tensor]) -> dict[str, float]:
    """Measure the share of activations that are next to nothing in their vertex."""
    shares = []
    for tensor in vertices:
        size = tensor.detach().abs()
        shares.append(float((size <= 1e-2 * size.mean()).float().mean()))
    return {
        "zero_fraction": sum(shares) / max(len(shares), 1),
        "dead_vertex": max(shares, default=0),
    }


def _saliency(vertices: list[Tensor], gradients: tuple[Tensor | None, ...]) -> float:
    pairs = [(v, g) for v, g in zip(vertices, gradients, strict=True) if g is not None]
    return sum(float((v.detach() * g).abs().mean()) for v, g in pairs) / max(len(pairs), 1)


@torch.no_grad()
def _stability(module: nn.Module, images: Tensor, output: Tensor) -> dict[str, float]:
    """Compare how far a shift and noise move the output with how far images are apart."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(images.shape, generator=generator) * images.std() * NOISE
    apart = _distance(output, output.roll(1, dims=0))
    shifted = _distance(module(images.roll(1, dims=-1)), output)
    noisy = _distance(module(images + noise), output)
    return {"shift": _log10(shifted / max(apart, 1e-9)), "noise": _log10(noisy / max(apart, 1e-9))}


def _distance(one: Tensor, other: Tensor) -> float:
    return float((one - other).norm(dim=1).mean())


def _likeness(rows: Tensor) -> float:
    """Give the mean absolute correlation between different rows."""
    unit = functional.normalize(rows - rows.mean(dim=1, keepdim=True), dim=1)
    count = len(unit)
    total = float((unit @ unit.T).abs().sum()) - count
    return total / max(count * (count - 1), 1)


def _log10(value: float) -> float:
    return math.log10(max(value, 1e-9)) if math.isfinite(value) else 9.0
