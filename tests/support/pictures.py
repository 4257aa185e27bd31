"""Pictures as people have them: turned by EXIF, deep, transparent, not square, of many formats."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

KINDS = ("plain", "exif", "deep", "transparent", "palette", "wide", "high", "cmyk", "grey", "large")
SIZES: Mapping[str, tuple[int, int]] = {"wide": (60, 31), "high": (33, 90), "large": (500, 400)}


def write_kind(kind: str, number: int, folder: Path) -> Path:
    """Write one smooth picture of a kind; return its file."""
    rng = np.random.default_rng((KINDS.index(kind), number))
    coarse = Image.fromarray(rng.integers(0, 256, (5, 5, 3), dtype=np.uint8))
    image = coarse.resize(SIZES.get(kind, (48, 48)), Image.Resampling.BICUBIC)
    file = folder / f"{kind} {number} ü.png"
    if kind == "exif":
        exif = Image.Exif()
        exif[0x0112] = 6
        image.transpose(Image.Transpose.ROTATE_90).save(file.with_suffix(".jpg"), exif=exif)
        return file.with_suffix(".jpg")
    if kind == "deep":
        image = Image.fromarray(np.asarray(image.convert("L")).astype("uint16") * 100 + 31)
    elif kind == "transparent":
        image.putalpha(coarse.convert("L").resize(image.size))
    elif kind == "palette":
        image = image.quantize(32)
    elif kind == "grey":
        image = image.convert("L")
    if kind in ("cmyk", "large"):
        file = file.with_suffix(".jpg")
        image = image.convert("CMYK") if kind == "cmyk" else image
    image.save(file)
    return file


def write_mixed(folder: Path, classes: tuple[str, ...] = ("cat é", "dog"), each: int = 2) -> Path:
    """Write a folder of classes with `each` pictures of every kind, and what does not belong."""
    for offset, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for kind in KINDS:
            for number in range(each):
                write_kind(kind, each * offset + number, folder / name)
        (folder / name / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    return folder
