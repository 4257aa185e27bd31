"""A Cortex-A72 without the board: ncnn's arm64 kernels in emulation, counted and calibrated.

`emulated_device` is the device. `install` sets the emulation up once, in a folder of the user whose
contents `parts` describes. `convert` turns a network into ncnn's files, `emulator` runs it in QEMU
with our plugin (`native/a72.c`), which produces `counts`, and `calibration` turns counts into
milliseconds. `fast_model` predicts milliseconds from the graph alone, thousands of networks a
second, by the layers that ncnn would run (`ncnn_layers`); it is fitted to the emulator.
"""
