"""The int8 model as a C array, with the function that runs it by TensorFlow Lite Micro."""

import re
import tempfile
from pathlib import Path

from gensynth.errors import InputError
from gensynth.formats import Deployment
from gensynth.formats.c_project import facts_of, filled
from gensynth.formats.tflite import arena_of, operators_of, to_tflite_int8, without_names
from gensynth.formats.tflite_environment import interpreter

FOLDER = "tflite-micro"
PER_LINE = 12
HEADER = """/* A TensorFlow Lite model in int8. */

#ifndef MODEL_DATA_H
#define MODEL_DATA_H

#ifdef __cplusplus
extern "C" {{
#endif

extern const unsigned char model_data[{size}];
extern const unsigned int model_data_size;

#ifdef __cplusplus
}}
#endif

#endif
"""


def write_tflite_micro(network: Deployment, folder: Path) -> None:
    """Write the model and its function into a folder below; nothing without the converter."""
    try:
        interpreter()
    except InputError:
        return
    model, place = without_names(to_tflite_int8(network)), folder / FOLDER
    with tempfile.TemporaryDirectory() as name:
        file = Path(name, "model.tflite")
        file.write_bytes(model)
        arena, operators = arena_of(file).total, operators_of(file)
    place.mkdir()
    (place / "model_data.h").write_text(HEADER.format(size=len(model)), encoding="utf-8")
    (place / "model_data.c").write_text(as_array(model), encoding="utf-8")
    added = [f"    resolver.Add{method_name(name)}();" for name in operators]
    words = {"ARENA": str(arena), "OPERATORS": str(len(operators)), "ADD": "\n".join(added)}
    text = filled("model_main.txt", {**facts_of(network), **words})
    (place / "classify.cc").write_text(text, encoding="utf-8")


def as_array(model: bytes) -> str:
    """Return a model as the definition of an array in C, aligned as TensorFlow Lite Micro asks."""
    rows = (model[k : k + PER_LINE] for k in range(0, len(model), PER_LINE))
    lines = ",\n".join("    " + ", ".join(f"0x{byte:02x}" for byte in row) for row in rows)
    head = '#include "model_data.h"\n\n__attribute__((aligned(16))) '
    size = f"const unsigned int model_data_size = {len(model)};\n"
    return f"{head}const unsigned char model_data[{len(model)}] = {{\n{lines},\n}};\n{size}"


def method_name(operator: str) -> str:
    """Return the name of an operator in the library's resolver.

    >>> method_name("DEPTHWISE_CONV_2D"), method_name("FULLY_CONNECTED")
    ('DepthwiseConv2D', 'FullyConnected')
    """
    words = "".join(word.capitalize() for word in operator.split("_"))
    return re.sub(r"(\d)d$", r"\1D", words)
