"""Do exported networks compute what the searched ones do? Random genomes and presets on digits.

    python -m experiments.benchmarks.export_agreement --genomes 50 --epochs 3 --to FOLDER --fresh

Every network is briefly trained on the digits (8 x 8 pixels) and exported in all formats, each
compared on the 359 test images as in `gensynth export`. With --fresh the exports are then run in
two new environments without this project: one with torch, one with ONNX Runtime. TensorFlow Lite
files are run by tflite-micro too, which is also compared with LiteRT. What was compared is kept in
FOLDER, so a second start goes on.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from math import nan
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from experiments.benchmarks.command_line import parser_for
from experiments.benchmarks.proxy_task import training
from gensynth.data.open import open_data
from gensynth.data.sets import DataSettings
from gensynth.errors import InputError
from gensynth.exports.agreement import COMPARED_ELSEWHERE, Agreement, Extras, compared
from gensynth.exports.export_folder import write_folder
from gensynth.formats import Run, formats
from gensynth.formats.real_inputs import RealInputs, of_data
from gensynth.formats.tflite import LITERT, MICRO, Tflite, run_by
from gensynth.genome import to_json
from gensynth.serialization import dumps, from_plain, loads
from gensynth.space import Draw, Replay, SearchSpace, Source, build_source
from gensynth.training.job import Diverged, Recipe
from gensynth.training.loop import train
from search_spaces.attendnet import AttendNet
from search_spaces.attendnext import AttendNeXt

DATA = open_data(DataSettings())
ROOT = Path(__file__).parent.parent.parent
LEARNED = 80
"""Percent of top-1 from which a network counts as one that has learned."""
RATES = (0.1, 0.02, 0.004)
PACKAGES = {"torch": ("torch", "numpy", "safetensors"), "onnx": ("onnxruntime", "numpy")}


def genomes(count: int, start: int) -> Iterator[tuple[str, str, SearchSpace[Any], Any]]:
    """Yield the presets of both spaces (if `start` is 0), then random genomes of both in turn."""
    spaces: list[tuple[str, SearchSpace[Any]]] = [
        ("attendnext", AttendNeXt()),
        ("attendnet", AttendNet()),
    ]
    if start == 0:
        for name, space in spaces:
            for preset, decisions in space.presets.items():
                yield f"{name}-{preset}", name, space, space.sample(Replay(decisions))
    for seed in range(start, count):
        name, space = spaces[seed % 2]
        genome = space.sample(Draw(np.random.default_rng(seed)))
        yield f"{name}-{seed:03d}", name, space, genome


def train_somehow(source: Source, epochs: int, folder: Path) -> None:
    """Train a network on the digits at the first learning rate at which it does not diverge.

    A network that diverges at every rate stays untrained, with batch statistics of some images.
    """
    for rate in RATES:
        recipe = Recipe(epochs=epochs, batch_size=64, learning_rate=rate)
        job = training(source, DataSettings(), DATA, recipe, folder)
        with suppress(Diverged):
            list(train(job))
            return
    print(f"{folder.stem} diverges at every learning rate: not trained")
    torch.manual_seed(0)
    network = build_source(source).train()
    with torch.no_grad():
        for _ in range(100):
            network(of_data(DATA, "", "train", source.input_shape[1:], False).calibration)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(network.state_dict(), folder / "model.safetensors")


def exported(
    folder: Path, name: str, space: SearchSpace[Any], genome: Any, epochs: int, wanted: list[str]
) -> list[Agreement]:
    """Train and export one network, unless that is done, and save its test images and logits."""
    source = space.source(genome, DATA.task)
    inputs = of_data(DATA, "digits", "test", source.input_shape[1:], trained=True)
    training, kept = folder.with_suffix(".training"), folder.with_suffix(".json")
    if kept.exists():
        return from_plain(list[Agreement], loads(kept.read_text("utf-8"), kept.name), kept.name)
    if not training.exists():
        train_somehow(source, epochs, training)
    weights = load_file(training / "model.safetensors")
    network = build_source(source)
    network.load_state_dict(weights)
    network.eval()
    shutil.rmtree(folder, ignore_errors=True)
    extras = Extras(formats(wanted), inputs)
    text = to_json(genome, name, space.version)
    check = write_folder(folder, name, source, weights, text, f"# {folder.name}\n", extras=extras)
    agreements = [
        each for a in check.agreements for each in (replace(a, elsewhere=()), *a.elsewhere)
    ]
    unable = {a.file for a in check.agreements if a.unable}
    able = [p for p in sorted(folder.glob("*.tflite")) if p.name not in unable]
    agreements += [beside_litert(path, inputs) for path in able]
    np.save(folder / "inputs.npy", inputs.images.numpy())
    images = torch.from_numpy(np.load(folder / "inputs.npy"))  # In the memory layout of the file.
    with torch.no_grad():
        np.save(folder / "logits.npy", network(images).numpy())
    kept.write_text(dumps(agreements), encoding="utf-8")
    return agreements


class InMicro(Tflite):
    """A TensorFlow Lite file in tflite-micro."""

    def open(self, path: Path) -> Run:
        """Load the file into tflite-micro."""
        return run_by(MICRO, path)


class InLiteRT(nn.Module):
    """A TensorFlow Lite file in LiteRT."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._run = run_by(LITERT, path)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits (N, classes) of images (N, C, H, W)."""
        return self._run(images)


def beside_litert(path: Path, inputs: RealInputs) -> Agreement:
    """Compare tflite-micro with LiteRT on the same file."""
    own = InMicro(f"{path.stem} of LiteRT and tflite-micro", path.name, tolerance=None)
    return compared(own, path, InLiteRT(path), inputs.fewer(COMPARED_ELSEWHERE))


def fresh(folder: Path, kind: str) -> list[dict[str, Any]]:
    """Run all exports in a new environment that has their dependencies but not this project."""
    place = folder / f"venv-{kind}"
    python = place / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
        pip = [str(python), "-m", "pip", "install", "-q", "-c", str(ROOT / "tested-versions.txt")]
        subprocess.run([*pip, *PACKAGES[kind]], check=True, stderr=subprocess.DEVNULL)
    script = str(Path(__file__).with_name("export_elsewhere.py"))
    done = subprocess.run(
        [str(python), "-I", script, str(folder), kind],
        check=True,
        capture_output=True,
        text=True,
    )
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def summary(agreements: list[Agreement]) -> Iterator[str]:
    """Yield a line for each format, with the worst of all networks."""
    for name in dict.fromkeys(a.format for a in agreements):
        rows = [a for a in agreements if a.format == name]
        losses = [a.top1_loss for a in rows if a.top1_loss is not None]
        learned = [a.top1_loss or 0.0 for a in rows if (a.top1_searched or 0) >= LEARNED]
        yield (
            f"{name}: {sum(a.agrees for a in rows)} of {len(rows)} agree; largest difference "
            f"{max(a.largest_difference for a in rows):.3g}, above 1e-4 in "
            f"{sum(a.largest_difference > 1e-4 for a in rows)}; top-1 agreement "
            f"{min(a.same_class for a in rows):.2f} % or more; top-1 lost "
            f"{median(losses):.2f} points in the median, {max(losses):.2f} at most; of the "
            f"{len(learned)} that reach {LEARNED} %, {median(learned or [nan]):.2f} and "
            f"{max(learned or [nan]):.2f}; not run elsewhere: {sum(bool(a.unable) for a in rows)}"
        )


def main() -> None:
    """Export and compare all networks, and print the results."""
    parser = parser_for(__doc__)
    parser.add_argument("--genomes", type=int, default=50)
    parser.add_argument("--start", type=int, default=0, help="first random genome; 0 adds presets")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--formats", default="onnx,pt2,int8")
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--fresh", action="store_true")
    options = parser.parse_args()
    options.to.mkdir(parents=True, exist_ok=True)
    agreements: list[Agreement] = []
    for label, name, space, genome in genomes(options.genomes, options.start):
        wanted = options.formats.split(",")
        try:
            found = exported(options.to / label, name, space, genome, options.epochs, wanted)
        except InputError as error:
            print(f"{label}: {error}", flush=True)
            continue
        agreements += found
        print(f"{label}: " + "; ".join(map(str, found)), flush=True)
    print(*summary(agreements), sep="\n")
    for kind in ("torch", "onnx") if options.fresh else ():
        rows = fresh(options.to, kind)
        for form in dict.fromkeys(row["format"] for row in rows):
            of_it = [row for row in rows if row["format"] == form]
            print(
                f"fresh environment, {form}: {len(of_it)} exports, largest difference "
                f"{max(row['difference'] for row in of_it):.3g}, in the median "
                f"{median(row['difference'] for row in of_it):.3g}, above 1e-4 in "
                f"{sum(row['difference'] > 1e-4 for row in of_it)}; top-1 agreement "
                f"{min(row['alike'] for row in of_it):.2f} % or more"
            )


if __name__ == "__main__":
    main()
