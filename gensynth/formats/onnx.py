"""ONNX, for ONNX Runtime and most other runtimes; home of `onnx` and `onnxscript`."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gensynth.errors import InputError
from gensynth.formats import Deployment, Run, brief, missing_package
from gensynth.formats.output_suppression import quiet

if TYPE_CHECKING:
    from torch import Tensor

EXTRA = "onnx"
EXACT_INT8 = ("session.x64quantprecision", "1")
"""Without it, int8 convolutions overflow on x86 processors that lack VNNI: by up to 5 points."""
BATCH = "N"
"""Name of the batch axis in the file."""


@dataclass(frozen=True)
class Onnx:
    """`model.onnx`: input `images` (N, C, H, W), output `logits` (N, classes), N free."""

    name: str = "onnx"
    file: str = "model.onnx"
    tolerance: float | None = 1e-4

    def check(self) -> None:
        """Require the packages of ONNX."""
        require()

    def write(self, network: Deployment, path: Path) -> None:
        """Translate the network's program to ONNX."""
        path.write_bytes(to_onnx(network))

    def open(self, path: Path) -> Run:
        """Load the file into ONNX Runtime."""
        return runner(path.read_bytes())


def to_onnx(network: Deployment) -> bytes:
    """Return the network as ONNX; `InputError` if an operator has no ONNX form."""
    require()
    import torch

    program = network.program
    with quiet():
        try:
            translated: Any = torch.onnx.export(
                program,
                dynamo=True,
                external_data=False,
                input_names=["images"],
                output_names=["logits"],
                verbose=False,
            )
        except Exception as error:
            cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
            raise InputError("ONNX", f"cannot express this network: {brief(cause)}") from error
    model = translated.model_proto
    for tensor in (*model.graph.input, *model.graph.output):
        tensor.type.tensor_type.shape.dim[0].dim_param = BATCH
    del model.graph.value_info[:]  # Shapes in terms of the exporter's own name of the batch axis.
    return with_metadata(model.SerializeToString(), network.metadata)


def with_metadata(model: bytes, metadata: Mapping[str, str]) -> bytes:
    """Return an ONNX model with more entries in its metadata."""
    if not metadata:
        return model
    import onnx

    parsed = onnx.load_from_string(model)
    onnx.helper.set_model_props(parsed, dict(metadata))
    content: bytes = parsed.SerializeToString()
    return content


def onnx_metadata(path: Path) -> dict[str, str]:
    """Return the metadata of an ONNX file; raises `InputError` if it cannot be read."""
    try:
        session = session_of(path.read_bytes(), 1)
    except InputError:
        raise
    except Exception as error:
        raise InputError(str(path), f"cannot be read: {brief(error)}") from None
    return dict(session.get_modelmeta().custom_metadata_map)


def runner(model: bytes, threads: int = 1) -> Run:
    """Return a function that runs an ONNX model in ONNX Runtime on so many CPU threads."""
    import torch

    session = session_of(model, threads)
    name, most = _input_of(session)

    def run(images: "Tensor") -> "Tensor":
        parts = torch.split(images, most or len(images))
        return torch.cat([torch.from_numpy(session.run(None, {name: x.numpy()})[0]) for x in parts])

    return run


def _input_of(session: Any) -> tuple[str, int | None]:
    """Return the name of a model's input, and how many images it takes at once; None = any number.

    Raises:
        InputError: it does not map images in float32 to one output.
    """
    inputs, outputs = session.get_inputs(), session.get_outputs()
    for kind, found in (("input", inputs), ("output", outputs)):
        if len(found) != 1:
            named = ", ".join(each.name for each in found)
            raise InputError("ONNX", f"expected one {kind}, found {len(found)}: {named}")
    only = inputs[0]
    if only.type != "tensor(float)" or len(only.shape) != 4:
        problem = f"expected an input of 4 axes (N, C, H, W) in float32, got {only.type}"
        raise InputError("ONNX", f"{problem} {only.shape}")
    most = only.shape[0] if isinstance(only.shape[0], int) else None
    if most is not None and most > 1:
        raise InputError("ONNX", f"takes {most} images at once; expected 1 or any number")
    return only.name, most


def parameters_of(model: bytes) -> int:
    """Return how many numbers an ONNX model stores as parameters.

    Scales and zero points of int8, and shapes, which are int64, are none.
    """
    import onnx

    stored = onnx.load_from_string(model).graph.initializer
    weights = [t for t in stored if t.dims and t.data_type != onnx.TensorProto.INT64]
    return sum(math.prod(tensor.dims) for tensor in weights)


def session_of(model: bytes, threads: int, batch: int | None = None) -> Any:
    """Open an ONNX model in ONNX Runtime on the CPU; a fixed `batch` lets it plan memory."""
    require()
    try:
        return _opened(model, threads, batch, exact=True)
    # ONNX Runtime cannot convert the weights of every 8-bit network; it says so by various errors.
    except Exception:
        return _opened(model, threads, batch, exact=False)


def takes_exact_int8(model: bytes) -> bool:
    """Whether ONNX Runtime opens a model with the option `EXACT_INT8`."""
    try:
        _opened(model, 1, None, exact=True)
    except Exception:
        return False
    return True


def _opened(model: bytes, threads: int, batch: int | None, exact: bool) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    if exact:
        options.add_session_config_entry(*EXACT_INT8)
    if batch is not None:
        options.add_free_dimension_override_by_name(BATCH, batch)
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def require() -> None:
    """Raise `InputError` with the remedy if a package is missing."""
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise missing_package("ONNX", EXTRA, error) from error
