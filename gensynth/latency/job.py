"""One measurement of latency as plain data: it may cross to another machine."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from gensynth.evaluation.latency import Latency, Question
from gensynth.latency.reference import with_fresh_weights
from gensynth.models.by_name import Model
from gensynth.plugins import append_import_path
from gensynth.space import Source, Task


@dataclass(frozen=True)
class LatencyJob:
    """What is measured. It comes from a running campaign and is never read from a record."""

    source: Source
    """Builds the network that is measured."""
    question: Question
    """Runtime, threads, batch size and reference."""
    task: Task
    """What a reference is built for."""
    import_paths: tuple[str, ...] = field(default_factory=tuple)
    """Folders appended to `sys.path` before the source is imported; the experiment's is first."""

    @property
    def folder(self) -> Path:
        """The folder where references and a device `module:class` are looked up."""
        return Path(self.import_paths[0] if self.import_paths else ".")

    def model(self) -> Model:
        """Build the network with fresh weights: latency does not depend on them."""
        for folder in self.import_paths:
            append_import_path(folder)
        return Model("candidate", with_fresh_weights(self.source), self.source.input_shape)


Stopwatch = Callable[[LatencyJob], Latency]
"""Answers a job; an executor may know other machines to do it on."""
