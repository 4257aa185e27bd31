"""A long training in a process of its own that a test kills."""

import sys
from dataclasses import replace
from pathlib import Path

from gensynth.evaluation.measurement import Measurement
from gensynth.training.report import Report, trained
from tests.support.trainings import QUICK, job

RATES = (0.1, 0.2)
EPOCHS = 12


def train(folder: Path) -> Report:
    """Train with a checkpoint after every epoch, and say each epoch."""
    recipe = replace(QUICK, epochs=EPOCHS, ema_decay=0.9, augment=("crop",))
    wanted = job(folder, recipe, measure_test=True, keep_weights=True)
    return trained("toy", wanted, (1, 1), 359, RATES, _tell)


def _tell(rate: float, measurement: Measurement) -> None:
    print(rate, measurement.epoch, measurement.seconds, flush=True)


if __name__ == "__main__":
    train(Path(sys.argv[1]))
