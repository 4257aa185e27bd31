"""The language of search spaces: `choose(name, options)`, and the things that answer it.

A space is ordinary Python run under a chooser (define by run): decisions that are not reached
are never asked. Random draw, replay, mutation and every generator are answerers of `Choose`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from gensynth.errors import InputError, nearest
from gensynth.genome import Decision, Decisions

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

T = TypeVar("T")
G = TypeVar("G")


class Choose(Protocol):
    """The whole language of a search space: one named choice among finite options."""

    def __call__(self, name: str, options: Sequence[T], /) -> T:
        """Return one of `options` (JSON scalars, the same ones for a `name` everywhere)."""
        ...


@dataclass(frozen=True)
class Task:
    """What a network has to do: classify images of (channels, height, width) into classes."""

    channels: int
    height: int
    width: int
    classes: int


@dataclass(frozen=True)
class Source:
    """How to build a network: `make(spec)` of a module that imports torch only.

    `spec` is plain data; `input_shape` is the (C, H, W) that the built network takes, which a
    genome may set to another resolution than the data's.
    """

    module: str
    spec: Mapping[str, Any]
    input_shape: tuple[int, int, int]


class SearchSpace(Protocol[G]):
    """Turns decisions into a genome and a genome into a network; a frozen dataclass.

    Its fields are its table in an experiment file. It may also give `graph(genome, task)`, the
    same graph that `gensynth.graph.trace` reads off the built network, but without building it.
    """

    @property
    def genome_type(self) -> type[G]:
        """The frozen dataclass of its genomes."""
        ...

    @property
    def version(self) -> int:
        """Changes whenever the same genome would mean another network."""
        ...

    @property
    def presets(self) -> Mapping[str, Decisions]:
        """Decisions by name; `presets["prototype"]` is where a generator starts."""
        ...

    def sample(self, choose: Choose) -> G:
        """Make a genome from the answers of `choose`."""
        ...

    def source(self, genome: G, task: Task) -> Source:
        """Say how to build the network of `genome` for `task`; `ValueError` where none is."""
        ...


def build(space: SearchSpace[Any], genome: Any, task: Task) -> "nn.Module":
    """Build the network of `genome`, in float32 with fresh weights of torch's own generator."""
    return make(space.source(genome, task))


def make(source: Source) -> "nn.Module":
    """Call the torch-only source; the same code runs in a search and in an export."""
    module: nn.Module = import_module(source.module).make(source.spec)
    return module


@dataclass
class Draw:
    """Answers uniformly at random."""

    rng: "np.random.Generator"

    def __call__(self, name: str, options: Sequence[T], /) -> T:
        """Draw one of `options` with equal probability."""
        return options[int(self.rng.integers(len(options)))]


@dataclass(frozen=True)
class Replay:
    """Answers from recorded decisions; a name that is not recorded goes to `otherwise`.

    With `lenient`, a recorded answer that is not among the options goes to `otherwise` too.
    """

    decisions: Decisions
    otherwise: Choose | None = None
    lenient: bool = False

    def __call__(self, name: str, options: Sequence[T], /) -> T:
        """Return the recorded answer.

        Raises `InputError` if it is missing or not an option, and `otherwise` may not answer.
        """
        recorded = name in self.decisions
        if recorded:
            wanted = self.decisions[name]
            for option in options:
                if option == wanted and type(option) is type(wanted):
                    return option
        if self.otherwise is not None and (self.lenient or not recorded):
            return self.otherwise(name, options)
        if not recorded:
            raise InputError(name, "decision is missing")
        hint = nearest(str(wanted), [str(option) for option in options])
        raise InputError(name, f"{wanted!r} is not an option{hint}")


@dataclass
class Record:
    """Passes on the answers of `choose` and keeps them: `decisions`, and the `options` met."""

    choose: Choose
    decisions: dict[str, Decision] = field(default_factory=dict)
    options: dict[str, tuple[Any, ...]] = field(default_factory=dict)

    def __call__(self, name: str, options: Sequence[T], /) -> T:
        """Answer and remember; a name asked twice gets its first answer."""
        if name in self.decisions:
            return self.decisions[name]  # type: ignore[return-value]
        answer = self.choose(name, options)
        self.options[name] = tuple(options)
        self.decisions[name] = answer  # type: ignore[assignment]
        return answer


def without_some(decisions: Decisions, rng: "np.random.Generator") -> dict[str, Decision]:
    """Leave out one decision, or two, or more, each half as often: they are to be made anew."""
    names = sorted(decisions)
    count = min(int(rng.geometric(0.5)), len(names))
    dropped = {names[int(k)] for k in rng.choice(len(names), count, replace=False)}
    return {name: answer for name, answer in decisions.items() if name not in dropped}


def enumerate_decisions(
    space: "Samples", limit: int | None = None
) -> Iterator[dict[str, Decision]]:
    """Walk all decision sequences of a space, depth first, at most `limit` of them."""
    path: list[tuple[str, int, int]] = []
    count = 0
    while limit is None or count < limit:
        walker = _Walk(path)
        record = Record(walker)
        space.sample(record)
        yield record.decisions
        count += 1
        path = walker.path
        while path and path[-1][1] + 1 >= path[-1][2]:
            path.pop()
        if not path:
            return
        name, index, size = path[-1]
        path[-1] = (name, index + 1, size)


class Samples(Protocol):
    """Anything that asks decisions: a space, or a problem."""

    def sample(self, choose: Choose, /) -> object:
        """Ask `choose` for every decision that is reached."""
        ...


class _Walk:
    """Follows a path of option indices, then takes first options and extends the path."""

    def __init__(self, path: list[tuple[str, int, int]]) -> None:
        self.path = list(path)
        self.position = 0

    def __call__(self, name: str, options: Sequence[T], /) -> T:
        if self.position == len(self.path):
            self.path.append((name, 0, len(options)))
        _, index, _ = self.path[self.position]
        self.position += 1
        return options[index]
