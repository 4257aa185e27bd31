"""Runs a network with ncnn's arm64 kernels; this script runs inside the emulated Cortex-A72.

There it has only Python's standard library and ncnn's extension module. Usage:
`guest.py FOLDER PARAM BIN IN OUT C H W OUTPUT_FILE LAYERS...`. It loads the network and the image
from `OUTPUT_FILE.in` (float32, C order), runs the network twice, each run a section for the plugin,
and writes the output to OUTPUT_FILE. Then it requests each blob of LAYERS (numbered in the order of
execution) twice. The second request finds the blob computed, so it costs only the request itself.
"""

import gc
import os
import sys
from contextlib import suppress

MARK = 0x6A72


def mark(what: int) -> None:
    """Tell the plugin that a section begins (1) or ends (0)."""
    with suppress(OSError):
        os.getpriority(MARK, what)


def main(arguments: list[str]) -> None:
    """Load the network, run it, and count its layers."""
    folder, param, weights, name_in, name_out, c, h, w, to, *layers = arguments
    sys.path.append(folder)
    import ncnn

    net = ncnn.Net()
    net.opt.use_vulkan_compute = False
    net.opt.num_threads = 1
    if net.load_param(param) != 0 or net.load_model(weights) != 0:
        sys.exit("ncnn: cannot load the network")
    with open(f"{to}.in", "rb") as file:
        numbers = memoryview(bytearray(file.read())).cast("f", (int(c), int(h), int(w)))
    image = ncnn.Mat(numbers).clone()
    gc.disable()
    for _ in range(2):
        extractor, output = net.create_extractor(), ncnn.Mat()
        extractor.input(name_in, image)
        mark(1)
        failed = extractor.extract(name_out, output, 0)
        mark(0)
        if failed:
            sys.exit(f"ncnn: cannot run the network ({failed})")
    with open(to, "wb") as file:
        file.write(memoryview(output).tobytes())
    if layers:
        count_layers(net, name_in, image, [int(index) for index in layers], to)


def count_layers(net, name_in, image, layers, to) -> None:  # type: ignore[no-untyped-def]
    """Mark two requests for each blob: one that computes it, and one that finds it computed.

    Each line of OUTPUT_FILE.shapes holds its width, height, channels, and channels per vector.
    """
    import ncnn

    extractor = net.create_extractor()
    extractor.input(name_in, image)
    with open(f"{to}.shapes", "w", encoding="ascii") as shapes:
        for index in layers:
            for again in range(2):
                output = ncnn.Mat()
                mark(1)
                extractor.extract(index, output, 1)
                mark(0)
                if again:
                    print(output.w, output.h, output.c, output.elempack, file=shapes)
                del output


main(sys.argv[1:])
