"""Open the MODEL that `predict` and `evaluate` take, trained, from wherever it is."""

from functools import partial
from pathlib import Path

from gensynth.campaign.campaign_folder import viewing
from gensynth.campaign.experiment import EXPERIMENT
from gensynth.data.preprocessing import prepared
from gensynth.errors import InputError
from gensynth.models.exported import EXPORTED_WEIGHTS, with_weights
from gensynth.prediction.classifier import Classifier
from gensynth.prediction.opened import opened, run_of
from gensynth.space import build_source
from gensynth.training.job import WEIGHTS

INSIDE = ("best", "network")
"""Where a campaign and `gensynth train` keep their exported folder."""


def classifier_of(model: str | Path, preprocess: str | Path | None = None) -> Classifier:
    """Open a campaign's exported network or candidate, an exported folder or file, or `timm:NAME`.

    Raises:
        InputError: `model` is none of these, or it states no preprocessing.
    """
    word = str(model)
    folder, colon, identity = word.rpartition(":")
    if colon and (Path(folder) / EXPERIMENT).is_file():
        return _candidate(Path(folder), identity, word)
    path = Path(word)
    exported = [path / name for name in INSIDE if (path / name / EXPORTED_WEIGHTS).is_file()]
    if exported and not list(path.glob("*.py")):
        return opened(str(exported[0]), _path(preprocess))
    if (path / EXPERIMENT).is_file():
        problem = "the campaign has exported no network yet; name a candidate, DIR:ID"
        raise InputError(word, problem)
    return opened(word, _path(preprocess))


def _path(given: str | Path | None) -> Path | None:
    return None if given is None else Path(given)


def _candidate(folder: Path, identity: str, place: str) -> Classifier:
    """Open a candidate of a campaign with the weights that its last training kept."""
    from safetensors.torch import load_file

    machine = viewing(folder, same_images=True)
    rows = [o for o in machine.outcomes if identity in (str(o.number), o.genome_id)]
    if not rows:
        raise InputError(place, f"the campaign has no candidate {identity!r}; `show` lists them")
    kept = [row for row in rows if (machine.folder_of(row) / WEIGHTS).is_file()]
    if not kept:
        raise InputError(place, "its weights were not kept")
    source = machine.evaluator.described(kept[-1].decisions).source
    weights = load_file(machine.folder_of(kept[-1]) / WEIGHTS)
    network = with_weights(build_source(source), weights, place)
    size = source.input_shape[1:]
    data = machine.context.data_at(size)
    prepare = partial(prepared, how=data.preprocessing(size))
    return Classifier(place, prepare, run_of(network), data.class_names)
