"""Classifies pictures: python predict.py photo.jpg ... (torch, safetensors, numpy, Pillow)."""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from attendnext import attendnext
from PIL import Image, ImageOps
from safetensors.torch import load_file


def prepare(file, how):
    """Return what the network takes, float32 (channels, height, width)."""
    opened = Image.open(file)
    opened.draft(None, (2 * how["width"], 2 * how["height"]))  # A JPEG, at a reduced size.
    image = ImageOps.exif_transpose(opened)
    if image.mode.startswith("I"):  # 16 bits
        values = np.asarray(image).astype("int64") * 255 // how["white"]
        image = Image.fromarray(values.clip(0, 255).astype("uint8"))
    image = image.convert("RGBA") if image.mode == "P" else image
    image = image.convert("L" if how["channels"] == 1 else "RGB")
    image = ImageOps.fit(image, (how["width"], how["height"]), Image.Resampling.BILINEAR)
    pixels = np.asarray(image).reshape(how["height"], how["width"], how["channels"])
    values = ((pixels / 255 - how["mean"]) / how["std"]).transpose(2, 0, 1).astype("float32")
    size, planes = tuple(how["then"][::-1]), map(Image.fromarray, np.ascontiguousarray(values))
    return np.stack([np.asarray(p.resize(size, Image.Resampling.BILINEAR)) for p in planes])


def _main(files):
    folder, network, code = Path(__file__).resolve().parent, attendnext().requires_grad_(False), 0
    network.load_state_dict(load_file(folder / "model.safetensors"))
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    for file in files:
        try:
            image = torch.from_numpy(prepare(file, config["preprocessing"]))
            share, best = network(image[None])[0].softmax(0).max(0)
            print(f"{file}: {config['label_names'][best]} ({share:.1%})")
        except Exception as error:
            code = 1  # The others go on.
            print(f"{file}: cannot be read: {error}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
