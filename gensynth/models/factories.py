"""Networks of one's own: `module:factory` builds one, and is told what it must do.

`make(spec)` builds one with fresh weights, so a `Source` can name this module. The factory's module
is imported, which runs its code; its name comes from the user's command line or experiment only.
"""

import inspect
from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gensynth.errors import InputError
from gensynth.models.exported import CLASS_WORDS, network_of
from gensynth.plugins import append_import_path, load_plugin
from gensynth.space import Source, Task

if TYPE_CHECKING:
    from torch import nn

WORDS = {
    "classes": CLASS_WORDS,
    "channels": ("channels", "in_chans", "in_channels"),
    "image_size": ("image_size", "img_size", "size"),
    "task": ("task",),
}
"""Names of the parameters through which a factory is told each part of its task."""


def make(spec: Mapping[str, Any]) -> "nn.Module":
    """Build a network by a factory, with fresh weights.

    Args:
        spec: `name`, which is `module:factory`; and `task`, the fields of a `Task`.

    Raises:
        InputError: there is no such factory, or it cannot build the network.
    """
    name, task = str(spec["name"]), Task(**spec["task"])
    return built(_factory(name, None), task, name)


def factory_source(name: str, task: Task, folder: Path) -> Source:
    """Return the source of the network that the factory `name` builds for `task`.

    Args:
        name: `module:factory`.
        task: what the network must do.
        folder: where the module is searched first; whoever builds the source imports it from there.

    Raises:
        InputError: there is no such factory, or its network does not fit the task.
    """
    name = importable(name)
    found = _factory(name, folder)
    append_import_path(folder)
    hidden = True
    with suppress(InputError):  # The other module may lack the factory, or fail.
        hidden = _factory(name, None) is not found
    if hidden:
        problem = "another module of this name is installed and would be imported; rename the file"
        raise InputError(name, problem)
    spec = {"name": name, "task": asdict(task)}
    source = Source(__name__, spec, (task.channels, task.height, task.width))
    require_classes(built(found, task, name), source.input_shape, task.classes, name)
    return source


def importable(name: str) -> str:
    """Return `folder/file.py:factory` as Python imports it.

    >>> importable("nets/mine.py:network")
    'nets.mine:network'
    """
    module, _, attribute = name.partition(":")
    return f"{module.removesuffix('.py').replace('/', '.')}:{attribute}"


def built(found: Any, task: Task, place: str) -> "nn.Module":
    """Return the network that a factory builds for `task`; a network itself is copied.

    Raises:
        InputError: the factory fails, or builds something else; `place` names it.
    """
    from torch import nn

    if isinstance(found, nn.Module):
        return deepcopy(found)
    if not callable(found):
        problem = f"expected a function that builds a network, got {type(found).__name__}"
        raise InputError(place, problem)
    return built_with_keywords(found, task, place)[0]


def built_with_keywords(
    factory: Callable[..., Any], task: Task, place: str
) -> tuple["nn.Module", dict[str, Any]]:
    """Return the network that a factory builds for `task`, and the keywords that it was passed.

    A factory that takes any keyword, as those of torchvision do, is passed `num_classes` as well if
    it can use that.

    Raises:
        InputError: the factory fails, or builds something else; `place` names it.
    """
    keywords = arguments(factory, task)
    takes_any = "VAR_KEYWORD" in _parameters(factory).values()
    if takes_any and not keywords.keys() & set(CLASS_WORDS):
        more = {**keywords, "num_classes": task.classes}
        with suppress(InputError):
            return network_of(partial(factory, **more), place), more
    return network_of(partial(factory, **keywords), place), keywords


def arguments(factory: Callable[..., Any], task: Task) -> dict[str, Any]:
    """Return the parts of `task` that a factory takes, by the names of its parameters.

    >>> arguments(lambda num_classes, width=8: ..., Task(3, 32, 32, 10))
    {'num_classes': 10}
    """
    values = {
        "classes": task.classes,
        "channels": task.channels,
        "image_size": task.height if task.height == task.width else (task.height, task.width),
        "task": task,
    }
    known = {word: values[part] for part, words in WORDS.items() for word in words}
    return {name: known[name] for name in _parameters(factory) if name in known}


def _parameters(factory: Callable[..., Any]) -> dict[str, Any]:
    """Return the kinds of the parameters that can be passed by name, and of `**keywords`."""
    try:
        found = inspect.signature(factory).parameters
    except (TypeError, ValueError):  # Some callables written in C have no signature.
        return {}
    kinds = ("POSITIONAL_OR_KEYWORD", "KEYWORD_ONLY", "VAR_KEYWORD")
    return {name: p.kind.name for name, p in found.items() if p.kind.name in kinds}


def require_classes(
    network: "nn.Module", shape: tuple[int, int, int], classes: int, place: str
) -> None:
    """Raise `InputError` unless the network gives one logit per class for images of `shape`."""
    import torch

    try:
        with torch.no_grad():
            logits = network.eval()(torch.zeros(2, *shape))
    except Exception as error:
        size = " x ".join(map(str, shape))
        problem = f"the network cannot run on {size} images ({type(error).__name__}: {error})"
        raise InputError(place, problem) from error
    found = tuple(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
    if found != (2, classes):
        expected = f"expected logits of shape (2, {classes}) for 2 images, got {found}"
        remedy = "let the factory take `classes`, `channels` and `image_size` as needed"
        raise InputError(place, f"{expected}; {remedy}")


def _factory(name: str, folder: Path | None) -> Any:
    return load_plugin("search_space", name, name, folder)
