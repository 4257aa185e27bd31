"""Proxy training: a job, and the measurements that training it yields."""

from dataclasses import dataclass, field
from typing import Literal

from gensynth.outcome import Purpose
from gensynth.space import Source

Device = Literal["auto", "cpu", "cuda"]


@dataclass(frozen=True)
class DataSettings:
    """Which images, and how they are split; the `[data]` table of an experiment."""

    path: str = "digits"
    """`digits` (embedded), or an image folder."""
    image_size: int | None = None
    """Height and width in pixels to which images are decoded; None keeps the data's own."""
    validation_share: float = 0.2
    test_share: float = 0.2
    split_seed: int = 0


@dataclass(frozen=True)
class Recipe:
    """How a network is trained; the `[proxy]` table of an experiment."""

    epochs: int = 20
    batch_size: int = 64


@dataclass(frozen=True)
class Job:
    """One training, as plain data: the only thing that crosses to a worker process."""

    number: int
    """Order in which candidates were handed out, from 0."""
    purpose: Purpose
    source: Source
    """Builds the network."""
    data: DataSettings
    data_fingerprint: str
    """Of the data when the campaign began; other data is refused."""
    recipe: Recipe
    training_seed: int
    """Seeds the weights and the order of the data."""
    folder: str
    """Where its checkpoint and its weights are kept."""
    attempt: int = 1
    splits: tuple[str, ...] = ("train",)
    """What it trains on; `("train", "validation")` for the network that is exported."""
    measure_test: bool = False
    """Measure the test split once, at the end."""
    time_limit_s: float | None = None
    threads: int = 1
    device: Device = "auto"
    import_paths: tuple[str, ...] = field(default_factory=tuple)
    """Folders appended to `sys.path` before the source is imported (plugins beside a TOML)."""
