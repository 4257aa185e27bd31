"""Generators by name: an entry point, or the import path of a generator or an Optuna sampler."""

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gensynth.errors import InputError, nearest
from gensynth.generators.problem import Problem
from gensynth.generators.protocol import Generator
from gensynth.plugins import load_plugin


def make_generator(
    use: str,
    options: Mapping[str, Any],
    problem: Problem,
    seed: int,
    place: str,
    folder: Path | None = None,
) -> Generator:
    """Make the generator that `use` names, with its options; Optuna sampler classes are adapted.

    Raises `InputError` for an unknown name or option, or an unusable value.
    """
    maker = load_plugin("generator", use, place, folder)
    if isinstance(maker, type):
        from gensynth.generators.optuna_samplers import adapt  # Optuna takes a second to import.

        maker = adapt(maker)
    parameters = inspect.signature(maker).parameters
    known = [name for name, p in parameters.items() if p.kind in _NAMED]
    open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    for name in options:
        if name not in known and not open_ended:
            raise InputError(f"{place}.{name}", f"unknown option{nearest(name, known[2:])}")
    try:
        generator: Generator = maker(problem, seed, **options)
    except InputError:
        raise
    except (TypeError, ValueError) as error:
        raise InputError(place, f"{use}: {error}") from error
    return generator


_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
