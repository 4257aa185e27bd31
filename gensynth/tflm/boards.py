"""Microcontroller boards, and what the runtime takes of them besides the network."""

from collections.abc import Mapping
from dataclasses import dataclass

from gensynth.errors import InputError, nearest

RUNTIME_FLASH = 56_860
"""Bytes of code of TensorFlow Lite Micro: the text section of its `keyword_benchmark` for a
Cortex-M, kernels included, as https://github.com/tensorflow/tflite-micro/pull/378 states it."""
RUNTIME_RAM = 4_096
"""Bytes besides the arena, most of them stack: the least SRAM that TensorFlow Lite Micro is
designed for (Warden and Situnayake, TinyML, O'Reilly 2019, chapter 17)."""
KIB = 1_024


@dataclass(frozen=True)
class Board:
    """One board as its maker describes it."""

    name: str
    core: str
    clock_mhz: int
    ram_bytes: int
    """The largest block of RAM without gaps, since the arena is one block."""
    flash_bytes: int
    """Flash for programs and constants."""
    source: str
    """Where the maker states it."""


_ST = "https://www.st.com/en/microcontrollers-microprocessors/"


def _board(name: str, core: str, clock_mhz: int, ram: int, flash: int, source: str) -> Board:
    return Board(name, core, clock_mhz, ram * KIB, flash * KIB, source)


# Core, clock, RAM and flash were compared with PJRC's page, Raspberry Pi's product brief, and the
# board pages of RIOT, Zephyr and PlatformIO, except for nucleo-f746zg, nucleo-h743zi, sparkfun-edge
# and esp32-s3-devkitc-1, of which no page with all four was at hand.
_LISTED = (
    _board("nucleo-f103rb", "Cortex-M3", 72, 20, 128, f"{_ST}stm32f103rb.html"),
    _board("nucleo-l073rz", "Cortex-M0+", 32, 20, 192, f"{_ST}stm32l073rz.html"),
    _board("nucleo-l432kc", "Cortex-M4F", 80, 64, 256, f"{_ST}stm32l432kc.html"),
    _board("nucleo-f446re", "Cortex-M4F", 180, 128, 512, f"{_ST}stm32f446re.html"),
    _board("nucleo-g474re", "Cortex-M4F", 170, 128, 512, f"{_ST}stm32g474re.html"),
    _board("nucleo-f746zg", "Cortex-M7", 216, 320, 1024, f"{_ST}stm32f746zg.html"),
    _board("nucleo-h743zi", "Cortex-M7", 480, 512, 2048, f"{_ST}stm32h743zi.html"),
    _board("nucleo-u575zi-q", "Cortex-M33", 160, 768, 2048, f"{_ST}stm32u575zi.html"),
    _board(
        "arduino-nano-33-ble",
        "Cortex-M4F",
        64,
        256,
        1024,
        "https://docs.arduino.cc/hardware/nano-33-ble/",
    ),
    _board(
        "sparkfun-edge",
        "Cortex-M4F",
        48,
        384,
        1024,
        "https://www.sparkfun.com/products/15170",
    ),
    _board(
        "raspberry-pi-pico",
        "Cortex-M0+",
        133,
        256,
        2048,
        "https://www.raspberrypi.com/products/raspberry-pi-pico/specifications/",
    ),
    _board(
        "raspberry-pi-pico-2",
        "Cortex-M33",
        150,
        512,
        4096,
        "https://www.raspberrypi.com/products/raspberry-pi-pico-2/",
    ),
    _board("teensy-4.1", "Cortex-M7", 600, 512, 7936, "https://www.pjrc.com/store/teensy41.html"),
    _board(
        "esp32-s3-devkitc-1",
        "Xtensa LX7",
        240,
        416,
        8192,
        "https://docs.espressif.com/projects/esp-dev-kits/en/latest/esp32s3/esp32-s3-devkitc-1/",
    ),
)
BOARDS: Mapping[str, Board] = {
    board.name: board for board in sorted(_LISTED, key=lambda b: (b.ram_bytes, b.flash_bytes))
}
"""The boards by name, from the smallest RAM to the largest."""


def find_board(name: str, place: str = "board") -> Board:
    """Return a board; raise `InputError` if there is none of that name.

    >>> find_board("nucleo-f446re").ram_bytes
    131072
    """
    if name not in BOARDS:
        problem = f"no board {name!r}{nearest(name, BOARDS)}; `gensynth boards` lists them all"
        raise InputError(place, problem)
    return BOARDS[name]


def boards_with(ram: float, flash: float) -> list[str]:
    """Return the names of the boards that have so many bytes, the smallest first."""
    return [b.name for b in BOARDS.values() if b.ram_bytes >= ram and b.flash_bytes >= flash]
