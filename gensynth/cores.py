"""How many processor cores this process may use."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


def usable_cores() -> int:
    """Count them: a container or an affinity may allow fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def on_one_core() -> Iterator[None]:
    """Keep this process's numerical libraries to one thread: the other cores are for workers.

    On cores that are busy already, threads that wait for each other make a proposal five times
    as long, and take from the trainings what they wait.
    """
    import torch
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)
