"""How often a classifier is right, in all and for each class."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gensynth.data.stored_pictures import Original
from gensynth.errors import InputError
from gensynth.evaluation.class_measures import balanced_accuracy, precision, sensitivity
from gensynth.evaluation.confidence import wilson_interval
from gensynth.prediction.classifier import Classifier
from gensynth.serialization import from_plain, loads

EVALUATION = "evaluation.json"
"""The file of an export with its figures on the test split."""
MOST_MISTAKES = 24
"""Confident mistakes that are kept."""


@dataclass(frozen=True)
class Mistake:
    """A picture that was classified wrongly."""

    name: str
    path: str
    """Its file; empty if it is embedded."""
    truth: str
    predicted: str
    probability: float
    """Share, 0 to 1, that the network gave to the wrong class."""


@dataclass(frozen=True)
class ClassFigures:
    """The figures of one class."""

    name: str
    images: int
    sensitivity: float | None
    """Percent of its images that were found; None if it has none."""
    precision: float | None
    """Percent of the images classified as it that are; None if there are none."""


@dataclass(frozen=True)
class Evaluation:
    """A classifier measured on labelled pictures."""

    model: str
    data: str
    """What the pictures are, in words."""
    classes: tuple[str, ...]
    """Classes of the network, in the order of its outputs."""
    confusion: tuple[tuple[int, ...], ...]
    """Images by (true class, predicted class)."""
    mistakes: tuple[Mistake, ...] = ()
    """The most confident ones, the most confident first."""
    unreadable: tuple[str, ...] = ()
    """Pictures that cannot be read, each with the reason."""
    lacking: tuple[str, ...] = ()
    """Classes of the data that the network does not have; their images were not counted."""

    @property
    def without_paths(self) -> "Evaluation":
        """The same without the paths of this machine, to be given away."""
        mistakes = tuple(replace(mistake, path="") for mistake in self.mistakes)
        return replace(self, mistakes=mistakes)

    @property
    def images(self) -> int:
        """Number of pictures that were classified."""
        return sum(map(sum, self.confusion))

    @property
    def top1(self) -> float:
        """Percent of the pictures that were classified correctly."""
        return 100 * sum(row[k] for k, row in enumerate(self.confusion)) / self.images

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % confidence interval of `top1`, in percent."""
        return wilson_interval(self.top1, self.images)

    @property
    def balanced_accuracy(self) -> float:
        """Mean sensitivity of the classes that have images, in percent."""
        return balanced_accuracy(self.confusion)

    @property
    def commonest(self) -> tuple[str, float]:
        """The class with the most images, and the top-1 (percent) of always predicting it."""
        counts = [sum(row) for row in self.confusion]
        largest = int(np.argmax(counts))
        return self.classes[largest], 100 * counts[largest] / self.images

    @property
    def per_class(self) -> tuple[ClassFigures, ...]:
        """Figures of each class, in the order of the outputs."""
        table = self.confusion
        return tuple(
            ClassFigures(name, sum(table[k]), sensitivity(table, k), precision(table, k))
            for k, name in enumerate(self.classes)
        )


def evaluated(
    classifier: Classifier,
    pictures: Sequence[Original],
    names: Sequence[str],
    data: str,
) -> Evaluation:
    """Classify labelled pictures and count.

    Args:
        classifier: the network.
        pictures: the pictures; their labels index `names`.
        names: classes of the pictures, matched with those of the network by name.
        data: what the pictures are, in words.

    Raises:
        InputError: no picture can be read, or the network has none of the classes.
    """
    places = {name: k for k, name in enumerate(classifier.classes)}
    own = [places.get(name) for name in names]
    known = [picture for picture in pictures if own[picture.label] is not None]
    lacking = tuple(name for name, place in zip(names, own, strict=True) if place is None)
    if not known:
        wanted, found = (", ".join(some[:5]) for some in (classifier.classes, names))
        problem = f"have none of the classes of {classifier.name} ({wanted}), but {found}"
        remedy = "rename the folders, or choose others as classes by class_level"
        raise InputError(data, f"{problem}; {remedy}")
    truths = [own[picture.label] or 0 for picture in known]
    counts, mistakes, unreadable = _counted(classifier, known, truths)
    if not counts.any():
        raise InputError(data, f"none of its {len(known)} pictures can be read")
    return Evaluation(
        model=classifier.name,
        data=data,
        classes=classifier.classes,
        confusion=tuple(map(tuple, counts.tolist())),
        mistakes=tuple(sorted(mistakes, key=lambda one: -one.probability)[:MOST_MISTAKES]),
        unreadable=tuple(unreadable),
        lacking=lacking,
    )


def _counted(
    classifier: Classifier, pictures: Sequence[Original], truths: Sequence[int]
) -> tuple[NDArray[np.int64], list[Mistake], list[str]]:
    """Classify pictures; return the confusion matrix, all mistakes, and what cannot be read."""
    names = classifier.classes
    counts = np.zeros((len(names), len(names)), dtype=np.int64)
    mistakes, unreadable = list[Mistake](), list[str]()
    found = classifier.probabilities([picture.open for picture in pictures])
    for picture, truth, shares in zip(pictures, truths, found, strict=True):
        if isinstance(shares, str):
            unreadable.append(f"{picture.name}: {shares}")
            continue
        best = int(shares.argmax())
        counts[truth, best] += 1
        if truth != best:
            words = (names[truth], names[best], float(shares[best]))
            mistakes.append(Mistake(picture.name, picture.path, *words))
    return counts, mistakes, unreadable


def read_evaluation(folder: Path) -> Evaluation | None:
    """Return the figures that an exported folder states; None if it states none.

    Raises:
        InputError: the file is damaged.
    """
    path = folder / EVALUATION
    if not path.is_file():
        return None
    return from_plain(Evaluation, loads(path.read_bytes(), str(path)), str(path))
