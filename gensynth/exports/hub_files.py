"""The files of an export for other tools: `config.json`, in the format of timm and the hub.

Next to it is `timm_model.py`, a copy of the file of that name here, which registers the network.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gensynth.data.preprocessing import Preprocessing
from gensynth.genome import genome_id
from gensynth.models.exported import CONFIG, TIMM
from gensynth.serialization import to_plain
from gensynth.space import Source

if TYPE_CHECKING:
    from torch import nn

LOADING = """
## Loading

`python predict.py PICTURE...` classifies pictures. `config.json` describes how it prepares them
(`preprocessing`); images that are prepared otherwise are classified less well. Without timm:

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


def write_hub_files(
    folder: Path,
    name: str,
    source: Source,
    network: "nn.Module",
    genome_json: str,
    images: Images,
) -> None:
    """Write `config.json`, and for a network with a convolution and a linear classifier both."""
    known = {
        "preprocessing": to_plain(images.preprocessing),
        "label_names": list(images.class_names),
    }
    config = _config(name, source, network, genome_json, images)
    text = json.dumps({**(config or {}), **known}, indent=2)
    (folder / CONFIG).write_text(text + "\n", encoding="utf-8")
    if config is None:
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
    genome = json.loads(genome_json).get("genome")
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
