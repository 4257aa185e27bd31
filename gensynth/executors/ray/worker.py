"""A Ray worker, which trains one job, or group of jobs, after the other in its own process."""

from dataclasses import replace
from typing import Any

from ray import tune
from ray.util import get_node_ip_address

from gensynth.executors.ray.sharing import NOT_SHARED
from gensynth.process import CHECKPOINT_WAIT_S
from gensynth.record.job_folders import is_visible
from gensynth.serialization import dumps, from_plain, loads
from gensynth.training.attempt import Result
from gensynth.training.background import Background, News
from gensynth.training.job import Job

PAUSE_S = 0.2
"""Shortest time between two rows of a training; faster epochs are reported together."""
LONGEST_SILENCE_S = 2.0
"""Longest time between two rows, so that a training with slow epochs can be stopped in time."""


class Worker(tune.Trainable):
    """Trains one job after the other; reports rows of plain JSON.

    The first row of a job reports its start, the last one its result. Nothing is ever raised: on an
    error, Tune would end the process, and the next job would wait seconds for a new one.
    """

    def setup(self, config: dict[str, Any]) -> None:
        """Accept jobs, but do not start them: Tune may still give them to a process free sooner."""
        self._jobs = from_plain(tuple[Job, ...], loads(config["jobs"], "jobs"), "jobs")
        self._blind = ""
        if not is_visible(self._jobs[0]):  # This node joined later, with its own disk.
            node = get_node_ip_address()  # type: ignore[no-untyped-call]
            self._blind = f"node {node} {NOT_SHARED}"
            self._jobs = tuple(replace(job, checkpoint_s=None) for job in self._jobs)
        self._training: Background | None = None

    def reset_config(self, config: dict[str, Any]) -> bool:
        """Accept another job once the training of the last one has ended."""
        self.cleanup()
        if self._training is not None:
            self._training.join()
        self.setup(config)
        return True

    def step(self) -> dict[str, Any]:
        """Return the next row."""
        news = tuple(News() for _ in self._jobs)
        if self._blind and self._jobs[0].keep_weights:
            lost = News(result=Result("lost", detail=self._blind))
            news = (lost,) * len(self._jobs)
        elif self._training is None:
            self._training = Background(self._jobs)
        else:
            news = self._training.news(PAUSE_S, LONGEST_SILENCE_S)
        if self._blind:
            news = tuple(self._explained(each) for each in news)
        return {"news": dumps(news), "done": any(each.result is not None for each in news)}

    def _explained(self, news: News) -> News:
        """Say in a result without another detail that this node has no checkpoints."""
        if news.result is None or news.result.detail:
            return news
        return replace(news, result=replace(news.result, detail=self._blind))

    def cleanup(self) -> None:
        """Stop a running training at the end of its epoch, with a checkpoint."""
        if self._training is not None:
            self._training.stop()
            self._training.join(CHECKPOINT_WAIT_S)
