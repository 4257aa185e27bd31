"""A training job as plain data, and the recipe by which its network is trained."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from gensynth.data.sets import DataSettings
from gensynth.errors import InputError
from gensynth.evaluation.outcome import Purpose
from gensynth.space import Source
from gensynth.training.torch_device import TorchDevice

Augmentation = Literal["crop", "flip", "cutout", "colour", "erase"]
MOST_EPOCHS = 100_000
WEIGHTS = "model.safetensors"
"""File in a job's folder that holds its trained weights, if the job keeps them."""


@dataclass(frozen=True)
class Recipe:
    """How a network is trained; the `[proxy]` table of an experiment.

    The learning rate rises linearly from 0 during the share `warm_up` of all steps, then falls to
    0 along half a cosine (the one-cycle schedule of Smith, arXiv 1708.07120).
    """

    epochs: int = 40
    """Epochs of each training in the search."""
    batch_size: int = 64
    """Images per step; the batches of an epoch differ in size by at most one image."""
    optimizer: Literal["sgd", "adamw"] = "sgd"
    """`sgd` uses Nesterov momentum 0.9."""
    learning_rate: float = 0.4
    """Peak learning rate of the schedule."""
    weight_decay: float = 5e-4
    """Weight decay of convolutions and linear layers; normalisations and biases have none."""
    label_smoothing: float = 0.1
    """Share of each label that is spread over all classes."""
    warm_up: float = 0.2
    """Share of all steps during which the learning rate rises."""
    augment: tuple[Augmentation, ...] = ()
    """Random changes to training images: `crop` shifts by up to an eighth of the image; `flip`
    mirrors (not for digits or letters); `cutout` greys out a square of a quarter of the width;
    `colour` changes brightness, contrast and saturation, and `erase` greys out a rectangle in half
    of the images (both by torchvision). Tiny networks have little to spare: `colour` cost one of
    2,406 parameters 1.7 points of top-1 (experiments/README.md), so no default has either."""
    balance: Literal["none", "sampling", "weights"] = "none"
    """For classes of different sizes: `sampling` shows images of small classes more often, and
    those of large ones less; `weights` weighs each image's loss by the rarity of its class."""
    data_share: float = 1.0
    """Share of the training split that is used; every network gets the same images."""
    ema_decay: float = 0.0
    """Decay of the moving average of the weights, which is then measured and kept; 0 = none."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """`auto` uses bf16 autocast on a GPU and fp32 elsewhere."""
    channels_last: bool = True
    """Memory layout of images and weights; in our measurements never slower than channels first."""

    def __post_init__(self) -> None:
        """Raise `InputError` for values that no training can have."""
        possible = 1 <= self.epochs <= MOST_EPOCHS
        _require(possible, "epochs", f"from 1 to {MOST_EPOCHS:,}", self.epochs)
        _require(self.batch_size >= 2, "batch_size", "at least 2", self.batch_size)
        _require(self.learning_rate > 0, "learning_rate", "greater than 0", self.learning_rate)
        _require(self.weight_decay >= 0, "weight_decay", "at least 0", self.weight_decay)
        for name in ("label_smoothing", "warm_up", "ema_decay"):
            share = getattr(self, name)
            _require(0 <= share < 1, name, "at least 0 and less than 1", share)
        share = self.data_share
        _require(0 < share <= 1, "data_share", "greater than 0 and at most 1", share)


def deciding(recipe: Recipe) -> dict[str, Any]:
    """Return a recipe as plain data that identifies a training.

    What earlier versions did not have is left out where it has no effect, so that their checkpoints
    and reports stay valid.
    """
    plain = asdict(recipe)
    return {k: v for k, v in plain.items() if (k, v) != ("balance", "none")}


@dataclass(frozen=True)
class Start:
    """The trained network that a training goes on from."""

    weights: str
    """Its file of weights."""
    sha256: str
    """Digest of the file; other weights are refused."""
    mean: tuple[float, ...]
    std: tuple[float, ...]
    """Normalisation of the images that it was trained on, which replaces that of the data."""
    fresh: tuple[str, ...] = ()
    """Names of the tensors that are not taken over, because the classes are others."""

    @property
    def identity(self) -> tuple[object, ...]:
        """What decides how a training begins; the place of the file does not."""
        return (self.sha256, self.mean, self.std, self.fresh)


@dataclass(frozen=True)
class Job:
    """One training as plain data: the only thing that is sent to a worker process."""

    number: int
    """Position in the order in which candidates were handed out, from 0."""
    purpose: Purpose
    source: Source
    """How to build the network."""
    data: DataSettings
    data_fingerprint: str
    """Fingerprint of the images, as decoded for this network; other data is refused."""
    recipe: Recipe
    training_seed: int
    """Seed of the initial weights and of the order of the images."""
    folder: str
    """Folder of the job's checkpoint and weights."""
    attempt: int = 1
    """Number of this attempt, from 1."""
    splits: tuple[Literal["train", "validation"], ...] = ("train",)
    """Splits to train on; `("train", "validation")` for the network that is exported."""
    measure_test: bool = False
    """Whether to measure the test split once, at the end."""
    measure_int8: bool = False
    """Whether to quantise the trained network and measure the loss on the validation split."""
    keep_weights: bool = False
    """Whether to write `WEIGHTS` into the folder at the end."""
    checkpoint_s: float | None = 10.0
    """Least seconds between two checkpoints; None = write none."""
    time_limit_s: float | None = None
    """Seconds; `attempt` enforces it, `train` does not."""
    threads: int = 1
    """CPU threads."""
    device: TorchDevice = "auto"
    cache: str | None = None
    """Folder of decoded images on this node; None = the user's cache folder."""
    start: Start | None = None
    """The trained network to go on from; None = begin with fresh weights."""
    import_paths: tuple[str, ...] = field(default_factory=tuple)
    """Folders to append to `sys.path` before importing the source (plugins next to a TOML)."""


class Diverged(RuntimeError):
    """The training loss is not a finite number any more."""

    def __init__(self, epoch: int, loss: float) -> None:
        """Report the mean `loss` of `epoch` (from 1)."""
        super().__init__(f"the mean training loss of epoch {epoch} is {loss}")


def _require(holds: bool, field_name: str, wanted: str, value: object) -> None:
    if not holds:
        raise InputError(field_name, f"must be {wanted}, got {value}")
