"""The training curves of a campaign for TensorBoard: one run for each training."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from gensynth.errors import InputError, install
from gensynth.evaluation.outcome import Outcome
from gensynth.report.training_runs import TrainingRun, training_run

FOLDER = "tensorboard"
"""Subfolder of the campaign's folder."""


def require_tensorboard() -> None:
    """Raise `InputError` if TensorBoard is not installed."""
    if find_spec("tensorboard") is None:
        problem = f"needs TensorBoard: {install('tensorboard')}"
        raise InputError("tensorboard", problem)


class Curves:
    """Writes the trainings that ended since the last call; a restart writes none twice."""

    def __init__(self, folder: Path) -> None:
        """Write below `folder`/tensorboard; `InputError` if TensorBoard is not installed."""
        require_tensorboard()
        self._folder = folder / FOLDER
        self._seen = 0

    def __call__(self, outcomes: Sequence[Outcome]) -> None:
        """Write the curves of new `outcomes`: top-1 and loss by epoch, value and costs."""
        for outcome in outcomes[self._seen :]:
            run = training_run(outcome)
            if run is not None and not (self._folder / run.name).exists():
                _write(run, self._folder / run.name)
        self._seen = len(outcomes)


def _write(run: TrainingRun, folder: Path) -> None:
    """Write one training; its folder appears complete or not at all."""
    from torch.utils.tensorboard import SummaryWriter

    draft = folder.with_name(f".{folder.name}")
    writer = SummaryWriter(str(draft))
    for name, points in run.curves.items():
        for epoch, value in points:
            writer.add_scalar(name, value, epoch)
    for name, figure in run.figures.items():
        writer.add_scalar(name, figure, run.last_epoch)
    writer.close()
    draft.rename(folder)
