"""A Cortex-A72 without the board: ncnn's arm64 kernels in emulation, counted and calibrated.

`install` prepares it once in a folder of the user (`place` knows what lies where); `convert` makes
a network ncnn's, `emulator` runs it in QEMU under our plugin (`native/a72.c`) and gives `counts`,
and `calibration` makes milliseconds of these. `fast_model` foresees the counts from the graph
alone, thousands of networks a second; its coefficients are fitted on the emulator.
"""
