"""Where a training begins: from the weights of a trained network, for its classes or for others."""

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from gensynth.errors import InputError
from gensynth.space import build_source
from gensynth.training.epoch_data import generator_of, seeded
from gensynth.training.job import Job, Start


def start_from(
    weights: Path,
    network: nn.Module,
    mean: Sequence[float],
    std: Sequence[float],
    same_classes: bool,
) -> Start:
    """Return how a training of `network` begins from a file of trained weights.

    Args:
        weights: a safetensors file of the same network, possibly for other classes.
        network: the network to be trained, with fresh weights.
        mean: what the trained network has subtracted from each channel of its images.
        std: what it has divided each channel by.
        same_classes: whether its outputs stand for the classes that are trained now. If not, the
            last layer with weights is not taken over.

    Raises:
        InputError: the file cannot be read, or its weights are not those of such a network.
    """
    digest = hashlib.sha256(_bytes(weights)).hexdigest()
    fresh = () if same_classes else classifier(network)
    start = Start(str(weights.resolve()), digest, tuple(mean), tuple(std), fresh)
    begin_from(network, start)
    return start


def begin_from(network: nn.Module, start: Start) -> None:
    """Load the weights that a training goes on from.

    Raises:
        InputError: the file has changed, or its weights do not fit the network.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    stored = _bytes(Path(start.weights))
    if hashlib.sha256(stored).hexdigest() != start.sha256:
        raise InputError(start.weights, "has changed since the training began")
    try:
        tensors = load(stored)
        found = {name: tensor for name, tensor in tensors.items() if name not in start.fresh}
        left = network.load_state_dict(found, strict=False)
    except (RuntimeError, SafetensorError) as error:
        raise InputError(start.weights, f"the weights do not fit the network: {error}") from None
    if left.unexpected_keys or set(left.missing_keys) != set(start.fresh):
        odd = [*left.unexpected_keys, *sorted(set(left.missing_keys) - set(start.fresh))]
        raise InputError(start.weights, f"the weights do not fit the network: {', '.join(odd[:3])}")


def classifier(network: nn.Module) -> tuple[str, ...]:
    """Return the names of the tensors of the last linear layer, or of the last convolution.

    >>> classifier(nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Linear(8, 5)))
    ('2.weight', '2.bias')
    """
    layers = list(network.named_modules())
    linear = [(name, part) for name, part in layers if isinstance(part, nn.Linear)]
    convolutions = [(name, part) for name, part in layers if isinstance(part, nn.Conv2d)]
    name, layer = (linear or convolutions)[-1]
    return tuple(f"{name}.{tensor}".lstrip(".") for tensor, _ in layer.named_parameters())


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise InputError(str(file), f"cannot be read ({error.strerror})") from None


def built(job: Job) -> nn.Module:
    """Build the network of a job with the weights that its training begins with."""
    for folder in job.import_paths:
        if folder not in sys.path:
            sys.path.append(folder)
    with seeded(generator_of(job.training_seed, 0).initial_seed(), torch.device("cpu")):
        network = build_source(job.source)
    if job.start is not None:
        begin_from(network, job.start)
    return network
