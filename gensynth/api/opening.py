"""Open the MODEL that `predict` and `evaluate` take, trained, from wherever it is."""

from functools import partial
from pathlib import Path

from gensynth.campaign.campaign_folder import viewing
from gensynth.campaign.experiment import EXPERIMENT
from gensynth.data.preprocessing import prepared
from gensynth.errors import InputError
from gensynth.exports.campaign_networks import candidate, candidate_of, weights_of
from gensynth.models.exported import export_in, read_weights, with_weights
from gensynth.plugins import trusted
from gensynth.prediction.classifier import Classifier
from gensynth.prediction.opened import open_classifier, run_of
from gensynth.space import build_source


def classifier_of(model: str | Path, preprocess: str | Path | None = None) -> Classifier:
    """Open a campaign's exported network or candidate, an exported folder or file, or `timm:NAME`.

    Raises:
        InputError: `model` is none of these, or it states no preprocessing.
    """
    word = str(model)
    folder, identity = candidate_of(word)
    if identity:
        return _candidate(Path(folder), identity, word)
    path = Path(word)
    inside = export_in(path)
    if inside is not None:
        return open_classifier(str(inside), _path(preprocess))
    if (path / EXPERIMENT).is_file():
        problem = "the campaign has exported no network yet; name a candidate, DIR:ID"
        raise InputError(word, problem)
    return open_classifier(word, _path(preprocess))


def _path(given: str | Path | None) -> Path | None:
    return None if given is None else Path(given)


def _candidate(folder: Path, identity: str, place: str) -> Classifier:
    """Open a candidate of a campaign with the weights that its last training kept."""
    machine = viewing(folder, same_images=True, trust=trusted())
    machine.require_code()
    rows = [o for o in machine.outcomes if identity in (str(o.number), o.genome_id)]
    if not rows:
        raise InputError(place, f"the campaign has no candidate {identity!r}; `show` lists them")
    kept = weights_of(machine, rows[0])
    if kept is None:
        remedy = f"export {place} --to FOLDER --train trains it again"
        raise InputError(place, f"its weights were not kept; gensynth {remedy}")
    source = candidate(machine, rows[0]).source
    network = with_weights(build_source(source), read_weights(kept.file), place)
    size = source.input_shape[1:]
    data = machine.context.data_at(size)
    prepare = partial(prepared, how=data.preprocessing(size))
    return Classifier(place, prepare, run_of(network), data.class_names)
