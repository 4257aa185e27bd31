"""Find a network: `timm:NAME`, `SPACE:PRESET`, `module:factory`, a genome file, an export."""

import re
from dataclasses import dataclass, replace
from difflib import get_close_matches
from importlib.util import find_spec
from keyword import iskeyword
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gensynth.errors import InputError, nearest, nearest_path
from gensynth.models import timm_models
from gensynth.models.exported import export_in, input_shape
from gensynth.models.factories import built, factory_source
from gensynth.models.genomes import Sourced as Sourced
from gensynth.models.genomes import default_space as default_space
from gensynth.models.genomes import read_genome as read_genome
from gensynth.models.genomes import sourced as sourced
from gensynth.models.opened_export import exported_network, open_export
from gensynth.plugins import load_plugin, names
from gensynth.space import Replay, SearchSpace, Source, Task, build_source

if TYPE_CHECKING:
    from torch import nn

IMAGENET = Task(channels=3, height=224, width=224, classes=1000)
"""The default task of a network."""
EXPECTED = (
    "expected a campaign's DIR or DIR:ID, the folder of an export or a training, SPACE:PRESET, "
    "timm:NAME, module:factory, or a genome file"
)


@dataclass(frozen=True)
class Model:
    """A built network and its name."""

    name: str
    """As it was asked for."""
    module: "nn.Module"
    """The network, in eval mode."""
    input_shape: tuple[int, int, int]
    """(C, H, W) of its input."""


def find_model(name: str, task: Task = IMAGENET, folder: Path | None = None) -> Model:
    """Build the network called `name` for `task`.

    Args:
        name: `timm:NAME`, `SPACE:PRESET`, `module:factory`, a genome file or an exported folder;
            the code of a factory is run, that of an export only if it is trusted.
        task: what the network must do; ignored by factories and exports.
        folder: where the module of a factory is searched first; None = the working directory.

    Raises:
        InputError: there is no such network, or it cannot be built.
    """
    path = Path(name)
    if path.is_dir():
        path = export_in(path) or path
        return Model(name, open_export(path), _folder_input(path, task))
    if path.suffix == ".json" or path.is_file():
        return _built(name, read_genome(path, task).source)
    if ":" not in name:
        raise InputError(name, f"is not a file, a folder or a MODEL{_hint(name)}")
    folder_part = name.rpartition(":")[0]
    if Path(folder_part).is_dir():
        remedy = f"`gensynth export {name} --to FOLDER` writes it to a folder, which is one"
        raise InputError(name, f"a candidate of a campaign is not a MODEL here; {remedy}")
    _refuse_misspelt(name)
    source = _named_source(name, task)
    return _built(name, source) if source is not None else _from_factory(name, task, folder)


def reference_source(
    name: str, space: SearchSpace[Any], task: Task, place: str, folder: Path = Path()
) -> Source:
    """Return the source of the network that a constraint refers to, in its training form.

    Args:
        name: a preset of `space`, or any MODEL that `trainable` knows.
        space: the space of the experiment.
        task: what the network must do.
        place: where the experiment names it, for errors.
        folder: the experiment's, in which files and modules are searched first.

    Raises:
        InputError: there is no such network.
    """
    if ":" not in name and name in space.presets:
        return preset_source(space, name, task)
    found = str(folder / name) if (folder / name).exists() else name
    if ":" not in name and not Path(found).exists():
        raise InputError(place, f"expected a preset or a MODEL, got {name!r}{_hint(name, space)}")
    try:
        return trainable(found, task, folder).source
    except InputError as error:
        raise InputError(place, str(error)) from error


def trainable_source(name: str, task: Task) -> Source:
    """Return the source of the network called `name`, to be trained; see `trainable`."""
    return trainable(name, task).source


def trainable(name: str, task: Task, folder: Path | None = None) -> Sourced:
    """Return the network called `name`, to be trained for `task`, with its genome if it has one.

    Some networks of timm are trained in a wider form than they run in; their source builds it.

    Args:
        name: `timm:NAME`, `SPACE:PRESET`, `module:factory`, a genome file or an exported folder;
            the code of a factory or an export is run.
        task: what the network must do; an export takes images of its own size.
        folder: where the module of a factory is searched first; None = the working directory.

    Raises:
        InputError: there is no such network, or it does not fit the task.
    """
    path = Path(name)
    if (exported := export_in(path)) is not None:
        return exported_network(exported, task)
    kind, colon, word = name.partition(":")
    if not colon or path.is_file() or kind in names("search_space"):
        return find_genome(name, task)
    if kind == "timm":
        return Sourced(identifier(word), _in_training_form(_timm_source(name, task)))
    _refuse_misspelt(name)
    source = factory_source(name, task, folder or Path.cwd())
    return Sourced(identifier(source.spec["name"]), source)


def identifier(name: str) -> str:
    """Return a name as that of a Python function.

    >>> identifier("mobilenetv3_large_100+width0.5")
    'mobilenetv3_large_100_width0_5'
    """
    plain = re.sub(r"\W+", "_", name)
    return plain if plain.isidentifier() and not iskeyword(plain) else f"network_{plain}"


def _in_training_form(source: Source) -> Source:
    if source.module == timm_models.__name__:
        return replace(source, spec={**source.spec, "fused": False})
    return source


def preset_source(space: SearchSpace[Any], preset: str, task: Task) -> Source:
    """Return the source of the network of a preset for a task."""
    return space.source(space.sample(Replay(space.presets[preset])), task)


def find_genome(name: str, task: Task) -> Sourced:
    """Return the genome of `SPACE:PRESET` or a genome file, to be built for `task`.

    Raises:
        InputError: there is no such genome.
    """
    kind, _, preset = name.partition(":")
    if kind in names("search_space"):
        space = default_space(kind, name)
        if preset not in space.presets:
            hint = nearest(preset, space.presets)
            raise InputError(name, f"space {kind} has no preset {preset!r}{hint}")
        return sourced(space, kind, space.sample(Replay(space.presets[preset])), task)
    path = Path(name)
    if not path.is_file():
        near = nearest_path(path) or f"; {EXPECTED}"
        raise InputError(name, EXPECTED if path.exists() else f"does not exist{near}")
    return read_genome(path, task)


def _named_source(name: str, task: Task) -> Source | None:
    """Return the source of `timm:NAME` or `SPACE:PRESET`; None if `name` is neither."""
    kind, _, _ = name.partition(":")
    if kind == "timm":
        return _timm_source(name, task)
    if kind not in names("search_space"):
        return None
    return find_genome(name, task).source


def _timm_source(name: str, task: Task) -> Source:
    word = name.partition(":")[2]
    spec: dict[str, Any] = {"name": word, "classes": task.classes, "channels": task.channels}
    if timm_models.needs_size(word, task.height, task.width):
        spec["image_size"] = [task.height, task.width]
    return Source(timm_models.__name__, spec, (task.channels, task.height, task.width))


def _built(name: str, source: Source) -> Model:
    return Model(name, build_source(source), source.input_shape)


def _from_factory(name: str, task: Task, folder: Path | None) -> Model:
    from torch import nn

    found = load_plugin("search_space", name, name, folder or Path.cwd())
    module = found if isinstance(found, nn.Module) else built(found, task, name)
    return Model(name, module, (task.channels, task.height, task.width))


def _refuse_misspelt(name: str) -> None:
    """Refuse a name whose prefix is not a module but resembles `timm` or a space."""
    kind, _, word = name.partition(":")
    known = ["timm", *names("search_space")]
    near = get_close_matches(kind, known, 1, 0.75)
    if near and kind not in known and find_spec(kind.partition(".")[0]) is None:
        raise InputError(name, f"is not a MODEL; did you mean {near[0]}:{word}?")


def _hint(name: str, space: SearchSpace[Any] | None = None) -> str:
    if near := nearest_path(name):
        return near
    if timm_models.is_known(name):
        return f"; did you mean 'timm:{name}'?"
    presets = (
        [f"{each}:prototype" for each in names("search_space")] if not space else [*space.presets]
    )
    return nearest(name, [*presets, "timm:NAME", "module:factory"])


def _folder_input(path: Path, task: Task) -> tuple[int, int, int]:
    return input_shape(path) or (task.channels, task.height, task.width)
