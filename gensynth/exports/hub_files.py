"""The part of an export that others' tools read: `config.json`, as timm and the hub write it.

Beside it lies `timm_model.py`, a copy of the file of that name here: what registers the network.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gensynth.genome import genome_id
from gensynth.models.exported import TIMM
from gensynth.space import Source

if TYPE_CHECKING:
    from torch import nn

CONFIG = "config.json"
LOADING = """
## Loading

`config.json` says what the images have to be. Without timm:

    from {name} import {name}
    from safetensors.torch import load_file

    model = {name}()
    model.load_state_dict(load_file("model.safetensors"))

With timm, where this folder is on `sys.path` (also `num_classes=`, `in_chans=`, and
`features_only=True` for the maps of the stages):

    import timm, timm_model

    model = timm.create_model(timm_model.NAME, pretrained=True)
    model = timm.create_model("local-dir:FOLDER", pretrained=True)
"""


@dataclass(frozen=True)
class Images:
    """How the images were that a network was trained on; by default, pixels from 0 to 1."""

    mean: Sequence[float] = ()
    std: Sequence[float] = ()
    class_names: Sequence[str] = ()
    """In the order of the outputs; empty where they have no names."""


def write_hub_files(
    folder: Path,
    name: str,
    source: Source,
    network: "nn.Module",
    genome_json: str,
    images: Images,
) -> None:
    """Write both files; no file where no layer of the network can be told to be its classifier."""
    config = _config(name, source, network, genome_json, images)
    if config is None:
        return
    (folder / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
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
    genome = json.loads(genome_json).get("genome")
    suffix = f"_{genome_id(genome)}" if genome is not None else ""
    channels = source.input_shape[0]
    config: dict[str, Any] = {
        "architecture": name + suffix,
        "file": f"{name}.py",
        "num_classes": layer.out_features,
        "num_features": layer.in_features,
        "feature_info": getattr(network, "feature_info", []),
    }
    if images.class_names:
        config["label_names"] = list(images.class_names)
    config["pretrained_cfg"] = {
        "input_size": list(source.input_shape),
        "num_classes": layer.out_features,
        "mean": list(images.mean) or [0.0] * channels,
        "std": list(images.std) or [1.0] * channels,
        "interpolation": "bilinear",
        "crop_pct": 1.0,
        "crop_mode": "center",
        "first_conv": convs[0],
        "classifier": linear[-1],
    }
    return config
