"""The exported network in use: its files, how to run it, why its figures differ; the words."""

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from gensynth.models.exported import PREDICT, PREDICT_ONNX
from gensynth.report.contents import Contents
from gensynth.report.words import count

FILES: Mapping[str, str] = {
    "model.safetensors": "the weights, for PyTorch",
    "model.onnx": "ONNX in float32, for ONNX Runtime and many others",
    "model.int8.onnx": "ONNX quantised to 8 bits",
    "model.pt2": "a torch.export program",
    "model.pte": "ExecuTorch, for phones and small devices",
    "model.tflite": "TensorFlow Lite in float32",
    "model.int8.tflite": "TensorFlow Lite in 8 bits, for microcontrollers",
    "predict.py": "classifies pictures: needs torch, and nothing of this project",
    "predict_onnx.py": "classifies pictures: needs ONNX Runtime only",
    "card.md": "what the network is, what it reaches, where it comes from",
    "config.json": "how a picture is prepared, and the names of the classes",
}
"""What the files of an export are, in the order in which they are listed."""
GLOSSARY: Mapping[str, str] = {
    "MACs": "multiply-accumulates of convolutions and linear layers for one image",
    "peak activation bytes": "memory for the values between the layers, in float32, at its highest",
    "score": "how good a network is overall. NetScore is in decibels: more accurate, smaller and "
    "cheaper is higher; twice as few parameters and MACs are worth 6 dB",
    "pursued value": "the score less the price of the preferences that a network does not keep; "
    "the search looks for the highest",
    "lower bound": "what the accuracy is at least, with the stated confidence, for the number of "
    "validation images and the trainings that were made",
    "Pareto front": "the networks that no other one beats in both accuracy and cost",
}
"""The words of a report."""


def files_of(folder: Path, link: str) -> list[dict[str, str]]:
    """Return the files of the export in `folder`, with `link` as the way to it from the page."""
    there = [name for name in FILES if (folder / name).is_file()]
    return [
        {
            "name": name,
            "link": f"{link}/{name}",
            "size": f"{count((folder / name).stat().st_size)}B",
            "what": FILES[name],
        }
        for name in there
    ]


def uses(folder: Path, trained: bool) -> Iterator[str]:
    """Yield the network's files in `folder` with their sizes, and the commands that run it."""
    models = [file for file in files_of(folder, "") if file["name"].startswith("model.")]
    for file in models:
        yield f"{file['name']:<18}{file['size']:>9}  {file['what']}"
    if not trained:
        return
    yield f"use     gensynth predict {shlex.quote(str(folder))} PICTURE"
    scripts = [name for name in (PREDICT, PREDICT_ONNX) if (folder / name).is_file()]
    for name in scripts[-1:]:
        yield f"        python {shlex.quote(str(folder / name))} PICTURE"


def commands(folder: Path) -> str:
    """Return the commands that run the exported network on a picture."""
    best = folder / "best"
    lines = [f"gensynth predict {shlex.quote(str(folder))} PICTURE"]
    if (best / "predict.py").is_file():
        lines.append(f"python {shlex.quote(str(best / 'predict.py'))} PICTURE")
    lines.append(f"gensynth evaluate {shlex.quote(str(folder))} --data FOLDER")
    return "\n".join(lines)


def why_figures_differ(page: Contents) -> str:
    """Say why test and validation figures are not the same; empty if nothing is exported."""
    if page.exported is None or page.finalist is None:
        return ""
    experiment = page.campaign.context.experiment
    factor = experiment.last_training.epochs_factor / experiment.finals.epochs_factor
    times = "" if factor == 1 else f"{factor:.3g} times "
    return (
        "The test figure and the validation figure are of two trainings of the same network: the "
        f"exported one was trained {times}as long as those of the finals, and on the "
        "training and validation images together, so no validation images are left to measure it "
        "on; the test images were never used to choose it."
    )
