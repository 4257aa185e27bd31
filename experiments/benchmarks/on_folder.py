"""An experiment file, played on images that lie somewhere else."""

from dataclasses import replace
from pathlib import Path

from gensynth.campaign.experiment import Experiment, read_experiment


def experiment_on(file: Path, images: Path) -> Experiment:
    """Read the experiment and give it the folder of `images` in the place of its own."""
    experiment = read_experiment(file)
    return replace(experiment, data=replace(experiment.data, path=str(images.resolve())))
