"""Converts networks to TensorFlow Lite and has TFLM allocate them; `tflm_memory` starts it.

It runs in an environment with litert-torch, ai-edge-quantizer and tflite-micro, and imports of this
project only what needs nothing but torch. Weights and statistics are random.
"""

import importlib
import json
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

ARENA = 60_000_000
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


def stripped(content: bytes) -> bytes:
    """Return a model without names and metadata."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model: Any = schema.ModelT.InitFromPackedBuf(content, 0)
    for entry in model.metadata or ():
        model.buffers[entry.buffer].data = None
    for buffer in model.buffers:  # Large files keep their numbers behind the tables.
        if buffer.offset and buffer.offset > 1:
            end = buffer.offset + buffer.size
            buffer.data = np.frombuffer(content[buffer.offset : end], np.uint8)
            buffer.offset = buffer.size = 0
    model.description = model.metadata = model.metadataBuffer = model.signatureDefs = None
    for graph in model.subgraphs:
        graph.name = None
        for tensor in graph.tensors:
            tensor.name = tensor.shapeSignature = None
            scales = tensor.quantization
            if scales is not None:
                scales.min = scales.max = None
                if scales.scale is None or len(scales.scale) == 0:
                    tensor.quantization = None
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def allocated(content: bytes) -> dict[str, int]:
    """Return the bytes of the arena and of its parts; the recording allocator prints them."""
    from tflite_micro.python.tflite_micro import runtime

    interpreter = runtime.Interpreter.from_bytes(content, arena_size=ARENA)
    kept = [os.dup(1), os.dup(2)]
    with tempfile.TemporaryFile() as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
        interpreter.print_allocations()
        for number, before in zip((1, 2), kept, strict=True):
            os.dup2(before, number)
        file.seek(0)
        text = file.read().decode()
    found = dict(re.findall(r"Arena allocation (total|head|tail) (\d+) bytes", text))
    return {"arena": int(found["total"]), "head": int(found["head"]), "tail": int(found["tail"])}


def main() -> None:
    """Convert and measure every listed network that has no figures yet."""
    listed, folder = Path(sys.argv[1]), Path(sys.argv[2])
    for line in listed.read_text("utf-8").splitlines():
        row = json.loads(line)
        figures = folder / f"{row['name']}.json"
        if figures.exists():
            continue
        try:
            files = {kind: stripped(content) for kind, content in convert(row, folder).items()}
            found = {k: allocated(content) | {"file": len(content)} for k, content in files.items()}
        except Exception as error:  # The others are converted all the same.
            print(f"{row['name']}: {type(error).__name__}: {str(error)[:200]}", file=sys.stderr)
            continue
        figures.write_text(json.dumps(found) + "\n", "utf-8")
        print(row["name"], found, flush=True)


if __name__ == "__main__":
    main()
