"""How often a trained network is right on a folder of pictures, class by class."""

from pathlib import Path

from gensynth.api.experiments import data_path
from gensynth.api.opening import classifier_of
from gensynth.data.sets import DataSettings
from gensynth.data.stored_pictures import labelled
from gensynth.plugins import trusting
from gensynth.prediction.evaluation import Evaluation, evaluated
from gensynth.report.evaluation_page import write_evaluation_page


def evaluate(
    model: str | Path,
    data: str | Path,
    *,
    split: str | None = None,
    preprocess: str | Path | None = None,
    html: str | Path | None = None,
    class_level: int | None = None,
    trust: bool = False,
) -> Evaluation:
    """Classify labelled pictures, read from their files, and count how often a network is right.

    Args:
        model: as in `predict`.
        data: a folder of class folders, `hub:NAME`, or `digits`.
        split: `train`, `validation` or `test`; by default `test` if there is such a folder, else
            all pictures. A split without a folder is held out as in a search.
        preprocess: the `config.json` that describes the preprocessing, if the model does not.
        html: a page to write, with the most confident mistakes as pictures.
        class_level: which folders are the classes, 1 by default; see `[data]` of an experiment.
        trust: whether code that the model's folder brings or names may run.

    Returns:
        Top-1 with its interval, balanced accuracy, figures of each class, the confusion matrix.

    Raises:
        InputError: `model` or `data` cannot be opened, or they have no class in common.

    >>> import gensynth
    >>> found = gensynth.evaluate("runs/mine", "digits", split="test")
    >>> found.images, len(found.per_class), found.interval[0] < found.top1
    (359, 10, True)
    """
    level = 1 if class_level is None else class_level
    settings = DataSettings(data_path(str(data)), class_level=level)
    pictures, names, words = labelled(settings, split)
    with trusting(trust):
        classifier = classifier_of(model, preprocess)
    found = evaluated(classifier, pictures, names, words)
    if html is not None:
        write_evaluation_page(found, Path(html))
    return found
