"""Writes and runs TensorFlow Lite files, in a process of its own: home of the LiteRT packages.

`python tflite_worker.py` needs no gensynth, so it runs in any environment that has the packages. It
answers requests from its standard input, one after the other: a line of JSON, followed by the bytes
of images if the request has a `shape`. Each answer is a line of JSON, with the bytes of the outputs
behind it. `{"error": "..."}` answers a request that failed.
"""

import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

PACKAGES = ("litert-torch", "ai-edge-quantizer", "ai-edge-litert", "tflite-micro", "torch")
ARENA = 16 * 2**20
"""Bytes that tflite-micro gets at first; a larger model gets as many times its own size."""
LARGEST_ARENA = 2**31 - 1
Infer = Callable[[Any], Any]
"""Maps one image, float32 (1, C, H, W), to its logits, float32 (1, classes)."""


def converted(program: Path) -> bytes:
    """Return a `torch.export` program of one image as a model in float32, (1, H, W, C)."""
    import litert_torch
    import torch

    exported = torch.export.load(program)
    network: Any = exported.module()
    (image,) = exported.example_inputs[0]

    class ChannelsLast(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, images: torch.Tensor) -> Any:
            return self.network(images.permute(0, 3, 1, 2))

    example = torch.zeros_like(image).permute(0, 2, 3, 1).contiguous()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "float.tflite")
        litert_torch.convert(ChannelsLast(), (example,)).export(str(file))
        return file.read_bytes()


def quantised(file: Path, images: Any) -> bytes:
    """Return a float32 model in int8, its ranges chosen from images (N, C, H, W)."""
    from ai_edge_litert.interpreter import Interpreter
    from ai_edge_quantizer import quantizer, recipe

    (key, signature), *_ = Interpreter(str(file)).get_signature_list().items()
    (name,) = signature["inputs"]
    maker = quantizer.Quantizer(str(file), recipe.static_wi8_ai8())
    found = maker.calibrate({key: [{name: channels_last(image[None])} for image in images]})
    return bytes(maker.quantize(found).quantized_model)


def stripped(content: bytes) -> bytes:
    """Return a model without the names and the metadata that no runtime needs."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(content, 0)
    for b in (b for b in model.buffers if (b.offset or 0) > 1):  # Kept behind the tables.
        b.data = np.frombuffer(content[b.offset : b.offset + b.size], np.uint8)
        b.offset = b.size = 0
    strip(model)
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def operators(content: bytes) -> list[str]:
    """Return the names of the operators that a model uses."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(content, 0)
    names = {code: name for name, code in vars(schema.BuiltinOperator).items() if name.isupper()}
    used = (max(each.builtinCode, each.deprecatedBuiltinCode) for each in model.operatorCodes)
    return sorted({names[code] for code in used})


def strip(model: Any) -> None:
    """Remove names and metadata from a model that was read as an object."""
    for entry in model.metadata or ():
        model.buffers[entry.buffer].data = None
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


def channels_last(image: Any) -> Any:
    """Return an image (1, C, H, W) as (1, H, W, C)."""
    return np.ascontiguousarray(image.transpose(0, 2, 3, 1))


def litert_interpreter(path: Path, threads: int) -> Any:
    """Return LiteRT's interpreter for a file, ready to run."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path), num_threads=threads)
    interpreter.allocate_tensors()
    return interpreter


def litert(path: Path) -> Infer:
    """Open a file in LiteRT, on one thread."""
    interpreter = litert_interpreter(path, 1)
    (given,), (made,) = interpreter.get_input_details(), interpreter.get_output_details()
    into, out_of = encoder(given), decoder(made)

    def infer(image: Any) -> Any:
        interpreter.set_tensor(given["index"], into(image))
        interpreter.invoke()
        return out_of(interpreter.get_tensor(made["index"]))

    return infer


def micro(path: Path) -> Infer:
    """Open a file in tflite-micro."""
    interpreter = micro_interpreter(path)
    into = encoder(interpreter.get_input_details(0))
    out_of = decoder(interpreter.get_output_details(0))

    def infer(image: Any) -> Any:
        interpreter.set_input(into(image), 0)
        interpreter.invoke()
        return out_of(interpreter.get_output(0))

    return infer


def micro_interpreter(path: Path) -> Any:
    """Return the interpreter of tflite-micro for a file."""
    from tflite_micro.python.tflite_micro import runtime

    size = min(max(ARENA, 20 * path.stat().st_size), LARGEST_ARENA)
    said: list[str] = []
    try:
        with printed() as said:
            return runtime.Interpreter.from_file(str(path), arena_size=size)
    except RuntimeError as error:  # It names the operator that it lacks in what it prints only.
        lacks = re.search(r"Didn't find op for builtin opcode '(\w+)'", "".join(said))
        raise ValueError(f"has no operator {lacks[1]}" if lacks else str(error)) from None


@contextmanager
def printed() -> Iterator[list[str]]:
    """Yield a list that holds, after the block, all that the process printed, from C++ too."""
    found: list[str] = []
    kept = [os.dup(1), os.dup(2)]
    with tempfile.TemporaryFile() as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
        try:
            yield found
        finally:
            for number, before in zip((1, 2), kept, strict=True):
                os.dup2(before, number)
                os.close(before)
            file.seek(0)
            found.append(file.read().decode(errors="replace"))


def arena(path: Path) -> dict[str, int]:
    """Return the bytes that tflite-micro allocates for a file: `total`, `head` and `tail`.

    The head holds activations, the tail what stays between inferences. The recording allocator
    prints them, from C++, so the output of the process is read.
    """
    with printed() as lines:
        micro_interpreter(path).print_allocations()
    text = lines[0]
    found = re.findall(r"Arena allocation (total|head|tail) (\d+) bytes", text)
    return {word: int(count) for word, count in found}


def encoder(details: Mapping[str, Any]) -> Infer:
    """Return a function that brings an image to the layout and the numbers that a model takes."""
    shape = [int(size) for size in details["shape"]]
    if len(shape) != 4 or shape[0] != 1:
        raise ValueError(f"expected one image of 4 axes as input, got {shape}")
    scale, zero, kind = numbers(details)

    def encode(image: Any) -> Any:
        own = image if list(image.shape) == shape else channels_last(image)
        if list(own.shape) != shape:
            raise ValueError(f"takes images {shape}, got {list(image.shape)}")
        if scale is None:
            return own.astype(kind)
        lowest, highest = np.iinfo(kind).min, np.iinfo(kind).max
        return np.clip(np.round(own / scale) + zero, lowest, highest).astype(kind)

    return encode


def decoder(details: Mapping[str, Any]) -> Infer:
    """Return a function that turns the numbers of an output into float32."""
    scale, zero, _ = numbers(details)

    def decode(values: Any) -> Any:
        plain = values.astype(np.float32).reshape(1, -1)
        return plain if scale is None else ((plain - zero) * scale).astype(np.float32)

    return decode


def numbers(details: Mapping[str, Any]) -> tuple[Any, Any, Any]:
    """Return scale and zero point of a tensor, None if it is not quantised, and its type."""
    found = details["quantization_parameters"]
    if len(found["scales"]) == 0 or np.issubdtype(details["dtype"], np.floating):
        return None, None, details["dtype"]
    return np.float32(found["scales"][0]), int(found["zero_points"][0]), details["dtype"]


OPEN = {"litert": litert, "tflite-micro": micro}
"""Functions that open a file, by the name of the runtime."""


def made(path: Path, request: Mapping[str, Any]) -> bytes:
    """Return the model that a request asks for."""
    if request["do"] == "convert":
        return converted(path)
    if request["do"] == "quantise":
        return quantised(path, np.load(request["calibration"], allow_pickle=False))
    return stripped(path.read_bytes())


class Worker:
    """Answers requests one after the other; it runs the file that was opened last."""

    def __init__(self) -> None:
        """Start without a file."""
        self._infer: Infer | None = None

    def answer(self, request: Mapping[str, Any], images: Any) -> tuple[dict[str, Any], Any]:
        """Return an answer, and the outputs for `images` if they were sent."""
        if images is not None and self._infer is not None:
            return {}, np.concatenate([self._infer(image[None]) for image in images])
        if request["do"] == "versions":
            return {name: version(name) for name in PACKAGES}, None
        path = Path(request["path"])
        if request["do"] == "open":
            self._infer = OPEN[request["runtime"]](path)
            return {}, None
        if request["do"] == "arena":
            return arena(path), None
        if request["do"] == "operators":
            return {"operators": operators(path.read_bytes())}, None
        Path(request["to"]).write_bytes(made(path, request))
        return {}, None


def serve(requests: Any, answers: Any) -> None:
    """Answer all requests of a stream."""
    worker = Worker()
    for line in iter(requests.readline, b""):
        request, images, outputs = json.loads(line), None, None
        if "shape" in request:
            count = int(np.prod(request["shape"]))
            data = np.frombuffer(requests.read(4 * count), np.float32)
            images = data.reshape(request["shape"])
        try:
            answer, outputs = worker.answer(request, images)
        except Exception as error:
            lines = [each.strip() for each in str(error).splitlines() if each.strip()]
            answer = {"error": f"{type(error).__name__}: {lines[0] if lines else ''}"[:300]}
        if outputs is not None:
            answer = {"shape": list(outputs.shape)}
        answers.write(json.dumps(answer).encode() + b"\n")
        if outputs is not None:
            answers.write(np.ascontiguousarray(outputs, np.float32).tobytes())
        answers.flush()


def main() -> None:
    """Serve standard input; whatever else is printed goes to standard error."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
