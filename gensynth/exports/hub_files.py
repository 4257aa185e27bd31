"""The files of an export for other tools: `config.json`, in the format of timm and the hub.

Next to it is `timm_model.py`, a copy of the file of that name here, which registers the network.
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

CONFIG_FILE = "config.json"
LOADING = """
## Loading

`config.json` describes the images that the network expects. Without timm:

    from {name} import {name}
    from safetensors.torch import load_file

    model = {name}()
    model.load_state_dict(load_file("model.safetensors"))

With timm, and this folder on `sys.path` (also `num_classes=`, `in_chans=`, and
`features_only=True` for the feature maps of the stages):

    import timm, timm_model

    model = timm.create_model(timm_model.NAME, pretrained=True)
    model = timm.create_model("local-dir:FOLDER", pretrained=True)
"""


@dataclass(frozen=True)
class Images:
    """The images that a network was trained on; by default, pixels from 0 to 1."""

    mean: Sequence[float] = ()
    """Subtracted from each channel; empty = 0."""
    std: Sequence[float] = ()
    """Each channel is divided by it afterwards; empty = 1."""
    class_names: Sequence[str] = ()
    """In the order of the outputs; empty if the classes have no names."""


def write_hub_files(
    folder: Path,
    name: str,
    source: Source,
    network: "nn.Module",
    genome_json: str,
    images: Images,
) -> None:
    """Write both files, or none if the network has no convolution or no linear classifier."""
    config = _config(name, source, network, genome_json, images)
    if config is None:
        return
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
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
