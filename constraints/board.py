"""A network that fits on a microcontroller board, together with the runtime."""

from dataclasses import dataclass
from typing import ClassVar

from constraints.limit import require_positive
from constraints.tflm_limit import footprint_or_verdict, origin, require_precision
from gensynth.errors import InputError
from gensynth.evaluation.constraint import Candidate, Stage, Verdict
from gensynth.quantity import Bytes
from gensynth.tflm.boards import RUNTIME_FLASH, RUNTIME_RAM, boards_with, find_board
from gensynth.tflm.program import Precision


@dataclass(frozen=True)
class FitsBoard:
    """The network and TensorFlow Lite Micro fit into the RAM and the flash of a board.

    RAM: the tensor arena and `runtime_ram`. Flash: the model file and `runtime_flash`.
    """

    needs: ClassVar[Stage] = "profile"
    name: str = ""
    """A board that `gensynth boards` lists; or give `ram` and `flash`."""
    ram: Bytes = 0.0
    """RAM of a board that is not listed, in bytes; also `"64 kB"`."""
    flash: Bytes = 0.0
    """Flash of a board that is not listed, in bytes; also `"128 kB"`."""
    precision: Precision = "int8"
    """Numbers of the exported model: `int8`, or `float` (float32)."""
    runtime_ram: Bytes = RUNTIME_RAM
    """Bytes of RAM besides the arena: stack and program."""
    runtime_flash: Bytes = RUNTIME_FLASH
    """Bytes of flash besides the model: the code."""

    def __post_init__(self) -> None:
        """Refuse a board that does not exist or that the runtime alone fills."""
        require_precision(self.precision)
        if self.name and (self.ram or self.flash):
            raise InputError("name", "give a name, or ram and flash")
        if not self.name:
            if not (self.ram and self.flash):
                raise InputError("name", "give a board of `gensynth boards`, or ram and flash")
            require_positive(min(self.ram, self.flash))
        for what, room in zip(("RAM", "flash"), self._room(), strict=True):
            if not room > 0:
                raise InputError("name", f"the runtime alone takes more {what} than the board has")

    def footprint_precision(self) -> Precision:
        """Have finalists measured in this precision."""
        return self.precision

    def _sizes(self) -> tuple[float, float]:
        if not self.name:
            return self.ram, self.flash
        board = find_board(self.name, "name")
        return board.ram_bytes, board.flash_bytes

    def _room(self) -> tuple[float, float]:
        """Return the RAM and the flash that the runtime leaves."""
        ram, flash = self._sizes()
        return ram - self.runtime_ram, flash - self.runtime_flash

    def __call__(self, candidate: Candidate, /) -> Verdict:
        """Compare what the network and the runtime take with what the board has."""
        found = footprint_or_verdict(candidate, self.precision)
        if isinstance(found, Verdict):
            return found
        ram, flash = self._sizes()
        takes = found.arena_bytes + self.runtime_ram, found.model_bytes + self.runtime_flash
        reason = (
            f"{takes[0]:,.0f} of {ram:,.0f} bytes of RAM (arena {found.arena_bytes:,}), "
            f"{takes[1]:,.0f} of {flash:,.0f} bytes of flash (model {found.model_bytes:,}), "
            f"{origin(candidate, self.precision)}"
        )
        excess = max(takes[0] / ram, takes[1] / flash) - 1
        return Verdict.at_most_zero(excess, reason if excess <= 0 else reason + _instead(*takes))


def _instead(ram: float, flash: float) -> str:
    """Return in words which listed board has room."""
    return f"; room on {', '.join(boards_with(ram, flash)[:2]) or 'none of the listed boards'}"
