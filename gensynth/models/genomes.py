"""Genomes of installed search spaces, and the networks that they describe."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from gensynth.errors import InputError, nearest_path, unknown
from gensynth.evaluation.evaluator import graph_of
from gensynth.genome import from_json, read_genome_file, to_json
from gensynth.graph.graph import Graph
from gensynth.graph.trace import trace
from gensynth.plugins import load_plugin, names
from gensynth.space import SearchSpace, Source, Task, build_source


@dataclass(frozen=True)
class Sourced:
    """A network by its source, usually that of a genome of a search space."""

    space: str
    """The space's name; for a network of none, a name that can be that of a Python file."""
    source: Source
    genome_json: str = ""
    """The content of its genome file; empty for a network that is not of a search space."""
    space_graph: Callable[[], Graph] | None = None
    """Returns the graph as the space gives it; None for a network that is not of a space."""

    def graph(self) -> Graph:
        """Return the network's graph, from the space itself if that gives graphs."""
        if self.space_graph is not None:
            return self.space_graph()
        return trace(build_source(self.source), self.source.input_shape)


def sourced(space: SearchSpace[Any], name: str, genome: Any, task: Task) -> Sourced:
    """Return a genome of the space called `name`, with its source for `task`."""
    source = space.source(genome, task)
    graph = partial(graph_of, space, genome, task, source)
    return Sourced(name, source, to_json(genome, name, space.version), graph)


def read_genome(path: Path, task: Task) -> Sourced:
    """Read a genome file and return its genome, with the source for `task`.

    Raises:
        InputError: the file is not a genome file of an installed search space.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        problem = f"cannot be read ({error.strerror}){nearest_path(path)}"
        raise InputError(str(path), problem) from None
    file = read_genome_file(text, str(path))
    space = default_space(file.space, str(path))
    genome = from_json(space.genome_type, text, space.version, str(path))
    return sourced(space, file.space, genome, task)


def default_space(name: str, place: str) -> SearchSpace[Any]:
    """Return the installed search space called `name`, with its default fields.

    A genome file may name an installed space, but never code to import.

    Raises:
        InputError: no such space is installed.
    """
    if name not in names("search_space"):
        raise unknown(place, "search space", name, names("search_space"))
    space: SearchSpace[Any] = load_plugin("search_space", name, place)()
    return space
