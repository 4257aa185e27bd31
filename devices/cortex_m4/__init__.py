"""An emulated Cortex-M4: instructions of generated C code in QEMU's model of Arm's MPS2 board."""
