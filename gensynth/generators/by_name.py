"""Generators by name: an entry point, an Optuna sampler by import path, or one's own."""

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gensynth.errors import InputError, nearest
from gensynth.generators.problem import Problem
from gensynth.generators.protocol import Generator
from gensynth.plugins import load


def make_generator(
    use: str,
    options: Mapping[str, Any],
    problem: Problem,
    seed: int,
    place: str,
    folder: Path | None = None,
) -> Generator:
    """Make the generator `use` with its options; an Optuna sampler class is wrapped.

    Raises `InputError` for an unknown name or option, or one with an unusable value.
    """
    maker = load("generator", use, place, folder)
    if hasattr(maker, "sample_relative"):
        from gensynth.generators.optuna_samplers import of_sampler

        maker = of_sampler(maker)
    known = [name for name, p in inspect.signature(maker).parameters.items() if p.kind in _NAMED]
    open_ended = any(p.kind is p.VAR_KEYWORD for p in inspect.signature(maker).parameters.values())
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
