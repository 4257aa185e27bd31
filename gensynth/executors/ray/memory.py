"""Keeping Tune running when Ray ends a worker because its node runs low on memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

METHOD = "_actor_task_failed"


@contextmanager
def deaths_for_memory_survived() -> Iterator[None]:
    """Make Tune treat a worker that was ended for lack of memory like any other dead worker.

    Ray raises `OutOfMemoryError` for it, which is not a `RayActorError`, and Tune (seen in 2.60)
    ends the whole run on an error that it does not know. Ray offers no public way to change this.
    If a later version does not have the private method, nothing is changed.
    """
    from ray.air.execution._internal.actor_manager import RayActorManager
    from ray.exceptions import OutOfMemoryError, RayActorError

    usual = getattr(RayActorManager, METHOD, None)
    if usual is None:
        yield
        return

    def failed(self: Any, tracked_actor_task: Any, exception: Exception) -> None:
        if isinstance(exception, OutOfMemoryError):
            exception = RayActorError(error_msg=str(exception))
        usual(self, tracked_actor_task=tracked_actor_task, exception=exception)

    setattr(RayActorManager, METHOD, failed)
    try:
        yield
    finally:
        setattr(RayActorManager, METHOD, usual)
