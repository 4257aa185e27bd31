"""The files of a C project around the network's code: an example that classifies pictures."""

import json
from importlib import resources
from inspect import getsource
from pathlib import Path
from typing import Any

import numpy as np

from gensynth.data.preprocessing import Preprocessing, steps
from gensynth.formats import Deployment
from gensynth.serialization import from_plain

TEMPLATES = "gensynth.templates"
FOLDER = "c_project"
PLAIN = ("main.c", "board.c", "board.h", "classify.h", "mps2_an386.ld", "Makefile")
FILLED = ("network.h", "classify.c")
PICTURES = 4
"""Calibration images that the example holds until `pictures.py` writes others."""


def write_project(network: Deployment, folder: Path) -> None:
    """Write everything but the network's own code."""
    words = facts_of(network)
    for name in PLAIN:
        (folder / name).write_text(template(name), encoding="utf-8")
    for name in FILLED:
        (folder / name).write_text(filled(name, words), encoding="utf-8")
    how = preprocessing_of(network)
    (folder / "pictures.h").write_text(_pictures(network, how), encoding="utf-8")
    if "preprocessing" in network.metadata:
        (folder / "pictures.py").write_text(_script(network, how), encoding="utf-8")


def template(name: str) -> str:
    """Return the text of a file of the project."""
    path = resources.files(TEMPLATES).joinpath(FOLDER).joinpath(name)
    return path.read_text(encoding="utf-8")


def filled(name: str, words: dict[str, str]) -> str:
    """Return the text of a file with its `@WORDS@` replaced."""
    text = template(name)
    for word, value in words.items():
        text = text.replace(f"@{word}@", value)
    return text


def preprocessing_of(network: Deployment) -> Preprocessing:
    """Return how pictures are prepared; pixels from 0 to 1 if nothing is known."""
    if "preprocessing" in network.metadata:
        plain = json.loads(network.metadata["preprocessing"])
        return from_plain(Preprocessing, plain, "preprocessing")
    channels, height, width = network.input_shape
    return Preprocessing(channels, height, width, (0.0,) * channels, (1.0,) * channels)


def facts_of(network: Deployment) -> dict[str, str]:
    """Return what the files state of a network, as C."""
    how, (channels, height, width) = preprocessing_of(network), network.input_shape
    names = _classes(network)
    return {
        "CHANNELS": str(channels),
        "HEIGHT": str(height),
        "WIDTH": str(width),
        "COUNT": str(len(names)),
        "MEAN": ", ".join(f"{value!r}f" for value in how.mean),
        "STD": ", ".join(f"{value!r}f" for value in how.std),
        "CLASSES": ",\n    ".join(_text(name) for name in names),
    }


def _classes(network: Deployment) -> list[str]:
    if "classes" in network.metadata:
        return [str(name) for name in json.loads(network.metadata["classes"])]
    import torch

    with torch.no_grad():
        outputs = network.module(torch.zeros(1, *network.input_shape)).shape[1]
    return [f"class {number}" for number in range(outputs)]


def _text(name: str) -> str:
    """Return a text as C; beyond ASCII, its bytes in octal, which end after three digits."""
    plain = [chr(b) if 32 <= b < 127 and b not in b'"\\?' else f"\\{b:03o}" for b in name.encode()]
    return '"' + "".join(plain) + '"'


def _pictures(network: Deployment, how: Preprocessing) -> str:
    images = network.calibration[:PICTURES].double().cpu().numpy().transpose(0, 2, 3, 1)
    pixels = ((images * np.array(how.std) + np.array(how.mean)) * 255).round().clip(0, 255)
    rows = ",\n".join(
        "    {" + ", ".join(map(str, picture.astype(int).reshape(-1).tolist())) + "}"
        for picture in pixels
    )
    size = pixels[0].size
    head = f"#include <stdint.h>\n\n#define PICTURES {len(pixels)}\n\n"
    return f"{head}static const uint8_t pictures[PICTURES][{size}] = {{\n{rows},\n}};\n"


def _script(network: Deployment, how: Preprocessing) -> str:
    """Return a program that writes `pictures.h`, with the text of the function that decodes."""
    decode = steps(how)[0]
    plain: dict[str, Any] = json.loads(network.metadata["preprocessing"])
    _, height, width = network.input_shape
    words = {
        "HOW": repr(plain),
        "SIZE": repr((height, width)),
        "DECODE": getsource(decode),
        "FUNCTION": decode.__name__,
        "BYTES": str(int(np.prod(network.input_shape))),
    }
    return filled("pictures.txt", words)
