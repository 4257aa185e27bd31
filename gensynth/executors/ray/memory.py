"""Workers that Ray ended because their node ran low on memory: Tune must survive them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

METHOD = "_actor_task_failed"


@contextmanager
def deaths_for_memory_survived() -> Iterator[None]:
    """Have Tune see a worker that was ended for memory as any other one that died.

    Ray raises `OutOfMemoryError` for it, which is no `RayActorError`, and Tune (seen in 2.60) ends
    as a whole on an error that it does not know. There is no public place to tell it otherwise;
    where a later Ray has no such method, nothing is changed.
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
