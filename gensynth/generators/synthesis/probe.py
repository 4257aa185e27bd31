"""Stimuli and reactions: how the inquisitor probes a built, untrained network.

Stimulus signals (real images, shifted copies, noise) go in. The reactions are summarised over the
vertices (the layers that compute) as a few numbers, each finite and of order one. How much they say
about the accuracy is learned from the networks that were both probed and trained.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy import float64
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from gensynth.generators.problem import Problem
from gensynth.generators.synthesis.candidates import SampledCandidate

Floats = NDArray[float64]
Reactions = Mapping[str, float]
NOISE = 0.1
"""Standard deviation of the noise stimulus, as a share of the images' standard deviation."""
ENOUGH = 8
"""Networks that must be both probed and trained before reactions are used."""
RIDGE = 10.0
"""Penalty of the ridge regression: about the number of networks after which it counts half."""


@dataclass(frozen=True)
class Stimuli:
    """A mini-batch of stimuli: images (N, C, H, W), float32, and labels (N,)."""

    images: Tensor
    labels: Tensor
    decoded: Callable[[int, int], Tensor] | None = None
    """Returns the same images decoded to a height and a width; None = `images` are resized."""

    def resized(self, height: int, width: int) -> "Stimuli":
        """Return the stimuli with images of the resolution that a network takes."""
        if self.images.shape[-2:] == (height, width):
            return self
        if self.decoded is not None:
            return Stimuli(self.decoded(height, width), self.labels)
        size = (height, width)
        images = functional.interpolate(self.images, size, mode="bilinear", antialias=True)
        return Stimuli(images, self.labels)


def react(module: nn.Module, stimuli: Stimuli) -> Reactions:
    """Stimulate an untrained network and return its reactions.

    - `zero_fraction`, `dead_vertex`: mean and greatest share of silent activations over vertices.
    - `spread`: log10 of the standard deviation of the output.
    - `sensitivity`: log10 of the mean of |gradient x activation|.
    - `shift`, `noise`: log10 of how far a shift by one pixel, or a little noise, moves the output,
      relative to how far the outputs of different images are apart.
    - `jacobian`: similarity of the images' input gradients, from 0 (independent) to 1 (parallel).

    Batch normalisation uses the batch (training mode), and its running averages change.
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
    """Return the share of activations that are negligible in their vertex: mean and greatest."""
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
    """Return how far a shift and noise move the output, relative to how far images are apart."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(images.shape, generator=generator) * images.std() * NOISE
    apart = _distance(output, output.roll(1, dims=0))
    shifted = _distance(module(images.roll(1, dims=-1)), output)
    noisy = _distance(module(images + noise), output)
    return {"shift": _log10(shifted / max(apart, 1e-9)), "noise": _log10(noisy / max(apart, 1e-9))}


def _distance(one: Tensor, other: Tensor) -> float:
    return float((one - other).norm(dim=1).mean())


def _likeness(rows: Tensor) -> float:
    """Return the mean absolute correlation between different rows."""
    unit = functional.normalize(rows - rows.mean(dim=1, keepdim=True), dim=1)
    count = len(unit)
    total = float((unit @ unit.T).abs().sum()) - count
    return total / max(count * (count - 1), 1)


def _log10(value: float) -> float:
    return math.log10(max(value, 1e-9)) if math.isfinite(value) else 9.0


class Probes:
    """Probes of untrained candidates, each of which is made once."""

    def __init__(self, problem: Problem) -> None:
        """Start without any probe."""
        self.problem = problem
        self._reactions: dict[str, Reactions] = {}

    def probe(self, candidate: SampledCandidate) -> Reactions:
        """Return the reactions of a candidate's network; empty if it does not run on stimuli."""
        name = candidate.foresight.fingerprint
        if name not in self._reactions:
            try:
                self._reactions[name] = self.problem.probe(candidate.decisions)
            except (RuntimeError, ValueError):
                self._reactions[name] = {}
        return self._reactions[name]

    def shift(
        self,
        trained: Sequence[SampledCandidate],
        residuals: Callable[[], Floats],
        asked: Sequence[SampledCandidate],
    ) -> Floats:
        """Return by how much reactions move predicted accuracies, standardised, (len(asked),).

        `residuals` computes those of the trained candidates, if any of them was probed.
        """
        known, wanted = (
            [self._reactions.get(candidate.foresight.fingerprint, {}) for candidate in some]
            for some in (trained, asked)
        )
        if not any(known) or not any(wanted):
            return np.zeros(len(asked))
        return correction(known, residuals(), wanted)


def correction(known: Sequence[Reactions], errors: Floats, asked: Sequence[Reactions]) -> Floats:
    """Predict from their reactions by how much the accuracies of networks are mispredicted.

    Args:
        known: Reactions of trained networks; empty for those that were not probed.
        errors: Standardised residual of each of them, left out of its own prediction, (known,).
        asked: Reactions of the networks to predict; empty for those that were not probed.

    Returns:
        The predicted residual of each network, (asked,): that of a ridge regression on standardised
        reactions; 0 for networks that were not probed, and for all while too few are known.
    """
    moves = np.zeros(len(asked))
    trained = [index for index, reactions in enumerate(known) if reactions]
    wanted = [index for index, reactions in enumerate(asked) if reactions]
    if len(trained) < ENOUGH or not wanted:
        return moves
    probed, queried = [known[k] for k in trained], [asked[k] for k in wanted]
    names = sorted(set.intersection(*(set(some) for some in [*probed, *queried])))
    if not names:
        return moves
    table, queries = (
        np.array([[some[name] for name in names] for some in many], dtype=float64)
        for many in (probed, queried)
    )
    center, width = table.mean(axis=0), table.std(axis=0) + 1e-9
    table, queries = (table - center) / width, (queries - center) / width
    moment = table.T @ table + RIDGE * np.eye(len(names))
    weights = np.linalg.solve(moment, table.T @ errors[trained])
    moves[wanted] = np.clip(queries, -3, 3) @ weights
    return moves
