"""The files of an export for other tools: `config.json`, in the format of timm and the hub.

Next to it is `timm_model.py`, a copy of the file of that name here, which registers the network.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gensynth.data.open import open_data
from gensynth.data.preprocessing import Preprocessing
from gensynth.data.sets import DataSet, DataSettings, Progress
from gensynth.errors import InputError
from gensynth.genome import genome_id
from gensynth.models.exported import CONFIG, TIMM, input_shape
from gensynth.prediction.opened import facts_of
from gensynth.serialization import from_plain, loads, to_plain
from gensynth.space import Source

if TYPE_CHECKING:
    from torch import nn

ALONE = """
## Loading

`python predict.py PICTURE...` classifies pictures. `config.json` describes how it prepares them
(`preprocessing`); images that are prepared otherwise are classified less well. Without timm:

    from {name} import {name}
    from safetensors.torch import load_file

    model = {name}()
    model.load_state_dict(load_file("model.safetensors"))
"""
TIMM_LOADING = """
With timm, and this folder on `sys.path` (also `num_classes=`, `in_chans=`, and
`features_only=True` for the feature maps of the stages):

    import timm, timm_model

    model = timm.create_model(timm_model.NAME, pretrained=True)
    model = timm.create_model("local-dir:FOLDER", pretrained=True)
"""


@dataclass(frozen=True)
class Images:
    """What a network needs to know of images: how they are prepared, and their classes."""

    preprocessing: Preprocessing
    class_names: Sequence[str]
    """In the order of the outputs."""

    @classmethod
    def of(cls, network: "nn.Module", shape: tuple[int, int, int]) -> "Images":
        """Return those of an untrained network: pixels from 0 to 1, and numbered classes."""
        import torch

        channels, height, width = shape
        with torch.no_grad():
            outputs = network(torch.zeros(1, *shape)).shape[1]
        how = Preprocessing(channels, height, width, (0.0,) * channels, (1.0,) * channels)
        return cls(how, [f"class {number}" for number in range(outputs)])

    @property
    def metadata(self) -> dict[str, str]:
        """Return them as JSON, for the metadata of a file."""
        how = self.preprocessing
        facts = {"mean": how.mean, "std": how.std, "size": how.size, "preprocessing": how}
        facts["classes"] = list(self.class_names)
        return {name: json.dumps(to_plain(fact)) for name, fact in facts.items()}


def read_images(folder: Path) -> Images | None:
    """Return what the `config.json` of an exported folder says of its images; None without one.

    Those of earlier versions state mean and standard deviation only.

    Raises:
        InputError: the file is damaged.
    """
    path, shape = folder / CONFIG, input_shape(folder)
    if not path.is_file() or shape is None:
        return None
    config: Any = loads(path.read_bytes(), str(path))
    if isinstance(config, dict) and "preprocessing" in config:
        how, names = facts_of(path)
        return Images(from_plain(Preprocessing, how, f"{path}: preprocessing: "), names)
    try:
        images = config["pretrained_cfg"]
        mean, std = (tuple(map(float, images[key])) for key in ("mean", "std"))
        names = tuple(map(str, config.get("label_names", ())))
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise InputError(str(path), f"is not the config.json of an export ({error})") from None
    return Images(Preprocessing(*shape, mean, std), names)


def opened_for(
    known: Images | None,
    settings: DataSettings,
    shape: tuple[int, int, int],
    progress: Progress | None = None,
) -> DataSet:
    """Open data as an exported network takes it.

    Args:
        known: what the export says of its images; None if it says nothing.
        settings: the data; size, channels and chain are those of the export.
        shape: (C, H, W) of the network's input.
        progress: called with (done, total) while images are decoded.

    Raises:
        InputError: the data cannot be opened.
    """
    if known is None:
        return open_data(settings, progress=progress, size=shape[1:])
    how = known.preprocessing
    data = open_data(as_exported(known, settings), progress=progress, size=shape[1:])
    return replace(data, mean=how.mean, std=how.std)


def as_exported(known: Images, settings: DataSettings) -> DataSettings:
    """Return settings with the size, channels, chain and background of an export's images."""
    how = known.preprocessing
    settings = replace(settings, chain="two_resizes" if how.fit == "box" else "one_resize")
    if how.background is not None:
        settings = replace(settings, background=how.background)
    if settings.path == "digits":
        return settings
    size = settings.image_size or how.height
    return replace(settings, image_size=size, channels=how.channels)  # type: ignore[arg-type]


def loading(name: str, of_a_space: bool) -> str:
    """Return the section of a card on how to load the network."""
    return ALONE.format(name=name) + (TIMM_LOADING if of_a_space else "")


def write_hub_files(
    folder: Path,
    name: str,
    source: Source,
    network: "nn.Module",
    genome_json: str,
    images: Images,
) -> None:
    """Write `config.json`, and for a network with a convolution and a linear classifier both.

    A network that is not of a search space gets `config.json` only.
    """
    known = {
        "preprocessing": to_plain(images.preprocessing),
        "label_names": list(images.class_names),
    }
    config = _config(name, source, network, genome_json, images)
    text = json.dumps({**(config or {}), **known}, indent=2)
    (folder / CONFIG).write_text(text + "\n", encoding="utf-8")
    if config is None or not genome_json:
        return
    text = resources.files("gensynth.exports").joinpath(TIMM).read_text(encoding="utf-8")
    (folder / TIMM).write_text(text, encoding="utf-8")


def _config(
    name: str, source: Source, network: "nn.Module", genome_json: str, images: Images
) -> dict[str, Any] | None:
    from torch import nn

    linear = [n for n, part in network.named_modules() if isinstance(part, nn.Linear)]
    convs = [n for n, part in network.named_modules() if isinstance(part, nn.Conv2d)]
    if not linear or not convs:
        return None
    layer: Any = network.get_submodule(linear[-1])
    genome = json.loads(genome_json).get("genome") if genome_json else None
    suffix = f"_{genome_id(genome)}" if genome is not None else ""
    how = images.preprocessing
    config: dict[str, Any] = {
        "architecture": name + suffix,
        "file": f"{name}.py",
        "num_classes": layer.out_features,
        "num_features": layer.in_features,
        "feature_info": getattr(network, "feature_info", []),
    }
    config["pretrained_cfg"] = {
        "input_size": list(source.input_shape),
        "num_classes": layer.out_features,
        "mean": list(how.mean),
        "std": list(how.std),
        "interpolation": how.filter,
        "crop_pct": 1.0,
        "crop_mode": "center",
        "first_conv": convs[0],
        "classifier": linear[-1],
    }
    return config
