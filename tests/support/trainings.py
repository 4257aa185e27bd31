"""Short trainings of a toy network on the real digits, and pictures in folders."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from gensynth.data.open import open_data
from gensynth.data.sets import DataSettings
from gensynth.evaluation.measurement import Measurement
from gensynth.space import Source
from gensynth.training.job import Job, Recipe

SPEC = {"channels": 1, "width": 8, "depth": 2, "stride": 2, "classes": 10}
QUICK = Recipe(epochs=4, batch_size=128, learning_rate=0.2)


def job(folder: Path, recipe: Recipe = QUICK, **changes: Any) -> Job:
    """Train a toy network on a quarter of the digits; `changes` win."""
    data = DataSettings()
    plain = Job(
        number=0,
        purpose="search",
        source=Source("tests.support.toy_blocks", SPEC, (1, 8, 8)),
        data=data,
        data_fingerprint=open_data(data).fingerprint,
        recipe=replace(recipe, data_share=recipe.data_share * 0.25),
        training_seed=0,
        folder=str(folder),
        device="cpu",
        checkpoint_s=0.0,
    )
    return replace(plain, **changes)


def timeless(curve: list[Measurement]) -> list[Measurement]:
    """Take wall-clock times out: they are recorded, and never compared."""
    return [replace(measurement, seconds=0.0) for measurement in curve]


def write_pictures(
    folder: Path, classes: dict[str, int], size: int = 8, channels: int = 1, seed: int = 0
) -> None:
    """Write noise images, as PNG, `classes[name]` of them each."""
    rng = np.random.default_rng(seed)
    for name, count in classes.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            pixels = rng.integers(0, 256, (size, size, channels), dtype=np.uint8)
            image = Image.fromarray(pixels[:, :, 0] if channels == 1 else pixels)
            image.save(folder / name / f"{number:04d}.png")
