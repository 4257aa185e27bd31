r"""Does a picture have one class, however it reaches an exported network?

    python -m experiments.benchmarks.same_prediction EXPORT PICTURES [--image-size 64]

EXPORT is an exported folder with `model.onnx`, and PICTURES a folder of classes, decoded as in
training. Prints the share of pictures that get the same class as by training's way: from
`gensynth predict`, from both `predict.py`, and from timm's `create_transform`, for all pictures and
for each kind. timm's route leaves EXIF, transparency, 16 bits and greys to whoever opens a picture,
and cannot express two resizes. Exits with 1 if a share of ours is below 99.8 %.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from PIL import Image

import gensynth
from experiments.benchmarks.command_line import parser_for
from gensynth.data.folder import dealt
from gensynth.data.layout import scan
from gensynth.data.open import open_data
from gensynth.data.preprocessing import Chain, Preprocessing
from gensynth.data.sets import DataSettings
from gensynth.models.exported import load_folder
from gensynth.models.timm_models import import_timm
from gensynth.prediction.opened import folder_facts
from gensynth.serialization import from_plain

LEAST = 99.8
"""Percent of the pictures of each kind."""
PART = 500
"""Pictures given to a script at once."""
Classes = Mapping[str, str]
"""Class by the path of the picture."""


def main() -> None:
    """Compare and print."""
    parser = parser_for(__doc__)
    parser.add_argument("export", type=Path)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--image-size", type=int, default=64)
    options = parser.parse_args()
    export, pictures = options.export, options.pictures.resolve()
    found = gensynth.predict(export, pictures)
    ours = {one.picture: one.best for one in found if not one.problem}
    expected = trained(export, pictures, options.image_size)
    print(f"{len(expected)} readable pictures, {len(found) - len(ours)} unreadable")
    routes: dict[str, Classes] = {
        "gensynth predict": ours,
        "predict.py": dict(told(export / "predict.py", sorted(ours))),
        "predict_onnx.py": dict(told(export / "predict_onnx.py", sorted(ours))),
        "timm": timm(export, sorted(ours)),
    }
    least = 100.0
    for kind, files in kinds(expected).items():
        shares = {
            route: 100 * sum(classes.get(file) == expected[file] for file in files) / len(files)
            for route, classes in routes.items()
        }
        least = min(least, *(share for route, share in shares.items() if route != "timm"))
        words = ", ".join(f"{route} {share:.2f} %" for route, share in shares.items())
        print(f"{kind} ({len(files)}): {words}")
    sys.exit(least < LEAST)


def trained(export: Path, pictures: Path, image_size: int) -> Classes:
    """Classify the pictures as training does: decoded into a cache, normalised in batches."""
    how = from_plain(Preprocessing, folder_facts(export)[0], str(export))
    chain: Chain = "one_resize" if how.then is None and how.fit == "crop" else "two_resizes"
    settings = DataSettings(
        str(pictures), image_size, channels=3, unreadable_share=0.5, chain=chain
    )
    data = open_data(settings, size=how.size)
    network, classes = load_folder(export), folder_facts(export)[1]
    mean, std = (torch.tensor(x)[:, None, None] for x in (how.mean, how.std))
    listing = scan(pictures)
    unreadable = {one.picture for one in gensynth.predict(export, pictures) if one.problem}
    found: dict[str, str] = {}
    for split, images in data.splits.items():
        rows = [
            picture.path
            for picture, to in zip(listing.pictures, dealt(settings, listing), strict=True)
            if to == split and picture.path not in unreadable
        ]
        pixels = (torch.from_numpy(images.images[:]).float() / 255 - mean) / std
        if how.then is not None:
            pixels = torch.nn.functional.interpolate(
                pixels, how.then, mode="bilinear", antialias=True
            )
        with torch.no_grad():
            best = network(pixels).argmax(1).tolist()
        found |= {path: classes[k] for path, k in zip(rows, best, strict=True)}
    return found


def told(script: Path, files: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the class that a script of the export prints for each file."""
    for start in range(0, len(files), PART):
        command = [sys.executable, str(script), *files[start : start + PART]]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        for line in done.stdout.splitlines():
            file, _, word = line.rpartition(": ")
            yield file, word.rpartition(" (")[0]


def timm(export: Path, files: list[str]) -> Classes:
    """Classify by timm's own transform, made from the `config.json` of the export."""
    import_timm()
    config = json.loads((export / "config.json").read_text(encoding="utf-8"))
    kept = ("input_size", "mean", "std", "interpolation", "crop_pct", "crop_mode")
    settings = {key: config["pretrained_cfg"][key] for key in kept}
    transform: Any = import_module("timm.data").create_transform(**settings)
    network, classes = load_folder(export), {}
    for file in files:
        with Image.open(BytesIO(Path(file).read_bytes())) as opened, torch.no_grad():
            best = network(transform(opened.convert("RGB"))[None]).argmax()
        classes[file] = config["label_names"][int(best)]
    return classes


def kinds(files: Classes) -> Mapping[str, list[str]]:
    """Return the pictures of each kind; a picture may be of several."""
    found: dict[str, list[str]] = {"all": sorted(files)}
    for file in sorted(files):
        with Image.open(file) as opened:
            is_of = {
                "exif": opened.getexif().get(0x0112, 1) != 1,
                "16 bits": opened.mode.startswith("I"),
                "transparent": opened.mode in ("RGBA", "LA"),
                "not square": opened.width != opened.height,
            }
        for kind, holds in is_of.items():
            if holds:
                found.setdefault(kind, []).append(file)
        others = any(holds for kind, holds in is_of.items() if kind != "not square")
        if not others:
            kind = "not square, else plain" if is_of["not square"] else "plain"
            found.setdefault(kind, []).append(file)
    return found


if __name__ == "__main__":
    main()
