"""The task of the proxy benchmarks: a mid-size network on part of an image folder."""

from dataclasses import dataclass, replace
from pathlib import Path

from gensynth.data.open import open_data
from gensynth.data.sets import DataSet, DataSettings
from gensynth.genome import Decision
from gensynth.space import Replay, Source
from gensynth.training.job import Job, Recipe
from gensynth.training.torch_device import TorchDevice
from search_spaces.attendnext import AttendNeXt


@dataclass(frozen=True)
class Setting:
    """One training, as passed to the benchmark's own processes."""

    folder: str
    """Contains `images`, made by `subset`, and the cache of decoded images."""
    images: int
    epochs: int = 3
    batch_size: int = 128
    learning_rate: float = 0.2
    threads: int = 1
    loader_workers: int = 2
    """Of the plain loop's `DataLoader`."""
    device: TorchDevice = "cpu"
    bf16: bool = False
    seed: int = 0


def mid_size() -> dict[str, Decision]:
    """Return a network of four stages (32 to 256 channels) with 4 columns and attention in each."""
    decisions: dict[str, Decision] = {
        "stages": 4,
        "resolution": 1.0,
        "activation": "silu",
        "gate": "sigmoid",
        "stem.width": 32,
        "stem.kernel": 3,
        "stem.convs": 1,
        "stem.stride": 2,
    }
    for i, (width, depth) in enumerate(zip((8, 16, 24, 32), (1, 2, 2, 1), strict=True)):
        stage: dict[str, Decision] = {
            "columns": 4,
            "width": width,
            "depth": depth,
            "branch": "basic" if i < 2 else "bottleneck",
            "interaction": "entry" if i < 2 else "every",
            "mix": "same",
            "stride": 2 if i else 1,
            "down": "rect2",
            "attention": "text",
            "place": "first",
            "condense": 2,
            "pool": "max_blur",
        }
        for k in range(1, depth + 1):
            stage |= {f"block{k}.kernel": 3, f"block{k}.inner": 1.0}
        decisions |= {f"stage{i + 1}.{name}": option for name, option in stage.items()}
    return decisions


def job(setting: Setting) -> Job:
    """Describe the proxy training of the mid-size network; decode the images if necessary."""
    folder = Path(setting.folder)
    settings = DataSettings(path=str(folder / "images"))
    data = open_data(settings, folder / "cache")
    space = AttendNeXt()
    recipe = Recipe(
        epochs=setting.epochs,
        batch_size=setting.batch_size,
        learning_rate=setting.learning_rate,
        augment=("crop", "flip"),
        precision="bf16" if setting.bf16 else "fp32",
    )
    source = space.source(space.sample(Replay(mid_size())), data.task)
    described = training(source, settings, data, recipe, folder / "job", setting.seed)
    cache = str(folder / "cache")
    return replace(described, threads=setting.threads, device=setting.device, cache=cache)


def training(
    source: Source,
    settings: DataSettings,
    data: DataSet,
    recipe: Recipe,
    folder: Path,
    seed: int = 0,
) -> Job:
    """Describe a training on one core that keeps its weights and writes no checkpoint."""
    return Job(
        number=seed,
        purpose="search",
        source=source,
        data=settings,
        data_fingerprint=data.fingerprint,
        recipe=recipe,
        training_seed=seed,
        folder=str(folder),
        keep_weights=True,
        checkpoint_s=None,
        device="cpu",
    )


def subset(data: Path, folder: Path, images: int) -> None:
    """Link `images` training files of `data`, evenly by class, and a fifth for validation."""
    classes = sorted(path.name for path in (data / "train").iterdir() if path.is_dir())
    count = images // len(classes)
    for name in classes:
        files = sorted((data / "train" / name).iterdir())
        chosen = {
            "train": files[:count],
            "val": files[count : count + count // 5],
            "test": sorted((data / "test" / name).iterdir())[:1],
        }
        for split, parts in chosen.items():
            place = folder / "images" / split / name
            place.mkdir(parents=True)
            for file in parts:
                (place / file.name).symlink_to(file.resolve())
