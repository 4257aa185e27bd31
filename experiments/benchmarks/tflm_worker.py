"""Converts networks to TensorFlow Lite and has TFLM allocate them; `tflm_memory` starts it.

It runs in an environment with litert-torch, ai-edge-quantizer and tflite-micro, and imports of this
project only what needs nothing but torch. Weights and statistics are random.
"""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

SERVING, IMAGE = "serving_default", "args_0"


def network(row: dict[str, Any]) -> Any:
    """Return the network for images (1, H, W, C), folded, as the export converts it."""
    import torch

    from gensynth.formats.fold import folded

    torch.manual_seed(0)
    made = importlib.import_module(row["module"]).make(row["spec"]).eval()
    with torch.no_grad():  # Equal weights would be stored once.
        for parameter in made.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
        for module in made.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1)  # type: ignore[union-attr]
                module.running_var.uniform_(0.5, 1.5)  # type: ignore[union-attr]

    class ChannelsLast(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = folded(made, tuple(row["input_shape"]))

        def forward(self, images: torch.Tensor) -> Any:
            return self.network(images.permute(0, 3, 1, 2))

    return ChannelsLast()


def convert(row: dict[str, Any], folder: Path) -> dict[str, bytes]:
    """Return the float32 and the int8 file; converted files stay in `folder`."""
    import litert_torch
    import torch
    from ai_edge_quantizer import quantizer, recipe

    channels, height, width = row["input_shape"]
    plain, small = (folder / f"{row['name']}.{kind}.tflite" for kind in ("float", "int8"))
    if not small.exists():
        example = (torch.zeros(1, height, width, channels),)
        litert_torch.convert(network(row), example).export(str(plain))
        maker = quantizer.Quantizer(str(plain), recipe.static_wi8_ai8())
        draws = [np.random.default_rng(seed) for seed in range(4)]
        shape = (1, height, width, channels)
        images = [{IMAGE: draw.standard_normal(shape).astype(np.float32)} for draw in draws]
        small.write_bytes(maker.quantize(maker.calibrate({SERVING: images})).quantized_model)
    return {"float": plain.read_bytes(), "int8": small.read_bytes()}


def allocated(content: bytes, folder: Path) -> dict[str, int]:
    """Return the bytes of the arena and of its parts, as the export measures them."""
    from gensynth.formats.tflite_worker import arena

    file = folder / "stripped.tflite"
    file.write_bytes(content)
    found = arena(file)
    return {"arena": found["total"], "head": found["head"], "tail": found["tail"]}


def main() -> None:
    """Convert and measure every listed network that has no figures yet."""
    from gensynth.formats.tflite_worker import stripped

    listed, folder = Path(sys.argv[1]), Path(sys.argv[2])
    for line in listed.read_text("utf-8").splitlines():
        row = json.loads(line)
        figures = folder / f"{row['name']}.json"
        if figures.exists():
            continue
        try:
            files = {kind: stripped(content) for kind, content in convert(row, folder).items()}
            found = {
                k: allocated(content, folder) | {"file": len(content)}
                for k, content in files.items()
            }
        except Exception as error:  # The others are converted all the same.
            print(f"{row['name']}: {type(error).__name__}: {str(error)[:200]}", file=sys.stderr)
            continue
        figures.write_text(json.dumps(found) + "\n", "utf-8")
        print(row["name"], found, flush=True)


if __name__ == "__main__":
    main()
