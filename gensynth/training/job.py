"""Proxy training: a job, and the measurements that training it yields."""

from dataclasses import dataclass, field
from typing import Literal

from gensynth.data.sets import DataSettings as DataSettings
from gensynth.errors import InputError
from gensynth.evaluation.outcome import Purpose
from gensynth.space import Source
from gensynth.training.device import Device as Device
from gensynth.training.device import is_out_of_memory as is_out_of_memory

Augmentation = Literal["crop", "flip", "cutout"]
MOST_EPOCHS = 100_000
WEIGHTS = "model.safetensors"
"""What a job that keeps its weights leaves in its folder."""


@dataclass(frozen=True)
class Recipe:
    """How a network is trained; the `[proxy]` table of an experiment.

    The learning rate rises linearly from 0 over the share `warm_up` of all steps and falls along
    half a cosine to 0 (the one-cycle schedule of Smith, arXiv 1708.07120).
    """

    epochs: int = 40
    """Of each training of the search."""
    batch_size: int = 64
    """Images of one step; batches of an epoch differ by one at most."""
    optimizer: Literal["sgd", "adamw"] = "sgd"
    """`sgd` is with Nesterov momentum 0.9."""
    learning_rate: float = 0.4
    """At the top of the schedule."""
    weight_decay: float = 5e-4
    """Of convolutions and linear layers; normalisation and biases have none."""
    label_smoothing: float = 0.1
    """Share of each label that is spread over all classes."""
    warm_up: float = 0.2
    """Share of all steps over which the learning rate rises."""
    augment: tuple[Augmentation, ...] = ()
    """Shifts by up to an eighth of the image (`crop`), mirror images (`flip`: not for digits or
    letters), a grey square of a quarter of the image's width (`cutout`)."""
    data_share: float = 1.0
    """Share of the training split that is used; the same images for every network."""
    ema_decay: float = 0.0
    """Of the moving average of the weights that is measured and kept; 0 = the weights as such."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """`auto` is bf16 autocast on a GPU, fp32 elsewhere."""
    channels_last: bool = True
    """Memory layout of images and weights: never slower than channels first where we measured."""

    def __post_init__(self) -> None:
        """Refuse values that no training can have."""
        _require(1 <= self.epochs <= MOST_EPOCHS, "epochs", f"1 to {MOST_EPOCHS:,}", self.epochs)
        _require(self.batch_size >= 2, "batch_size", "at least 2", self.batch_size)
        _require(self.learning_rate > 0, "learning_rate", "more than 0", self.learning_rate)
        _require(self.weight_decay >= 0, "weight_decay", "0 or more", self.weight_decay)
        for name in ("label_smoothing", "warm_up", "ema_decay"):
            share = getattr(self, name)
            _require(0 <= share < 1, name, "0 or more and less than 1", share)
        _require(0 < self.data_share <= 1, "data_share", "more than 0, at most 1", self.data_share)


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
    splits: tuple[Literal["train", "validation"], ...] = ("train",)
    """What it trains on; `("train", "validation")` for the network that is exported."""
    measure_test: bool = False
    """Measure the test split once, at the end."""
    measure_int8: bool = False
    """Quantise the trained network and measure what that costs on the validation split."""
    keep_weights: bool = False
    """Write `WEIGHTS` into the folder at the end."""
    checkpoint_s: float | None = 10.0
    """A checkpoint is written once this many seconds have passed since the last; None = never."""
    time_limit_s: float | None = None
    """Looked at by whoever iterates over `train`."""
    threads: int = 1
    device: Device = "auto"
    cache: str | None = None
    """Folder of decoded images on this node; None = the user's cache folder."""
    import_paths: tuple[str, ...] = field(default_factory=tuple)
    """Folders appended to `sys.path` before the source is imported (plugins beside a TOML)."""


class Diverged(RuntimeError):
    """The training loss is no longer a finite number."""

    def __init__(self, epoch: int, loss: float) -> None:
        """Say in which `epoch` (from 1) the `loss` was lost."""
        super().__init__(f"the mean training loss of epoch {epoch} is {loss}")


def _require(holds: bool, field_name: str, wanted: str, value: object) -> None:
    if not holds:
        raise InputError(field_name, f"expected {wanted}, got {value}")
