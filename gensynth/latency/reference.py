"""Building the networks that are timed: a reference by name, a candidate with fresh weights."""

from pathlib import Path
from typing import TYPE_CHECKING

from gensynth.errors import InputError
from gensynth.models.by_name import Model, find_model
from gensynth.space import Source, Task, build_source

if TYPE_CHECKING:
    from torch import nn


def find_reference(name: str, task: Task, folder: Path) -> Model:
    """Build a reference without disturbing torch's random state; files are found in `folder`."""
    import torch

    found = str(folder / name) if (folder / name).exists() else name
    try:
        with torch.random.fork_rng(devices=[]):
            return find_model(found, task, folder)
    except InputError as error:
        problem = error.problem if error.place in (name, found) else str(error)
        raise InputError(f"reference {name}", problem) from error


def with_fresh_weights(source: Source) -> "nn.Module":
    """Build a network with fresh weights without disturbing torch's random state."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build_source(source)
