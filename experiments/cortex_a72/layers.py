"""Reads the layers that the emulator counted, to fit the fast model to them."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from devices.cortex_a72.calibration import Anchor
from devices.cortex_a72.counts import Counts
from devices.cortex_a72.ncnn_layers import NcnnLayer
from gensynth.graph.graph import Graph, Layer

Shape = tuple[int, int]
"""Channels and pixels."""
POOLS = {"0": "Pooling max", "1": "Pooling avg"}


def read(path: Path) -> list[dict[str, Any]]:
    """Read a file of `sample`, without the networks that could not be converted."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return [row for row in rows if "counts" in row]


def graph_from(rows: list[list[Any]]) -> Graph:
    """Return the graph of rows that `sample.to_rows` made."""
    layers = []
    for row in rows:
        values: Any = [tuple(value) if isinstance(value, list) else value for value in row]
        layers.append(Layer(*values))
    return Graph(tuple(layers))


def milliseconds(anchor: Anchor, counts: Mapping[str, float]) -> float:
    """Return the latency that the calibration gives for these counts."""
    return anchor.milliseconds(Counts(**counts))


def layers_of(row: Mapping[str, Any]) -> Iterator[tuple[NcnnLayer, Mapping[str, float]]]:
    """Yield the layers of a network as ncnn ran them, with their counts."""
    known: dict[str, Shape] = {}
    for layer in row["layers"]:
        words = layer["line"].split()
        inputs, outputs = int(words[2]), int(words[3])
        read_, made = words[4 : 4 + inputs], words[4 + inputs : 4 + inputs + outputs]
        settings = dict(word.split("=", 1) for word in words[4 + inputs + outputs :])
        width, height, channels, lanes = layer["shape"]
        shape = channels * lanes, width * height
        if width * height * channels and height == channels == 1:
            shape = width * lanes, 1  # A vector: ncnn calls its numbers the width.
        known.update(dict.fromkeys(made, shape))
        if words[0] == "Slice":
            known.update(zip(made, _parts(settings, known[read_[0]]), strict=True))
        if words[0] != "Input":
            given = known[read_[0]] if read_ else shape
            alike = all(known[name] == shape for name in read_)
            yield _layer(words[0], settings, given, shape, alike, outputs), layer["counts"]


def _parts(settings: Mapping[str, str], whole: Shape) -> list[Shape]:
    sizes = [int(size) for size in settings["-23300"].split(",")[1:]]
    given = sum(size for size in sizes if size > 0)
    return [(size if size > 0 else whole[0] - given, whole[1]) for size in sizes]


def _layer(
    kind: str, settings: Mapping[str, str], given: Shape, made: Shape, alike: bool, outputs: int
) -> NcnnLayer:
    if kind in ("Convolution", "ConvolutionDepthWise"):
        kernel, stride = int(settings["1"]), int(settings.get("3", 1))
        across = int(settings.get("11", kernel))
        groups = int(settings.get("7", 1))
        form = "Convolution" if kind == "Convolution" else "grouped"
        form = "depthwise" if groups == given[0] == made[0] and groups > 1 else form
        return NcnnLayer(
            form, given[0], made[0], given[1], made[1], kernel * across, stride, groups
        )
    if kind == "InnerProduct":
        return NcnnLayer(kind, given[0], made[0], 1, 1)
    if kind == "Pooling" and settings.get("4") != "1":
        kernel = int(settings.get("1", 1))
        name, places = POOLS[settings.get("0", "0")], kernel * int(settings.get("11", kernel))
        return NcnnLayer(
            name, given[0], made[0], given[1], made[1], places, int(settings.get("2", 1))
        )
    if kind == "Split":
        return NcnnLayer(kind, 1, 1, 1, outputs)
    if kind == "Slice":
        made = given
    name = {"Pooling": "Reduction", "Reshape": "Permute"}.get(kind, kind)
    if kind == "BinaryOp" and not alike:
        name = "BinaryOp broadcast"
    return NcnnLayer(name, given[0], made[0], given[1], made[1])
