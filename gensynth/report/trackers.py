"""Trackers keep the trainings of a campaign where people keep their other runs.

A tracker is called with each outcome once it is recorded. One with the methods of `Tracker` is also
told where a campaign begins and ends. docs/trackers.md shows how to use them and how to write one.
"""

import logging
import os
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from gensynth.errors import InputError, install, unknown
from gensynth.evaluation.outcome import Outcome
from gensynth.report.progress import print_line
from gensynth.report.training_runs import TrainingRun, training_run

Follower = Callable[[Outcome], None]
"""Called with each candidate's outcome once it is recorded."""


@runtime_checkable
class Tracker(Protocol):
    """Keeps the trainings of a campaign elsewhere, each once, however often it is told of it."""

    def begin(self, name: str, folder: Path, /) -> None:
        """Prepare for the campaign called `name` in `folder`; the recorded outcomes follow."""
        ...

    def __call__(self, outcome: Outcome, /) -> None:
        """Keep one candidate."""
        ...

    def end(self) -> None:
        """The campaign has ended, or was interrupted."""
        ...


class MlflowRuns:
    """Writes each training as a run of MLflow; the campaign is an experiment there."""

    def __init__(self, address: str = "") -> None:
        """Write to `address`, by default `MLFLOW_TRACKING_URI` or `mlflow.db` in this folder."""
        _require("mlflow")
        self._address = address or os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlflow.db"
        self._known: set[str] = set()

    def begin(self, name: str, folder: Path, /) -> None:
        """Open or create the experiment `name`, and look up which trainings it has."""
        import mlflow

        for chatty in ("mlflow", "alembic"):
            logging.getLogger(chatty).setLevel(logging.WARNING)
        self._client: Any = mlflow.MlflowClient(self._address)
        found = self._client.get_experiment_by_name(name)
        self._experiment = found.experiment_id if found else self._client.create_experiment(name)
        self._folder = str(folder.resolve())
        token = None
        while token != "":
            ours = f"tags.`gensynth.folder` = '{self._folder.replace(chr(39), '_')}'"
            page = self._client.search_runs([self._experiment], ours, page_token=token)
            self._known |= {run.info.run_name for run in page if run.info.status == "FINISHED"}
            token = page.token or ""

    def __call__(self, outcome: Outcome, /) -> None:
        """Write a training that is not there yet."""
        run = training_run(outcome)
        if run is None or run.name in self._known:
            return
        tags = {"gensynth.folder": self._folder.replace("'", "_")}
        key = self._client.create_run(self._experiment, run_name=run.name, tags=tags).info.run_id
        for name, fact in run.facts.items():
            self._client.log_param(key, name, fact)
        for name, points in _points(run).items():
            for epoch, value in points:
                self._client.log_metric(key, name, value, step=epoch)
        self._client.set_terminated(key)
        self._known.add(run.name)

    def end(self) -> None:
        """Nothing is left to write."""


class TrackioRuns:
    """Writes each training as a run of Trackio; the campaign is a project there."""

    def __init__(self) -> None:
        """Write where Trackio keeps its runs: `TRACKIO_DIR`, or its cache."""
        _require("trackio")
        self._known: set[str] = set()

    def begin(self, name: str, folder: Path, /) -> None:
        """Look up which trainings the project `name` has."""
        import trackio

        self._project = name
        with suppress(ValueError):  # There is no such project yet.
            self._known = {run.name for run in trackio.Api().runs(name)}

    def __call__(self, outcome: Outcome, /) -> None:
        """Write a training that is not there yet."""
        import trackio

        run = training_run(outcome)
        if run is None or run.name in self._known:
            return
        with redirect_stdout(StringIO()):  # What it tells would get between our own lines.
            options: dict[str, Any] = {"auto_log_gpu": False, "auto_log_cpu": False}
            opened = trackio.init(self._project, run.name, config=dict(run.facts), **options)
            for epoch in range(1, run.last_epoch + 1):
                now = {n: v for n, points in _points(run).items() for e, v in points if e == epoch}
                opened.log(now, step=epoch)
            trackio.finish()
        self._known.add(run.name)

    def end(self) -> None:
        """Nothing is left to write."""


TRACKERS: dict[str, Callable[[], Tracker]] = {"mlflow": MlflowRuns, "trackio": TrackioRuns}
"""Trackers by the name that a command takes."""


def tracker(name: str) -> Tracker:
    """Make a tracker by name; raise `InputError` if there is none, or its package is missing."""
    if name not in TRACKERS:
        raise unknown("track", "tracker", name, TRACKERS)
    return TRACKERS[name]()


class Followed:
    """Passes outcomes on to a tracker; one that fails is told once, and the search goes on."""

    def __init__(self, tracker: Tracker) -> None:
        """Follow for `tracker`."""
        self._tracker, self._failed = tracker, False

    def begin(self, name: str, folder: Path) -> None:
        """Begin a campaign."""
        self._try(lambda: self._tracker.begin(name, folder))

    def __call__(self, outcome: Outcome) -> None:
        """Pass an outcome on."""
        self._try(lambda: self._tracker(outcome))

    def end(self) -> None:
        """End the campaign."""
        self._try(self._tracker.end)

    def _try(self, act: Callable[[], None]) -> None:
        if self._failed:
            return
        try:
            act()
        except Exception as error:
            self._failed = True
            who = type(self._tracker).__name__
            print_line(f"{who} failed, and the search goes on without it: {error}")


def _points(run: TrainingRun) -> dict[str, list[tuple[int, float]]]:
    """Return curves and figures alike as points; a figure has one, at the last epoch."""
    curves = {name: list(points) for name, points in run.curves.items()}
    return curves | {name: [(run.last_epoch, value)] for name, value in run.figures.items()}


def _require(package: str) -> None:
    if find_spec(package) is None:
        raise InputError("track", f"{package} is not installed: {install(package)}")
