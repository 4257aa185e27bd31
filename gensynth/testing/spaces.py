"""The laws of search spaces."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, is_dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from gensynth.genome import Decisions, from_json, to_json
from gensynth.graph.trace import trace
from gensynth.serialization import dumps
from gensynth.space import Draw, GivesGraph, Recording, Replay, SearchSpace, Task, build
from gensynth.testing.check import Check, Laws, expect
from gensynth.testing.networks import TASK

DRAWS = 24
"""Random genomes that each law is tried on."""
_ALLOWED = {"torch", "math", "collections", "typing", "dataclasses", "functools", "itertools"}


@dataclass(frozen=True)
class DrawnGenome:
    """A random genome, and how it came about."""

    genome: Any
    decisions: Decisions
    options: dict[str, tuple[Any, ...]]


def check_space(
    space: SearchSpace[Any], task: Task = TASK, draws: int = DRAWS, seed: int = 0
) -> list[Check]:
    """Hold a search space to its laws, on its presets and on random genomes, for `task`."""
    laws = Laws()
    _check_attributes(laws, space)
    with laws.law("sample(choose) asks names with options, and gives a genome"):
        expect(bool(drawn := list(_draws(space, draws, seed))), "nothing was drawn")
    if not laws.hold:
        return laws.checks
    _check_language(laws, space, drawn)
    _check_genomes(laws, space, drawn)
    with laws.law("source(genome, task) says the same twice, as plain data"):
        for one in drawn:
            source = space.source(one.genome, task)
            expect(source == space.source(one.genome, task), "it changes")
            dumps(source.spec)
    with laws.law("the source's module imports torch only, so that an export can carry it"):
        _check_imports(space.source(drawn[0].genome, task).module)
    if laws.hold:
        _check_networks(laws, space, drawn, task)
    return laws.checks


def _draws(space: SearchSpace[Any], count: int, seed: int) -> Iterator[DrawnGenome]:
    for sequence in np.random.SeedSequence(seed).spawn(count):
        record = Recording(Draw(np.random.default_rng(sequence)))
        genome = space.sample(record)
        yield DrawnGenome(genome, dict(record.decisions), dict(record.options))


def _check_attributes(laws: Laws, space: SearchSpace[Any]) -> None:
    with laws.law("it is a frozen dataclass: its fields are its table in an experiment"):
        expect(is_dataclass(space), "is not a dataclass")
        expect(space.__dataclass_params__.frozen, "can be changed")  # type: ignore[attr-defined]
    with laws.law("genome_type is a frozen dataclass, version a whole number"):
        expect(is_dataclass(space.genome_type), f"genome_type is {space.genome_type!r}")
        expect(space.genome_type.__dataclass_params__.frozen, "a genome can be changed")
        expect(type(space.version) is int, f"version is {space.version!r}")
    with laws.law("every preset is a genome of the space"):
        for decisions in space.presets.values():
            space.sample(Replay(decisions))


def _check_language(laws: Laws, space: SearchSpace[Any], drawn: list[DrawnGenome]) -> None:
    with laws.law("a name has the same options everywhere: put the condition into the name"):
        known: dict[str, tuple[Any, ...]] = {}
        for one in drawn:
            for name, options in one.options.items():
                known.setdefault(name, options)
                words = f"{name}: {known[name]} in one genome, {options} in another"
                expect(known[name] == options, words)
    with laws.law("options are JSON scalars, none twice"):
        for name, options in known.items():
            scalars = all(o is None or isinstance(o, (str, int, float, bool)) for o in options)
            expect(scalars and bool(options), f"{name}: {options}")
            expect(len({(type(o), o) for o in options}) == len(options), f"{name}: {options}")
    with laws.law("something is left to choose"):
        expect(len({dumps(one.decisions) for one in drawn}) > 1, "every draw is the same")


def _check_genomes(laws: Laws, space: SearchSpace[Any], drawn: list[DrawnGenome]) -> None:
    with laws.law("the recorded decisions give the genome again"):
        for one in drawn:
            expect(space.sample(Replay(one.decisions)) == one.genome, "gave another genome")
    with laws.law("a genome survives being written as JSON"):
        for one in drawn:
            text = to_json(one.genome, "space", space.version)
            again = from_json(space.genome_type, text, space.version)
            expect(again == one.genome, f"{one.genome} came back as {again}")


def _check_networks(
    laws: Laws, space: SearchSpace[Any], drawn: list[DrawnGenome], task: Task
) -> None:
    buildable = []
    with laws.law("source raises ValueError, and nothing else, for a genome without a network"):
        for one in drawn:
            try:
                space.source(one.genome, task)
            except ValueError:
                continue
            buildable.append(one)
        expect(bool(buildable), "no drawn genome has a network")
    with laws.law("a network gives (N, classes), and a gradient to every parameter"):
        for one in buildable:
            _check_network(build(space, one.genome, task), _input(space, one, task), task)
    with laws.law("two builds share no parameter"):
        first, second = (build(space, buildable[0].genome, task) for _ in range(2))
        expect(not {id(p) for p in first.parameters()} & {id(p) for p in second.parameters()},
               "one is in both")  # fmt: skip
    if isinstance(space, GivesGraph):
        with laws.law("graph(genome, task) is the graph that tracing the network gives"):
            for one in buildable:
                traced = trace(build(space, one.genome, task), _input(space, one, task))
                given = space.graph(one.genome, task)
                expect(given.layers == traced.layers, _first(given, traced))


def _input(space: SearchSpace[Any], one: DrawnGenome, task: Task) -> tuple[int, int, int]:
    return space.source(one.genome, task).input_shape


def _check_network(network: nn.Module, shape: tuple[int, int, int], task: Task) -> None:
    torch.manual_seed(0)
    answers = network.train()(torch.randn(4, *shape))
    expect(tuple(answers.shape) == (4, task.classes), f"gave {tuple(answers.shape)}")
    answers.square().sum().backward()
    dead = [name for name, p in network.named_parameters() if p.requires_grad and p.grad is None]
    expect(not dead, f"no gradient for {', '.join(dead[:3])}")


def _check_imports(module: str) -> None:
    """Follow the module's own files: what they import besides must be torch or the library's."""
    waiting, seen = [module], set[str]()
    package = module.partition(".")[0]
    while waiting:
        name = waiting.pop()
        seen.add(name)
        found = find_spec(name)
        expect(found is not None and found.origin is not None, f"{name} is not a Python file")
        assert found is not None and found.origin is not None
        for imported in _imported(Path(found.origin)):
            top = imported.partition(".")[0]
            own = top == package and "." in module
            if own and imported not in seen and find_spec(imported) is not None:
                waiting.append(imported)
            expect(own or top in _ALLOWED, f"{name} imports {imported}")


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def _first(given: Any, traced: Any) -> str:
    for row, (one, other) in enumerate(zip(given.layers, traced.layers, strict=False)):
        if one != other:
            return f"row {row} is {one}, traced {other}"
    return f"{len(given.layers)} rows, traced {len(traced.layers)}"
