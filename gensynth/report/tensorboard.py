"""The training curves of a campaign for TensorBoard: one run for each training."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from gensynth.errors import InputError, install
from gensynth.evaluation.outcome import Outcome

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
            run = self._folder / f"{outcome.number:05d}-{outcome.purpose}-{outcome.genome_id[:12]}"
            if outcome.curve and outcome.attempt > 0 and not run.exists():
                _write(outcome, run)
        self._seen = len(outcomes)


def _write(outcome: Outcome, run: Path) -> None:
    """Write one training; its folder appears complete or not at all."""
    from torch.utils.tensorboard import SummaryWriter

    draft = run.with_name(f".{run.name}")
    writer = SummaryWriter(str(draft))
    # The exported network trained on the validation split, so it has no validation top-1.
    name = "training top-1" if outcome.purpose == "export" else "validation top-1"
    for line in outcome.curve:
        writer.add_scalar(name, line.top1, line.epoch)
        writer.add_scalar("training loss", line.loss, line.epoch)
    last = outcome.curve[-1].epoch
    costs = outcome.profile
    figures = {
        "value (dB)": outcome.value,
        "parameters": costs.params if costs else None,
        "MACs": costs.macs if costs else None,
    }
    for words, figure in figures.items():
        if figure is not None:
            writer.add_scalar(words, figure, last)
    writer.close()
    draft.rename(run)
