"""The language of search spaces: `choose(name, options)`, and the choosers that answer it.

A search space is ordinary Python that calls a chooser (define by run), so a decision that is never
reached is never asked. Random sampling, replay, mutation and every generator are choosers.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

from gensynth.errors import InputError, nearest
from gensynth.genome import Decision, Decisions
from gensynth.serialization import scalar

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

T = TypeVar("T")
G = TypeVar("G")


class Choose(Protocol):
    """The whole language of a search space: one named choice from finite options."""

    def __call__(self, name: str, options: Sequence[T], /) -> T:
        """Return one of `options` (JSON scalars; a `name` always has the same options)."""
        ...


@dataclass(frozen=True)
class Task:
    """What a network must do: classify images of (channels, height, width) into classes."""

    channels: int
    """Of an image: 1 (grey) or 3 (RGB)."""
    height: int
    """Of an image, in pixels."""
    width: int
    """Of an image, in pixels."""
    classes: int
    """Number of classes."""


@dataclass(frozen=True)
class Source:
    """How to build a network: call `make(spec)` of a module that imports only torch."""

    module: str
    """Name of the module; it is imported from the folder of the space, too."""
    spec: Mapping[str, Any]
    """Plain data."""
    input_shape: tuple[int, int, int]
    """(C, H, W) of the network's input; a genome may choose another resolution than the data's."""


class SearchSpace(Protocol[G]):
    """A frozen dataclass that turns decisions into a genome and a genome into a network.

    Its fields are its table in an experiment file. See also `GivesGraph`.
    """

    @property
    def genome_type(self) -> type[G]:
        """The frozen dataclass of its genomes."""
        ...

    @property
    def version(self) -> int:
        """Increases whenever the same genome would describe a different network."""
        ...

    @property
    def presets(self) -> Mapping[str, Decisions]:
        """Named networks as decisions; a generator starts from `presets["prototype"]`."""
        ...

    def sample(self, choose: Choose) -> G:
        """Build a genome from the answers of `choose`."""
        ...

    def source(self, genome: G, task: Task) -> Source:
        """Return how to build the network of `genome` for `task`.

        Raises:
            ValueError: the genome has no network for this task.
        """
        ...


@runtime_checkable
class GivesGraph(Protocol):
    """Optional for a search space: it returns a network's graph without building the network."""

    def graph(self, genome: Any, task: Task, /) -> Any:
        """Return the `gensynth.graph.graph.Graph` that tracing the built network would return."""
        ...


def build(space: SearchSpace[Any], genome: Any, task: Task) -> "nn.Module":
    """Build the network of `genome` in float32, with weights from torch's global generator."""
    return build_source(space.source(genome, task))


def build_source(source: Source) -> "nn.Module":
    """Build the network that `source` describes, with fresh weights.

    A search and an export call the same code. `source.module` may be a name that the module had
    in an earlier version of gensynth.
    """
    network: nn.Module = import_module(source.module).make(source.spec)
    return network


@dataclass
class Draw:
    """A chooser that draws uniformly at random."""

    rng: "np.random.Generator"

    def __call__(self, name: str, options: Sequence[T], /) -> T:
        """Return one of `options`, each with equal probability."""
        return options[int(self.rng.integers(len(options)))]


@dataclass(frozen=True)
class Replay:
    """A chooser that repeats recorded decisions and passes missing ones to `otherwise`.

    With `lenient`, a recorded answer that is not among the options goes to `otherwise` too.

    >>> Replay({"width": 8})("width", (4, 8))
    8
    """

    decisions: Decisions
    otherwise: Choose | None = None
    lenient: bool = False

    def __call__(self, name: str, options: Sequence[T], /) -> T:
        """Return the recorded answer.

        Raises:
            InputError: it is missing or not one of `options`, and `otherwise` may not answer.
        """
        recorded = name in self.decisions
        if recorded:
            wanted = self.decisions[name]
            for option in options:
                plain = scalar(option)
                if plain == wanted and type(plain) is type(wanted):
                    return option
        if self.otherwise is not None and (self.lenient or not recorded):
            return self.otherwise(name, options)
        if not recorded:
            raise InputError(name, "decision is missing")
        hint = nearest(str(wanted), [str(option) for option in options])
        raise InputError(name, f"{wanted!r} is not an option{hint}")


@dataclass
class Recording:
    """A chooser that passes on the answers of `choose` and keeps them.

    >>> recording = Recording(Replay({"width": 8}))
    >>> recording("width", (4, 8))
    8
    >>> recording.decisions, recording.options
    ({'width': 8}, {'width': (4, 8)})
    """

    choose: Choose
    decisions: dict[str, Decision] = field(default_factory=dict)
    options: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    _answers: dict[str, Any] = field(default_factory=dict, repr=False)

    def __call__(self, name: str, options: Sequence[T], /) -> T:
        """Return and keep the answer; a name that is asked again gets its first answer."""
        if name in self.decisions:
            return self._answers[name]  # type: ignore[no-any-return]
        answer = self.choose(name, options)
        self.options[name] = tuple(map(scalar, options))
        self.decisions[name] = scalar(answer)
        self._answers[name] = answer
        return answer


def without_some(decisions: Decisions, rng: "np.random.Generator") -> dict[str, Decision]:
    """Leave out k decisions, with probability 2**-k, so that they are made again."""
    names = sorted(decisions)
    count = min(int(rng.geometric(0.5)), len(names))
    dropped = {names[int(k)] for k in rng.choice(len(names), count, replace=False)}
    return {name: answer for name, answer in decisions.items() if name not in dropped}


def enumerate_decisions(
    space: "Samples", limit: int | None = None
) -> Iterator[dict[str, Decision]]:
    """Yield the decisions of every genome of a space, depth first, at most `limit` of them."""
    path: list[tuple[str, int, int]] = []
    count = 0
    while limit is None or count < limit:
        walker = _Walk(path)
        recording = Recording(walker)
        space.sample(recording)
        yield recording.decisions
        count += 1
        path = walker.path
        while path and path[-1][1] + 1 >= path[-1][2]:
            path.pop()
        if not path:
            return
        name, index, size = path[-1]
        path[-1] = (name, index + 1, size)


class Samples(Protocol):
    """Anything that asks for decisions: a search space or a problem."""

    def sample(self, choose: Choose, /) -> object:
        """Ask `choose` for every decision that is reached."""
        ...


class _Walk:
    """Follows a path of option indices, then extends it by the first option of each decision."""

    def __init__(self, path: list[tuple[str, int, int]]) -> None:
        self.path = list(path)
        self.position = 0

    def __call__(self, name: str, options: Sequence[T], /) -> T:
        if self.position == len(self.path):
            self.path.append((name, 0, len(options)))
        _, index, _ = self.path[self.position]
        self.position += 1
        return options[index]


def __getattr__(name: str) -> Any:
    """Return `Recording` by its former name, `Record`, which search spaces of others import."""
    if name == "Record":
        return Recording
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
