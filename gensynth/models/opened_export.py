"""The network of an exported folder, built without running the folder's code where possible.

A folder may come from somebody else. What it describes in `genome.json` is built by the installed
search space; only what cannot be built so is left to the folder's own Python, if the user has
written it or trusts it.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from gensynth.errors import InputError
from gensynth.genome import GENOME, read_genome_file
from gensynth.models.exported import (
    EXPORTED_WEIGHTS,
    code_file,
    exported_source,
    exported_weights,
    input_shape,
    is_own_code,
    load_folder,
    with_weights,
)
from gensynth.models.genomes import Sourced, default_space, read_genome
from gensynth.plugins import names, trusted
from gensynth.space import Task, build_source

if TYPE_CHECKING:
    from torch import nn


def open_export(folder: Path, trust: bool = False) -> "nn.Module":
    """Build the network of an exported folder in eval mode, with its weights.

    Args:
        folder: the exported folder.
        trust: whether its own code may run, where `trusting` has not said so already.

    Raises:
        InputError: the folder is not an export, or only its own code could build the network.
    """
    trust = trust or trusted() or is_own_code(code_file(folder))
    shape, space = input_shape(folder), _space_of(folder / GENOME)
    if shape is not None and space is not None:
        weights = exported_weights(folder)
        rows = {len(tensor) for tensor in weights.values() if tensor.ndim == 2}
        for classes in sorted(rows, reverse=True):
            network = build_source(read_genome(folder / GENOME, Task(*shape, classes)).source)
            found = {name: tensor.shape for name, tensor in network.state_dict().items()}
            if found == {name: tensor.shape for name, tensor in weights.items()}:
                return with_weights(network, weights, str(folder / EXPORTED_WEIGHTS))
    if not trust:
        raise _refused(folder)
    return load_folder(folder)


def exported_network(folder: Path, task: Task) -> Sourced:
    """Return the network of an exported folder with as many outputs as `task` has classes.

    The installed search space builds it from its genome if it can; otherwise the folder's own code
    does, if that is trusted.

    Raises:
        InputError: the folder is not an export, its network takes other channels, or only its own
            code could build it.
    """
    shape, space = input_shape(folder), _space_of(folder / GENOME)
    if shape is not None and space is not None and shape[0] == task.channels:
        return read_genome(folder / GENOME, Task(*shape, task.classes))
    if not (trusted() or is_own_code(code_file(folder))):
        raise _refused(folder)
    source = exported_source(folder, task.classes)
    if source.input_shape[0] != task.channels:
        problem = (
            f"takes images of {source.input_shape[0]} channels, but these have {task.channels}"
        )
        raise InputError(str(folder), problem)
    genome = folder / GENOME
    text = genome.read_text(encoding="utf-8").strip() if genome.is_file() else ""
    return Sourced(code_file(folder).stem, source, text)


def _refused(folder: Path) -> InputError:
    problem = "only its own Python can build this network, which was not run; --trust runs it, if "
    return InputError(str(folder), f"{problem}you trust whoever made the folder")


def _space_of(genome: Path) -> str | None:
    """Return the installed search space, of the same version, that a genome belongs to, if any."""
    if not genome.is_file():
        return None
    try:
        file = read_genome_file(genome.read_bytes(), str(genome))
    except InputError:  # Only the folder's own code could build its network.
        return None
    if file.space not in names("search_space"):
        return None
    same = default_space(file.space, str(genome)).version == file.version
    return file.space if same else None
