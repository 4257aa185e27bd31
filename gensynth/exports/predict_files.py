"""`predict.py` and `predict_onnx.py` of an export: they classify pictures without this project.

Both contain the text of the functions of `gensynth.data.preprocessing` that training uses.
"""

import re
from inspect import getsource
from pathlib import Path

from gensynth.data.preprocessing import Preprocessing, steps
from gensynth.formats.onnx import EXACT_INT8, takes_exact_int8
from gensynth.models.exported import PREDICT, PREDICT_ONNX

TORCH = '''\
"""Classifies pictures: python predict.py photo.jpg ... (torch, safetensors, numpy, Pillow)."""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from {name} import {name}
from PIL import Image, ImageOps
from safetensors.torch import load_file


{prepare}


def _main(files):
    folder, network, code = Path(__file__).resolve().parent, {name}().requires_grad_(False), 0
    network.load_state_dict(load_file(folder / "model.safetensors"))
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    for file in files:
        try:
            image = torch.from_numpy(prepare(file, config["preprocessing"]))
            share, best = network(image[None])[0].softmax(0).max(0)
            print(f"{{file}}: {{config['label_names'][best]}} ({{share:.1%}})")
        except Exception as error:
            code = 1  # The others go on.
            print(f"{{file}}: cannot be read: {{error}}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
'''
ONNX = '''\
"""Classifies pictures: python predict_onnx.py photo.jpg ... (onnxruntime, numpy, Pillow)."""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageOps


{prepare}


def _main(files):
    code, options = 0, onnxruntime.SessionOptions()
{exact}    session = onnxruntime.InferenceSession(Path(__file__).with_name("{file}"), options)
    facts = session.get_modelmeta().custom_metadata_map
    how, classes = json.loads(facts["preprocessing"]), json.loads(facts["classes"])
    for file in files:
        try:
            logits = session.run(None, {{"images": prepare(file, how)[None]}})[0][0]
            shares = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
            print(f"{{file}}: {{classes[shares.argmax()]}} ({{shares.max():.1%}})")
        except Exception as error:
            code = 1  # The others go on.
            print(f"{{file}}: cannot be read: {{error}}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
'''


EXACT = """    options.add_session_config_entry("{}", "{}")  # int8 does not overflow.
""".format(*EXACT_INT8)


def write_predict(folder: Path, name: str, how: Preprocessing) -> None:
    """Write `predict.py` for the network whose file and factory are called `name`."""
    text = TORCH.format(name=name, prepare=_prepare(how))
    (folder / PREDICT).write_text(text, encoding="utf-8")


def write_predict_onnx(folder: Path, how: Preprocessing) -> None:
    """Write `predict_onnx.py` if the folder holds an ONNX file; the float one comes first."""
    found = [file.name for file in folder.glob("*.onnx")]
    if found:
        file = min(found, key=len)
        exact = EXACT if takes_exact_int8((folder / file).read_bytes()) else ""
        text = ONNX.format(prepare=_prepare(how), file=file, exact=exact)
        (folder / PREDICT_ONNX).write_text(text, encoding="utf-8")


def _prepare(how: Preprocessing) -> str:
    """Return the two steps of a preprocessing as one function that takes it as a dict."""
    decode, normalise = (_body(getsource(step)) for step in steps(how))
    decode[-1] = decode[-1].replace("return ", "pixels = ")
    head = [
        "def prepare(file, how):",
        '    """Return what the network takes, float32 (channels, height, width)."""',
    ]
    text = "\n".join([*head, *decode, *normalise])
    return re.sub(r"\bhow\.(\w+)", r'how["\1"]', text)


def _body(text: str) -> list[str]:
    """Return the lines of a function below its docstring of one line."""
    return text.rstrip().splitlines()[2:]
