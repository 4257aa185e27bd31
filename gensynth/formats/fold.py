"""Folding batch normalisation into the preceding convolutions, for inference."""

from collections import Counter
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING

from gensynth.graph.graph import Layer
from gensynth.graph.trace import trace

if TYPE_CHECKING:
    from torch import nn


def folded(module: "nn.Module", input_shape: tuple[int, int, int]) -> "nn.Module":
    """Return a copy of a network in eval mode with its batch normalisations folded.

    `norm(conv(x)) = g / s (W x + b - m) + h` is itself a convolution with weights `g / s W` and
    bias `g / s (b - m) + h`, where g and h are learned and m and s are the running mean and
    deviation. The same holds if several convolutions are concatenated along the channels before
    one norm. A norm stays if its input is read elsewhere too, or does not come from convolutions.
    """
    network = deepcopy(module).eval()
    layers = tuple(trace(network, input_shape))
    runs = Counter(layer.name for layer in layers)
    readers = Counter(row for layer in layers for row in layer.inputs)
    for layer in layers:
        if layer.kind != "norm" or runs[layer.name] != 1:
            continue
        sources = _convolutions(layer, layers, readers)
        if sources and all(runs[source.name] == 1 for source in sources):
            _fold(network, layer.name, [source.name for source in sources])
    return network


def _convolutions(norm: Layer, layers: Sequence[Layer], readers: Mapping[int, int]) -> list[Layer]:
    """Return the convolutions whose outputs only the norm reads; empty if it cannot be folded."""
    (row,) = norm.inputs
    rows = [row]
    if layers[row].op == "cat" and layers[row].detail == "dim=1":
        rows += layers[row].inputs
    sources = [layers[i] for i in rows[1:] or rows]
    alone = all(readers[i] == 1 for i in rows)
    return sources if alone and all(source.kind == "conv" for source in sources) else []


def _fold(network: "nn.Module", norm_name: str, conv_names: Sequence[str]) -> None:
    import torch
    from torch import nn

    norm = network.get_submodule(norm_name)
    convs = [network.get_submodule(name) for name in conv_names]
    if type(norm) is not nn.BatchNorm2d or norm.running_var is None or norm.running_mean is None:
        return
    plain = [conv for conv in convs if type(conv) is nn.Conv2d]
    if len(plain) != len(convs):
        return
    with torch.no_grad():
        gain = (norm.running_var.double() + norm.eps).rsqrt()
        gain = gain if norm.weight is None else gain * norm.weight.double()
        shift = -norm.running_mean.double() * gain
        shift = shift if norm.bias is None else shift + norm.bias.double()
        sizes = [conv.out_channels for conv in plain]
        parts = zip(plain, torch.split(gain, sizes), torch.split(shift, sizes), strict=True)
        for conv, own_gain, own_shift in parts:
            bias = own_shift if conv.bias is None else own_shift + own_gain * conv.bias.double()
            weight = conv.weight.double() * own_gain[:, None, None, None]
            conv.weight = nn.Parameter(weight.to(conv.weight.dtype))
            conv.bias = nn.Parameter(bias.to(conv.weight.dtype))
    network.set_submodule(norm_name, nn.Identity())
