"""Networks by name: `timm:NAME`, `SPACE:PRESET`, `module:factory`, a genome file, an export."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gensynth.errors import InputError, nearest
from gensynth.genome import from_json, read_genome_file
from gensynth.plugins import load, names
from gensynth.space import Replay, SearchSpace, Source, Task, make

if TYPE_CHECKING:
    from torch import nn

IMAGENET = Task(channels=3, height=224, width=224, classes=1000)
"""What a network is built for where nothing else is said."""


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
        from gensynth.export import load_folder

        return Model(name, load_folder(path), _folder_input(path, task))
    if path.suffix == ".json" or path.is_file():
        return _built(name, genome_file_source(path, task))
    if ":" not in name:
        raise InputError(name, f"is no file, no folder and no MODEL{_hint(name)}")
    source = _named_source(name, task)
    return _built(name, source) if source is not None else _from_factory(name, task, folder)


def reference_source(name: str, space: SearchSpace[Any], task: Task, place: str) -> Source:
    """Say how to build a network that a rule refers to: `timm:NAME`, or a preset of a space."""
    if ":" not in name and name in space.presets:
        return preset_source(space, name, task)
    source = _named_source(name, task) if ":" in name else None
    if source is None:
        hint = nearest(name, [*space.presets, "timm:NAME"])
        raise InputError(place, f"{name!r} is no preset and no timm network{hint}")
    return source


def preset_source(space: SearchSpace[Any], preset: str, task: Task) -> Source:
    """Say how to build the network of a preset for a task."""
    return space.source(space.sample(Replay(space.presets[preset])), task)


def genome_file_source(path: Path, task: Task) -> Source:
    """Read a genome file and say how to build its network."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise InputError(str(path), f"cannot be read ({error.strerror})") from None
    file = read_genome_file(text, str(path))
    space = default_space(file.space, str(path))
    genome = from_json(space.genome_type, text, space.version, str(path))
    return space.source(genome, task)


def default_space(name: str, place: str) -> SearchSpace[Any]:
    """Make an installed search space with its default fields."""
    space: SearchSpace[Any] = load("search_space", name, place)()
    return space


def _named_source(name: str, task: Task) -> Source | None:
    """Look `timm:NAME` and `SPACE:PRESET` up; None where the first word is neither."""
    kind, _, word = name.partition(":")
    if kind == "timm":
        spec: Mapping[str, Any] = {"name": word, "classes": task.classes, "channels": task.channels}
        return Source("gensynth.peers", spec, (task.channels, task.height, task.width))
    if kind not in names("search_space"):
        return None
    space = default_space(kind, name)
    if word not in space.presets:
        raise InputError(name, f"space {kind} has no preset {word!r}{nearest(word, space.presets)}")
    return preset_source(space, word, task)


def _built(name: str, source: Source) -> Model:
    return Model(name, make(source), source.input_shape)


def _from_factory(name: str, task: Task, folder: Path | None) -> Model:
    from torch import nn

    factory = load("search_space", name, name, folder or Path.cwd())
    try:
        module = factory if isinstance(factory, nn.Module) else factory()
    except Exception as error:
        raise InputError(name, f"the factory raised {type(error).__name__}: {error}") from error
    if not isinstance(module, nn.Module):
        raise InputError(name, f"gives {type(module).__name__}, not a torch.nn.Module")
    return Model(name, module, (task.channels, task.height, task.width))


def _hint(name: str) -> str:
    presets = [f"{space}:{preset}" for space in names("search_space") for preset in ("prototype",)]
    return nearest(name, [*presets, "timm:NAME", "module:factory"])


def _folder_input(path: Path, task: Task) -> tuple[int, int, int]:
    from gensynth.export import input_shape

    return input_shape(path) or (task.channels, task.height, task.width)
