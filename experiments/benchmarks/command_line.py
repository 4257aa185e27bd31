"""What the command lines of all benchmarks share."""

from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path

from gensynth.campaign.experiment import Experiment, read_experiment


def parser_for(docstring: str | None) -> ArgumentParser:
    """Return a parser that describes a module by the first line of its docstring."""
    return ArgumentParser(description=(docstring or "").partition("\n")[0])


def experiment_on(file: Path, images: Path) -> Experiment:
    """Read an experiment file, with the folder `images` in place of its own data."""
    experiment = read_experiment(file)
    return replace(experiment, data=replace(experiment.data, path=str(images.resolve())))
