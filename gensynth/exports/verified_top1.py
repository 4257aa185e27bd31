"""The figure of an export: its own prediction on the picture files of the test split."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gensynth.data.batches import Batches
from gensynth.data.sets import DataSet, DataSettings
from gensynth.data.stored_pictures import Original, originals
from gensynth.models.exported import PREDICT, load_folder
from gensynth.prediction.classifier import Classifier
from gensynth.prediction.evaluation import Evaluation, evaluated
from gensynth.prediction.opened import folder_facts, run_of

if TYPE_CHECKING:
    from torch import nn

DIFFERENCE = 0.1
"""Largest difference, in points of top-1, between an export and the training that it comes from."""
BATCH = 512


@dataclass(frozen=True)
class Tested:
    """The test split of an export, and the top-1 that training measured on it."""

    pictures: Sequence[Original]
    data: DataSet
    """The same split as training decoded it."""
    name: str
    """What the pictures are, in words."""
    top1: float
    """Percent, measured after the training. It is the same look at the test split."""
    size: tuple[int, int]
    """Height and width of the network's input."""
    card: Callable[[Evaluation], str]
    """Writes the card that states the figure of the export."""

    def measured(self, folder: Path) -> Evaluation:
        """Measure the folder by its own `predict.py`."""
        return evaluated(carried(folder), self.pictures, self.data.class_names, self.name)

    def again(self, network: "nn.Module") -> float:
        """Measure the trained network here, in float32: the training may have used bfloat16."""
        import torch

        place = torch.device("cpu")
        batches = Batches(self.data, ("test",), self.size, place, torch.contiguous_format)
        right = 0
        with torch.no_grad():
            for images, labels in batches.in_order(BATCH):
                right += int((network(images.contiguous()).argmax(1) == labels).sum())
        return 100 * right / len(batches)


def tested(
    settings: DataSettings,
    data: DataSet,
    size: tuple[int, int],
    top1: float,
    card: Callable[[Evaluation], str],
) -> Tested:
    """Return the test split of some data, with what training measured on it."""
    name = f"test images of {Path(settings.path).name}"
    return Tested(originals(settings, "test"), data, name, top1, size, card)


def carried(folder: Path) -> Classifier:
    """Return the classifier of an exported folder that prepares pictures by its `predict.py`."""
    how, classes = folder_facts(folder)
    with _importing_from(folder):
        carried: dict[str, Any] = {"__name__": PREDICT, "__file__": str(folder / PREDICT)}
        exec(compile((folder / PREDICT).read_bytes(), folder / PREDICT, "exec"), carried)
    prepare = partial(carried["prepare"], how=how)
    return Classifier(folder.name, prepare, run_of(load_folder(folder)), classes)


@contextmanager
def _importing_from(folder: Path) -> Iterator[None]:
    """Let modules of a folder be imported, and forget them afterwards: others have these names."""
    names = [file.stem for file in folder.glob("*.py")]
    before: Mapping[str, Any] = {name: sys.modules.pop(name, None) for name in names}
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name, module in before.items():
            sys.modules.pop(name, None)
            if module is not None:
                sys.modules[name] = module
