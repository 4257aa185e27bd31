"""A C project that classifies a picture in a buffer, for microcontrollers; home of `emx_onnx_cgen`.

No package carries the sources of TensorFlow Lite Micro or of CMSIS-NN, so the project that compiles
here is C generated from the network's ONNX form, in float32. Where the converter of TensorFlow Lite
is prepared, the int8 model lies beside it as an array, with the function that runs it by that
library. `c_project.py` writes the rest of the project.
"""

import ctypes
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gensynth.errors import InputError
from gensynth.formats import Deployment, Run, brief, missing_package
from gensynth.formats.c_memory import in_one_block
from gensynth.formats.c_project import write_project
from gensynth.formats.c_tflite import write_tflite_micro
from gensynth.formats.onnx import require, to_onnx
from gensynth.formats.output_suppression import quiet

if TYPE_CHECKING:
    from torch import Tensor

EXTRA = "c"
COMPILER = "cc"
CODE = "network.c"


@dataclass(frozen=True)
class C:
    """`c/`: the network in C, an example that compiles for a Cortex-M4, and ten lines to port."""

    name: str = "c"
    file: str = "c"
    tolerance: float | None = 1e-4

    def check(self) -> None:
        """Require the generator of C code, and the compiler that it is tried with here."""
        _require()
        if shutil.which(COMPILER) is None:
            problem = f"needs a C compiler ({COMPILER}) to try what it writes: apt-get install gcc"
            raise InputError("C", f"{problem} libc6-dev")

    def write(self, network: Deployment, path: Path) -> None:
        """Write the project into the folder `path`."""
        code = to_c(network)
        path.mkdir()
        (path / CODE).write_text(code, encoding="utf-8")
        write_project(network, path)
        write_tflite_micro(network, path)

    def open(self, path: Path) -> Run:
        """Compile the network's code for this machine, and load it."""
        self.check()
        library = ctypes.CDLL(str(_compiled(path)))
        classes = number_in(path, "CLASSES")

        def run(images: "Tensor") -> "Tensor":
            import torch

            logits = torch.empty(len(images), classes)
            given = images.float().cpu().contiguous()
            for image, row in zip(given, logits, strict=True):
                library.network(ctypes.c_void_p(image.data_ptr()), ctypes.c_void_p(row.data_ptr()))
            return logits

        return run


def to_c(network: Deployment) -> str:
    """Return the function `network` in C, for one image; its activations share one block.

    Raises:
        InputError: an operator of the network has no C form.
    """
    _require()
    with tempfile.TemporaryDirectory() as name, quiet():
        given, made = Path(name, "network.onnx"), Path(name, CODE)
        given.write_bytes(to_onnx(replace(network, metadata={})))
        words = [str(given), str(made), "--model-name=network", "--input-dim=N=1", "--color=never"]
        # Nothing on the heap, and no file of weights.
        words += ["--large-temp-threshold=0", "--large-weight-threshold=0"]
        try:
            _generate(words)
            code = made.read_text(encoding="utf-8")
        except (Exception, SystemExit) as error:
            cause = brief(error) if isinstance(error, Exception) else "the generator refuses it"
            raise InputError("C", f"cannot express this network: {cause}") from error
    return in_one_block(code)


def _generate(words: Sequence[str]) -> None:
    from emx_onnx_cgen.cli import main

    code = main(["compile", *words])
    if code:
        raise RuntimeError(f"exit code {code}")


def _compiled(path: Path) -> Path:
    """Compile the network's code as a library; it lies in a folder that the process removes."""
    folder = tempfile.mkdtemp(prefix="gensynth-c-")
    made = Path(folder, "network.so")
    flags = ["-O2", "-std=c11", "-shared", "-fPIC"]
    command = [COMPILER, *flags, "-o", str(made), str(path / CODE), "-lm"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        shutil.rmtree(folder, ignore_errors=True)
        lines = [line for line in done.stderr.splitlines() if "error" in line] or ["no message"]
        raise InputError("C", f"{COMPILER} refuses the code: {lines[0][:300]}")
    return made


def number_in(path: Path, name: str) -> int:
    """Return a number that the header of a project states, such as `CLASSES`."""
    text = (path / "network.h").read_text(encoding="utf-8")
    found = re.search(rf"#define NETWORK_{name} (\d+)", text)
    if found is None:
        raise InputError(str(path / "network.h"), f"expected NETWORK_{name}, found none")
    return int(found[1])


def _require() -> Any:
    """Return the generator's package; `InputError` with the remedy if one is missing."""
    require()
    try:
        import emx_onnx_cgen
    except ImportError as error:
        raise missing_package("C", EXTRA, error) from error
    return emx_onnx_cgen
