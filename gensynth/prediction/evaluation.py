"""How often a classifier is right, in all and for each class."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gensynth.data.originals import Original
from gensynth.errors import InputError
from gensynth.evaluation.class_measures import balanced_accuracy, precision, sensitivity
from gensynth.evaluation.confidence import wilson_interval
from gensynth.prediction.classifier import Classifier

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
    renamed: Mapping[str, str] | None = None,
) -> Evaluation:
    """Classify labelled pictures and count.

    Args:
        classifier: the network.
        pictures: the pictures; their labels index `names`.
        names: classes of the pictures, matched with those of the network by name.
        data: what the pictures are, in words.
        renamed: the network's name of a class, by its name in the data.

    Raises:
        InputError: no picture can be read, or the network has none of the classes.
    """
    places = {name: k for k, name in enumerate(classifier.classes)}
    own = [places.get((renamed or {}).get(name, name)) for name in names]
    known = [picture for picture in pictures if own[picture.label] is not None]
    lacking = tuple(name for name, place in zip(names, own, strict=True) if place is None)
    if not known:
        classes = ", ".join(classifier.classes[:5])
        problem = f"has none of the classes of {classifier.name} ({classes}, ...)"
        raise InputError(data, problem)
    counts = np.zeros((len(places), len(places)), dtype=int)
    mistakes, unreadable = list[Mistake](), list[str]()
    told = classifier.probabilities([picture.open for picture in known])
    for picture, shares in zip(known, told, strict=True):
        if isinstance(shares, str):
            unreadable.append(f"{picture.name}: {shares}")
            continue
        truth, found = own[picture.label] or 0, int(shares.argmax())
        counts[truth, found] += 1
        if truth != found:
            words = (classifier.classes[truth], classifier.classes[found])
            mistakes.append(Mistake(picture.name, picture.path, *words, float(shares[found])))
    if not counts.any():
        raise InputError(data, f"none of its {len(known)} pictures can be read")
    mistakes.sort(key=lambda mistake: -mistake.probability)
    return Evaluation(
        model=classifier.name,
        data=data,
        classes=classifier.classes,
        confusion=tuple(map(tuple, counts.tolist())),
        mistakes=tuple(mistakes[:MOST_MISTAKES]),
        unreadable=tuple(unreadable),
        lacking=lacking,
    )
