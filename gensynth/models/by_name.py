"""Networks by name: `timm:NAME`, `SPACE:PRESET`, `module:factory`, a genome file, an export."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gensynth.errors import InputError, nearest, unknown
from gensynth.genome import GENOME, from_json, read_genome_file, to_json
from gensynth.models import timm_models
from gensynth.plugins import load, names
from gensynth.space import Replay, SearchSpace, Source, Task, build_source

if TYPE_CHECKING:
    from torch import nn

IMAGENET = Task(channels=3, height=224, width=224, classes=1000)
"""What a network is built for where nothing else is said."""


@dataclass(frozen=True)
class Sourced:
    """A network of one of our spaces: how to build it, and its genome file."""

    space: str
    source: Source
    genome_json: str


@dataclass(frozen=True)
class Model:
    """A built network and the (C, H, W) that it takes."""

    name: str
    module: "nn.Module"
    input_shape: tuple[int, int, int]


def find_model(name: str, task: Task = IMAGENET, folder: Path | None = None) -> Model:
    """Build the network that `name` stands for; `InputError` where it stands for none.

    `module:factory` and an exported folder run the code they name.
    """
    path = Path(name)
    if path.is_dir():
        from gensynth.models.exported import load_folder

        return Model(name, load_folder(path), _folder_input(path, task))
    if path.suffix == ".json" or path.is_file():
        return _built(name, read_genome(path, task).source)
    if ":" not in name:
        raise InputError(name, f"is no file, no folder and no MODEL{_hint(name)}")
    _refuse_misspelt(name)
    source = _named_source(name, task)
    return _built(name, source) if source is not None else _from_factory(name, task, folder)


def reference_source(name: str, space: SearchSpace[Any], task: Task, place: str) -> Source:
    """Say how to build a network that a rule refers to: `timm:NAME`, or a preset of a space.

    It is to be trained, so it comes in the form for that, as in `trainable_source`.
    """
    if ":" not in name and name in space.presets:
        return preset_source(space, name, task)
    source = _named_source(name, task) if ":" in name else None
    if source is None:
        hint = nearest(name, [*space.presets, "timm:NAME"])
        raise InputError(place, f"{name!r} is no preset and no timm network{hint}")
    return _in_trained_form(source)


def trainable_source(name: str, task: Task) -> Source:
    """Say how to build `timm:NAME` or what `trainable_genome` finds for a task, to be trained.

    A network that runs in a narrower form than it is trained in comes in the wider one.
    """
    genome = trainable_genome(name, task)
    if genome is not None:
        return genome.source
    source = _named_source(name, task)
    assert source is not None, "it is timm's"
    return _in_trained_form(source)


def trainable_genome(name: str, task: Task) -> Sourced | None:
    """Find the genome of `SPACE:PRESET`, a genome file or an export; None for `timm:NAME`."""
    exported = Path(name) / GENOME
    if exported.is_file():
        return find_genome(str(exported), task)
    kind, colon, _ = name.partition(":")
    if not colon or Path(name).is_file() or kind in names("search_space"):
        return find_genome(name, task)
    if kind == "timm":
        return None
    raise InputError(name, f"is no timm:NAME, SPACE:PRESET, genome file or export{_hint(name)}")


def _in_trained_form(source: Source) -> Source:
    if source.module == "gensynth.models.timm_models":
        return replace(source, spec={**source.spec, "fused": False})
    return source


def preset_source(space: SearchSpace[Any], preset: str, task: Task) -> Source:
    """Say how to build the network of a preset for a task."""
    return space.source(space.sample(Replay(space.presets[preset])), task)


def find_genome(name: str, task: Task) -> Sourced:
    """Find the genome that `SPACE:PRESET` or a genome file holds, to be built for a task."""
    kind, _, preset = name.partition(":")
    if kind in names("search_space"):
        space = default_space(kind, name)
        if preset not in space.presets:
            hint = nearest(preset, space.presets)
            raise InputError(name, f"space {kind} has no preset {preset!r}{hint}")
        return sourced(space, kind, space.sample(Replay(space.presets[preset])), task)
    path = Path(name)
    if (path / GENOME).is_file():
        remedy = f"export its campaign, or {path / GENOME} with fresh weights"
        raise InputError(name, f"was exported already; {remedy}")
    if not path.is_file():
        raise InputError(name, "is no campaign folder, no SPACE:PRESET and no genome file")
    return read_genome(path, task)


def sourced(space: SearchSpace[Any], name: str, genome: Any, task: Task) -> Sourced:
    """Give what an export needs of a genome."""
    return Sourced(name, space.source(genome, task), to_json(genome, name, space.version))


def read_genome(path: Path, task: Task) -> Sourced:
    """Read a genome file and say how to build its network."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise InputError(str(path), f"cannot be read ({error.strerror})") from None
    file = read_genome_file(text, str(path))
    space = default_space(file.space, str(path))
    genome = from_json(space.genome_type, text, space.version, str(path))
    return sourced(space, file.space, genome, task)


def default_space(name: str, place: str) -> SearchSpace[Any]:
    """Make an installed search space with its default fields.

    Only an installed one: a genome file may name a space, but never code to be imported.
    """
    if name not in names("search_space"):
        raise unknown(place, "search space", name, names("search_space"))
    space: SearchSpace[Any] = load("search_space", name, place)()
    return space


def _named_source(name: str, task: Task) -> Source | None:
    """Look `timm:NAME` and `SPACE:PRESET` up; None where the first word is neither."""
    kind, _, word = name.partition(":")
    if kind == "timm":
        spec: Mapping[str, Any] = {"name": word, "classes": task.classes, "channels": task.channels}
        return Source("gensynth.models.timm_models", spec, (task.channels, task.height, task.width))
    if kind not in names("search_space"):
        return None
    return find_genome(name, task).source


def _built(name: str, source: Source) -> Model:
    return Model(name, build_source(source), source.input_shape)


def _from_factory(name: str, task: Task, folder: Path | None) -> Model:
    from torch import nn

    factory = load("search_space", name, name, folder or Path.cwd())
    try:
        module = factory if isinstance(factory, nn.Module) else factory()
    except (Exception, SystemExit) as error:
        raise InputError(name, f"the factory raised {type(error).__name__}: {error}") from error
    if not isinstance(module, nn.Module):
        raise InputError(name, f"gives {type(module).__name__}, not a torch.nn.Module")
    return Model(name, module, (task.channels, task.height, task.width))


def _refuse_misspelt(name: str) -> None:
    """Refuse what is before the colon where it is nearly `timm` or a space, and no module."""
    kind, _, word = name.partition(":")
    known = ["timm", *names("search_space")]
    near = get_close_matches(kind, known, 1, 0.75)
    if near and kind not in known and find_spec(kind.partition(".")[0]) is None:
        raise InputError(name, f"is no MODEL; did you mean {near[0]}:{word}?")


def _hint(name: str) -> str:
    if timm_models.is_known(name):
        return f"; did you mean 'timm:{name}'?"
    presets = [f"{space}:{preset}" for space in names("search_space") for preset in ("prototype",)]
    return nearest(name, [*presets, "timm:NAME", "module:factory"])


def _folder_input(path: Path, task: Task) -> tuple[int, int, int]:
    from gensynth.models.exported import input_shape

    return input_shape(path) or (task.channels, task.height, task.width)
