"""Where a training runs: its device, its threads, and how running out of memory looks there."""

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

Device = Literal["auto", "cpu", "cuda"]

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


def is_out_of_memory(error: BaseException) -> bool:
    """Say whether `error` means that memory ran out, on the host or on a GPU."""
    import torch

    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    # The CPU allocator raises a plain RuntimeError.
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(word in text for word in _MEMORY_WORDS)
