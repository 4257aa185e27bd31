"""Noticing within seconds that the control server of a Ray cluster has died.

Ray itself is silent for a minute and then ends the process that uses it.
"""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

EVERY_S, ANSWER_S = 1.0, 5.0
OWN_PATIENCE, CLUSTER_PATIENCE = 3, 30
"""Attempts in a row that may fail; the server of a cluster may be restarting."""


@contextmanager
def watched(lost: Callable[[str], None], patience: int) -> Iterator[None]:
    """Call `lost` with the address of the control server once it has not answered for a while."""
    import ray

    address, ended = str(ray.get_runtime_context().gcs_address), Event()
    watcher = Thread(target=_watch, args=(address, patience, lost, ended), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()


def _watch(address: str, patience: int, lost: Callable[[str], None], ended: Event) -> None:
    failed = 0
    while not ended.wait(EVERY_S):
        failed = 0 if _answers(address) else failed + 1
        if failed >= patience:
            lost(address)
            return


def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER_S).close()
    except OSError:
        return False
    return True
