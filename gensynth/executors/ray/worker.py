"""A worker of Ray's: trains one job after the other in a process of its own."""

from dataclasses import replace
from typing import Any

from ray import tune
from ray.util import get_node_ip_address

from gensynth.executors.ray.sharing import NOT_SHARED
from gensynth.process import CHECKPOINT_WAIT_S
from gensynth.record.pending import in_flight
from gensynth.serialization import dumps, from_plain, loads
from gensynth.training.attempt import Result
from gensynth.training.background import Background, News
from gensynth.training.job import Job

PAUSE_S = 0.2
"""Between two rows of a training: faster epochs are reported together."""
PATIENCE_S = 2.0
"""Between two rows of a training whose epochs are slow, so that it can be stopped in time."""


class Worker(tune.Trainable):
    """Trains one job after the other in a process of Ray's; every row it gives is plain JSON.

    The first row says that it begins, the last one how it ended. It never raises: an error that
    reaches Tune would cost the process, and with it some seconds for the next job.
    """

    def setup(self, config: dict[str, Any]) -> None:
        """Take the job, but leave it: Tune may yet give it to a process that is free sooner."""
        self._job = from_plain(Job, loads(config["job"], "job"), "job")
        self._blind = ""
        if not in_flight(self._job):  # A node that joined later, with a disk of its own.
            node = get_node_ip_address()  # type: ignore[no-untyped-call]
            self._blind = f"node {node} {NOT_SHARED}"
            self._job = replace(self._job, checkpoint_s=None)
        self._training: Background | None = None

    def reset_config(self, config: dict[str, Any]) -> bool:
        """Take another job once the last one's training is over."""
        self.cleanup()
        if self._training is not None:
            self._training.join()
        self.setup(config)
        return True

    def step(self) -> dict[str, Any]:
        """Give the next row."""
        news = News()
        if self._blind and self._job.keep_weights:
            news = News(result=Result("lost", detail=self._blind))
        elif self._training is None:
            self._training = Background(self._job)
        else:
            news = self._training.news(PAUSE_S, PATIENCE_S)
        if self._blind and news.result is not None and not news.result.detail:
            news = replace(news, result=replace(news.result, detail=self._blind))
        return {"news": dumps(news), "done": news.result is not None}

    def cleanup(self) -> None:
        """End the training early, if one is running, at the end of its epoch and saved."""
        if self._training is not None:
            self._training.stop()
            self._training.join(CHECKPOINT_WAIT_S)
