import platform
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from gensynth.training.torch_device import is_out_of_memory, resolve, set_threads


def test_auto_is_the_gpu_where_there_is_one() -> None:
    wanted = "cuda" if torch.cuda.is_available() else "cpu"
    assert resolve("auto").type == wanted
    assert resolve("cpu").type == "cpu"


def test_threads_are_set() -> None:
    before = torch.get_num_threads()
    try:
        set_threads(2)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


FAULTS = """
import resource
import torch
from gensynth.training.torch_device import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(4):
        torch.ones(64 * 2**18)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

print(min(faults() for _ in range(3)))
keep_freed_memory()
print(min(faults() for _ in range(10)))  # A machine may take pages back now and then.
"""


def test_freed_memory_is_kept_where_the_c_library_can() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FAULTS],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=True,
        text=True,
    )
    before, after = map(int, done.stdout.split())
    if platform.libc_ver()[0] == "glibc":
        assert after < before / 10, "64 MiB are 16,384 pages, faulted in four times before"
    else:
        assert after <= before * 1.1


def test_running_out_of_memory_is_recognised_as_it_really_looks() -> None:
    with pytest.raises(RuntimeError) as error:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_out_of_memory(error.value)
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"))


@pytest.mark.parametrize("error", [ValueError("out of memory"), RuntimeError("shape mismatch")])
def test_other_errors_are_not(error: Exception) -> None:
    assert not is_out_of_memory(error)
