"""Where a training runs: its device, its threads, and how running out of memory looks there."""

import ctypes
import sys
from functools import cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

Device = Literal["auto", "cpu", "cuda"]

# Of glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_MEMORY_WORDS = ("out of memory", "can't allocate memory", "not enough memory", "cannot allocate")


def resolve(device: Device) -> "torch.device":
    """Turn a wish into a device: `auto` is the GPU where there is one."""
    import torch

    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(device)


def set_threads(threads: int) -> None:
    """Fix the threads of this process's tensor operations; changes nothing where they are so."""
    import torch

    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)


@cache
def keep_freed_memory() -> None:
    """Let this process reuse freed memory instead of asking for it anew at every step.

    glibc maps large blocks afresh and gives them back when they are freed; a training frees and
    takes the same ones at each step, and faulting their pages in again cost up to a third of its
    time. Elsewhere this does nothing.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, 2**30)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


def is_out_of_memory(error: BaseException) -> bool:
    """Say whether `error` means that memory ran out, on the host or on a GPU."""
    import torch

    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    # The CPU allocator raises a plain RuntimeError.
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(word in text for word in _MEMORY_WORDS)
