"""Run exported networks without gensynth; needs numpy, and torch or ONNX Runtime.

    python -I export_elsewhere.py FOLDER torch|onnx

Every folder below FOLDER that has a `logits.npy` is an export; `inputs.npy` holds images, and the
logits are those of the searched network. Prints the largest difference and the percentage of images
classified alike, for each format, as JSON.
"""

import importlib.util
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Logits = NDArray[np.float32]
Run = Callable[[Logits], Logits]


def runs_by_torch(folder: Path) -> Iterator[tuple[str, Run]]:
    """Yield the runners of the standalone file and the exported program of a folder."""
    import torch
    from safetensors.torch import load_file

    (code,) = folder.glob("*.py")
    spec = importlib.util.spec_from_file_location(f"m{abs(hash(folder))}", code)
    assert spec is not None and spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    network = getattr(module, code.stem)()
    network.load_state_dict(load_file(folder / "model.safetensors"))

    def run(module: Any) -> Run:
        with torch.no_grad():
            return lambda images: module(torch.from_numpy(images)).detach().numpy()

    yield "torch", run(network.eval())
    if (folder / "model.pt2").exists():
        yield "pt2", run(torch.export.load(folder / "model.pt2").module())


def runs_by_onnxruntime(folder: Path) -> Iterator[tuple[str, Run]]:
    """Yield the runners of the ONNX files of a folder."""
    import onnxruntime

    def run_of(session: Any) -> Run:
        return lambda images: session.run(None, {"images": images})[0]

    for name, file in (("onnx", "model.onnx"), ("int8", "model.int8.onnx")):
        if (folder / file).exists():
            yield name, run_of(onnxruntime.InferenceSession(str(folder / file)))


def main() -> None:
    """Compare all exports below a folder with the searched networks."""
    root, kind = Path(sys.argv[1]), sys.argv[2]
    assert importlib.util.find_spec("gensynth") is None, "gensynth is installed here"
    rows = []
    for file in sorted(root.glob("*/logits.npy")):
        folder, expected = file.parent, np.load(file)
        images = np.load(folder / "inputs.npy")
        for name, run in (runs_by_torch if kind == "torch" else runs_by_onnxruntime)(folder):
            # The program and the ONNX files must accept any batch size; the PyTorch file must be
            # exactly equal, so it gets the batch of the searched network.
            parts = (images,) if name == "torch" else (images[:1], images[1:])
            logits = np.concatenate([run(part) for part in parts])
            rows.append(
                {
                    "export": folder.name,
                    "format": name,
                    "difference": float(np.abs(logits - expected).max()),
                    "alike": 100 * float((logits.argmax(1) == expected.argmax(1)).mean()),
                }
            )
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
