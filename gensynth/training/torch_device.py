"""The device and the threads of a training, and how an out-of-memory error is recognised."""

import ctypes
import sys
from functools import cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

TorchDevice = Literal["auto", "cpu", "cuda"]

# From glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_MEMORY_WORDS = ("out of memory", "can't allocate memory", "not enough memory", "cannot allocate")


def resolve(device: TorchDevice) -> "torch.device":
    """Return the torch device; `auto` means the GPU if there is one, else the CPU."""
    import torch

    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(device)


def set_threads(threads: int) -> None:
    """Set how many threads the tensor operations of this process use."""
    import torch

    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)


@cache
def keep_freed_memory() -> None:
    """Let this process reuse freed memory instead of returning it to the system at every step.

    By default glibc maps large blocks afresh and unmaps them when they are freed. A training
    frees and allocates the same blocks at each step, and the page faults cost up to a third of
    its time. Without glibc, this does nothing.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, 2**30)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether `error` means that the host or a GPU ran out of memory."""
    import torch

    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    # The CPU allocator raises a plain RuntimeError.
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(word in text for word in _MEMORY_WORDS)
