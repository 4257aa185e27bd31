"""How many processor cores this process may use."""

import os


def usable_cores() -> int:
    """Count them: a container or an affinity may allow fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
