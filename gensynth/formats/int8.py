"""8-bit integers by static post-training quantisation.

Weights have one scale for each output channel and activations one for each tensor, chosen to cover
the range of values seen on the calibration images. The file is ONNX in QDQ form: float operators
between quantise and dequantise nodes, which ONNX Runtime and the compilers of accelerators turn
into integer kernels.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gensynth.errors import InputError
from gensynth.formats import Deployment, Run, brief
from gensynth.formats.onnx import require, runner, to_onnx, with_metadata
from gensynth.formats.output_suppression import quiet

if TYPE_CHECKING:
    from torch import Tensor

CALIBRATION_BATCH = 32


@dataclass(frozen=True)
class Int8:
    """`model.int8.onnx`: input and output as those of `model.onnx`, in float32."""

    name: str = "int8"
    file: str = "model.int8.onnx"
    tolerance: float | None = None

    def check(self) -> None:
        """Require the packages of ONNX."""
        require()

    def write(self, network: Deployment, path: Path) -> None:
        """Quantise the network's ONNX form."""
        path.write_bytes(to_int8(network))

    def open(self, path: Path) -> Run:
        """Load the file into ONNX Runtime."""
        return runner(path.read_bytes())


def to_int8(network: Deployment) -> bytes:
    """Return the network as quantised ONNX; `InputError` if it cannot be quantised."""
    require()
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    plain = to_onnx(network)
    with tempfile.TemporaryDirectory() as folder, quiet():
        given, prepared, made = (Path(folder) / f"{i}.onnx" for i in range(3))
        given.write_bytes(plain)
        try:
            quant_pre_process(given, prepared, skip_symbolic_shape=True)
            quantize_static(
                prepared,
                made,
                _Reader(network.calibration),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                activation_type=QuantType.QInt8,
                weight_type=QuantType.QInt8,
            )
        except Exception as error:
            raise InputError("int8", f"cannot quantise this network: {brief(error)}") from error
        return with_metadata(made.read_bytes(), network.metadata)


class _Reader:
    """Feeds the calibration images to the quantiser, batch by batch."""

    def __init__(self, images: "Tensor") -> None:
        starts = range(0, len(images), CALIBRATION_BATCH)
        self._batches: Iterator[Tensor] = (images[i : i + CALIBRATION_BATCH] for i in starts)

    def get_next(self) -> dict[str, Any] | None:
        """Return the next batch by the input's name, or None after the last."""
        batch = next(self._batches, None)
        return None if batch is None else {"images": batch.numpy()}
