"""What the command lines of all benchmarks share."""

import json
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from gensynth.campaign.experiment import Experiment, read_experiment

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")


def parser_for(docstring: str | None) -> ArgumentParser:
    """Return a parser that describes a module by the first line of its docstring."""
    return ArgumentParser(description=(docstring or "").partition("\n")[0])


def simulation_parser(docstring: str | None, variants: str) -> ArgumentParser:
    """Return a parser of what simulated campaigns need, whose results are lines of a file.

    `variants` are the searches that are compared by default, separated by commas.
    """
    parser = parser_for(docstring)
    parser.add_argument("experiment")
    parser.add_argument("--data", required=True, help="image folder")
    parser.add_argument("--table", required=True, type=Path, help="table of record_space.py")
    parser.add_argument("--to", required=True, type=Path, help="file with one campaign a line")
    parser.add_argument("--variants", default=variants)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=1, help="number of processes")
    return parser


def lines_of(file: Path, kind: Callable[..., T]) -> list[T]:
    """Return the results that a file holds, a JSON object in each line; none without a file."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [kind(**json.loads(line)) for line in lines]


def append_line(file: Path, result: "DataclassInstance") -> None:
    """Append a result to a file as a line of JSON."""
    with file.open("a", encoding="utf-8") as opened:
        opened.write(json.dumps(asdict(result)) + "\n")


def experiment_on(file: Path, images: Path) -> Experiment:
    """Read an experiment file, with the folder `images` in place of its own data."""
    experiment = read_experiment(file)
    return replace(experiment, data=replace(experiment.data, path=str(images.resolve())))
