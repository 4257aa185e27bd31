"""Open a trained network, with its preprocessing and its classes, from wherever it is."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gensynth.data.preprocessing import Preprocessing, prepared
from gensynth.errors import InputError, nearest_path
from gensynth.formats import Format, Run, brief
from gensynth.formats import formats as named_formats
from gensynth.formats import onnx as onnx_format
from gensynth.formats import pt2 as pt2_format
from gensynth.formats.tflite import Tflite
from gensynth.models.exported import CONFIG, EXPORTED_WEIGHTS, input_shape, require_own_program
from gensynth.models.opened_export import open_export
from gensynth.models.timm_pretrained import pretrained
from gensynth.prediction.classifier import Classifier
from gensynth.serialization import from_plain, loads, read_file, to_plain

if TYPE_CHECKING:
    from torch import Tensor, nn

Facts = tuple[dict[str, Any], tuple[str, ...]]
"""The preprocessing as plain data, and the names of the classes."""
FORMATS = {".onnx": "onnx", ".pt2": "pt2", ".pte": "executorch", ".tflite": "tflite"}
"""The format of a file, by its suffix."""
TRIED = 8
"""Images of noise on which a network is tried when it is opened."""
LEAST = 1e-30
"""Probabilities below it are taken for it."""
EXPECTED = (
    "expected an exported folder, a file of one (.onnx, .pt2, .pte, .tflite), a campaign's DIR or "
    "DIR:ID, or timm:NAME"
)


def open_classifier(model: str, preprocess: Path | None = None) -> Classifier:
    """Open an exported folder, an exported file, or a network of timm with its weights.

    Args:
        model: the folder, the file, or `timm:NAME`.
        preprocess: the `config.json` that describes the preprocessing, if the model does not.

    Raises:
        InputError: it is none of these, cannot be read, or states no preprocessing.
    """
    path = Path(model)
    if model.startswith("timm:"):
        return Classifier(model, *_timm(model.partition(":")[2], preprocess))
    if path.is_dir():
        facts = folder_facts(path) if preprocess is None else facts_of(preprocess)
        return _classifier(model, facts, run_of(open_export(path)), input_shape(path))
    if path.suffix not in FORMATS:
        near = nearest_path(path) or f"; {EXPECTED}"
        raise InputError(model, EXPECTED if path.exists() else f"does not exist{near}")
    if not path.is_file():
        raise InputError(model, f"does not exist{nearest_path(path)}")
    format_ = _format_of(path)
    require_own_program(path)
    facts = facts_of(preprocess) if preprocess is not None else _file_facts(path)
    return _classifier(model, facts, _run_file(format_, path), None)


def _format_of(path: Path) -> Format:
    """Return the format of a file; what writes it need not be installed to run a `.tflite`."""
    return Tflite() if path.suffix == ".tflite" else named_formats([FORMATS[path.suffix]])[0]


def folder_facts(folder: Path) -> Facts:
    """Return the preprocessing and the classes that an exported folder states.

    Raises:
        InputError: it states none, as those of earlier versions.
    """
    if not (folder / EXPORTED_WEIGHTS).is_file() or not (folder / CONFIG).is_file():
        raise InputError(str(folder), EXPECTED)
    return facts_of(folder / CONFIG)


def facts_of(config: Path) -> Facts:
    """Return the preprocessing and the classes that a `config.json` states."""
    try:
        data = loads(read_file(config), str(config))
    except OSError as error:
        raise InputError(str(config), f"cannot be read ({error.strerror})") from None
    if not isinstance(data, dict) or "preprocessing" not in data:
        raise InputError(str(config), f"states no preprocessing; {_REMEDY}")
    names = data.get("label_names")
    return _checked(data["preprocessing"], names, str(config))


def run_of(network: "nn.Module") -> Run:
    """Return a function that runs a network in eval mode."""
    import torch

    network.eval()

    def run(images: "Tensor") -> "Tensor":
        with torch.no_grad():
            logits: Tensor = network(images)
        return logits

    return run


_REMEDY = (
    "write its export anew, or describe it in a config.json, as exports have one, and name that by "
    "--preprocess"
)


def _checked(how: Any, names: Any, place: str) -> Facts:
    value = from_plain(Preprocessing, how, f"{place}: preprocessing: ")
    if value.channels not in (1, 3) or not len(value.mean) == len(value.std) == value.channels:
        problem = f"expected 1 or 3 channels, got {value.channels}, with as many mean and std"
        raise InputError(f"{place}: preprocessing", problem)
    classes = from_plain(tuple[str, ...], names, f"{place}: label_names: ")
    plain: Any = to_plain(value)
    return plain, classes


def _file_facts(path: Path) -> Facts:
    """Return what the metadata of a file states, or the folder of an export around it."""
    facts: Mapping[str, str] = {}
    if path.suffix == ".onnx":
        facts = onnx_format.onnx_metadata(path)
    elif path.suffix == ".pt2":
        facts = pt2_format.pt2_metadata(path)
    elif (path.parent / EXPORTED_WEIGHTS).is_file():  # ExecuTorch's and TFLite's have no metadata.
        return folder_facts(path.parent)
    if "preprocessing" not in facts or "classes" not in facts:
        raise InputError(str(path), f"states no preprocessing; {_REMEDY}")
    how, names = (loads(facts[name], str(path)) for name in ("preprocessing", "classes"))
    return _checked(how, names, str(path))


def _run_file(format_: Format, path: Path) -> Run:
    try:
        return format_.open(path)
    except InputError:
        raise
    except Exception as error:
        raise InputError(str(path), f"cannot be opened as {format_.name} ({error})") from None


def _classifier(
    model: str, facts: Facts, run: Run, shape: tuple[int, int, int] | None
) -> Classifier:
    how = from_plain(Preprocessing, facts[0], model)
    expected = (how.channels, *how.size)
    if shape is not None and shape != expected:
        problem = f"takes images of {shape}, but its preprocessing makes {expected}"
        raise InputError(model, problem)
    run = _tried(run, expected, facts[1], model)
    return Classifier(model, partial(prepared, how=how), run, facts[1])


def _tried(run: Run, shape: tuple[int, int, int], classes: Sequence[str], model: str) -> Run:
    """Return what gives the logits of a network, which may itself end with the probabilities.

    Raises:
        InputError: the network does not take images of `shape`, or has other classes.
    """
    import torch

    images = torch.randn(TRIED, *shape, generator=torch.Generator().manual_seed(0))
    try:
        outputs = run(images)
        found = tuple(outputs.shape)
    except InputError as error:
        raise InputError(model, str(error)) from None
    except Exception as error:
        problem = f"cannot run on the images of {shape} that its preprocessing makes"
        raise InputError(model, f"{problem} ({brief(error)})") from None
    if found != (TRIED, len(classes)):
        problem = f"gives outputs of shape {found} for {TRIED} images, but {len(classes)} classes"
        raise InputError(model, f"{problem} are named: expected ({TRIED}, {len(classes)})")
    shares = bool((outputs >= 0).all()) and bool(((outputs.sum(1) - 1).abs() < 0.01).all())
    return (lambda images: run(images).clamp(min=LEAST).log()) if shares else run


def _timm(name: str, preprocess: Path | None) -> tuple[Any, Run, tuple[str, ...]]:
    network, prepare, classes = pretrained(name)
    if preprocess is not None:
        given, classes = facts_of(preprocess)
        how = from_plain(Preprocessing, given, str(preprocess))
        prepare = partial(prepared, how=how)
        _tried(run_of(network), (how.channels, *how.size), classes, f"timm:{name}")
    return prepare, run_of(network), classes
