"""The class of a picture, as a trained network sees it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gensynth.api.opening import classifier_of
from gensynth.errors import InputError
from gensynth.plugins import trusting
from gensynth.prediction.paths import pictures_of


@dataclass(frozen=True)
class Prediction:
    """What a network says of one picture.

    >>> import gensynth
    >>> prediction = gensynth.Prediction("photo.jpg", (("cat", 0.9), ("dog", 0.1)))
    >>> prediction.best, prediction.probability
    ('cat', 0.9)
    """

    picture: str
    """Path of the picture."""
    classes: tuple[tuple[str, float], ...]
    """Names and probabilities (0 to 1), the most probable first; empty if it is unreadable."""
    problem: str = ""
    """Why the picture cannot be read; empty if it can."""

    @property
    def best(self) -> str:
        """The most probable class; empty if the picture cannot be read."""
        return self.classes[0][0] if self.classes else ""

    @property
    def probability(self) -> float:
        """Probability of the most probable class, 0 to 1."""
        return self.classes[0][1] if self.classes else 0.0


def predict(
    model: str | Path,
    pictures: str | Path | Iterable[str | Path],
    *,
    top: int = 5,
    preprocess: str | Path | None = None,
    trust: bool = False,
) -> list[Prediction]:
    """Classify pictures with a trained network, prepared as in its training.

    Args:
        model: an exported folder, a file of one (`.onnx`, `.pt2`, `.pte`, `.tflite`), a campaign's
            `DIR` or `DIR:ID` with kept weights, or `timm:NAME` with weights on this machine.
        pictures: paths of pictures, folders, or patterns such as `photos/*.jpg`.
        top: number of classes to return for each picture.
        preprocess: the `config.json` that describes the preprocessing, if the model does not.
        trust: whether code that the model's folder brings or names may run.

    Returns:
        One prediction for each picture; those that cannot be read have a `problem`.

    Raises:
        InputError: `model` cannot be opened, or there are no pictures.

    >>> import gensynth, pathlib
    >>> from PIL import Image
    >>> Image.new("L", (40, 30), 255).save("photo.png")
    >>> (prediction,) = gensynth.predict("runs/mine", "photo.png")
    >>> prediction.best in "0123456789" and 0 < prediction.probability <= 1
    True
    """
    if top < 1:
        raise InputError("top", f"must be at least 1, got {top}")
    given = [pictures] if isinstance(pictures, (str, Path)) else list(pictures)
    files = pictures_of(given)
    with trusting(trust):
        classifier = classifier_of(model, preprocess)
    found = []
    for file, shares in zip(files, classifier.probabilities(files), strict=True):
        if isinstance(shares, str):
            found.append(Prediction(file, (), shares))
            continue
        order = (-shares).argsort(kind="stable")[:top]
        best = tuple((classifier.classes[place], float(shares[place])) for place in order)
        found.append(Prediction(file, best))
    return found
