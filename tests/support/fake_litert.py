"""Stand-ins for the packages of TensorFlow Lite: a "file" is the text of a factor.

Its runtimes multiply the mean of each channel by the factor; that of tflite-micro adds `bias` to
it. Put on the path by `installed`, they are found by this process and by the worker's.
"""

import os
from pathlib import Path

import pytest

LITERT = """
import numpy as np

class Interpreter:
    def __init__(self, model_path, num_threads=1):
        self.factor = float(open(model_path).read())

    def allocate_tensors(self):
        pass

    def details(self, shape):
        scales = {"scales": np.zeros(0), "zero_points": np.zeros(0)}
        return {"index": 0, "shape": shape, "dtype": np.float32, "quantization_parameters": scales}

    def get_input_details(self):
        return [self.details([1, 4, 4, 3])]

    def get_output_details(self):
        return [self.details([1, 3])]

    def set_tensor(self, index, image):
        self.image = image

    def invoke(self):
        print("noise on standard output")

    def get_tensor(self, index):
        return self.image.mean((1, 2)) * self.factor
"""
MICRO = """
import sys

from ai_edge_litert.interpreter import Interpreter as Plain

class Interpreter(Plain):
    @classmethod
    def from_file(cls, path, arena_size):
        made = cls(path)
        if made.factor < 0:
            sys.stderr.write("Didn't find op for builtin opcode 'ATAN2'\\n")
            sys.stderr.flush()
            raise RuntimeError("TFLM could not register all operators")
        return made

    def get_input_details(self, index):
        return super().get_input_details()[index]

    def get_output_details(self, index):
        return super().get_output_details()[index]

    def set_input(self, image, index):
        self.image = image
        if self.factor == 4:  # As where an assertion of the real one fails.
            import os
            os.abort()

    def get_output(self, index):
        return self.get_tensor(index) + BIAS

    def print_allocations(self):
        import os
        for word, count in (("total", 14608), ("head", 8192), ("tail", 6416)):
            os.write(2, f"[Recorder] Arena allocation {word} {count} bytes\\n".encode())
"""


def installed(folder: Path, monkeypatch: pytest.MonkeyPatch, bias: float = 0.0) -> None:
    """Put the stand-ins on the path of this process and of those that it starts."""
    files = {
        "ai_edge_litert/interpreter.py": LITERT,
        "tflite_micro/python/tflite_micro/runtime.py": f"BIAS = {bias}\n{MICRO}",
        "litert_torch.py": "",
        "ai_edge_quantizer.py": "",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
