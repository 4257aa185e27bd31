"""From what a caller gives to an experiment: a file, an `Experiment`, or keywords alone."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from gensynth.api.shorthands import SHORTHANDS, tables_of
from gensynth.campaign.experiment import (
    EXPERIMENT,
    Executor,
    Experiment,
    embedded_experiment,
    parse_experiment,
    read_experiment,
)
from gensynth.campaign.experiment_tables import Plugin
from gensynth.errors import InputError, unknown
from gensynth.serialization import to_plain

Given = str | Path | Experiment | None
"""A TOML file, an experiment, or nothing."""
TABLES = ("proxy", "stopping", "finals", "last_training", "resources")
"""Tables of an experiment whose keys a caller may change one by one."""


def experiment_of(given: Given, data: str | None = None, folder: Path | None = None) -> Experiment:
    """Return the given experiment, else that of the campaign in `folder`, else one for `data`."""
    if isinstance(given, Experiment):
        return given
    if given is not None:
        return read_experiment(Path(given))
    if folder is not None and (folder / EXPERIMENT).exists():
        return read_experiment(folder / EXPERIMENT)
    return embedded(data)


def embedded(data: str | None) -> Experiment:
    """Return the embedded experiment that suits `data`: digits, or a folder of images."""
    if data is None or data == "digits":
        return embedded_experiment("digits")
    word = data.removeprefix("hub:") if data.startswith("hub:") else Path(data).resolve().name
    return embedded_experiment("folder", re.sub(r"[^\w.-]+", "-", word).strip(".-") or "images")


def data_path(given: str) -> str:
    """Return embedded or hub data by its name, and a folder of images by its absolute path."""
    if given.startswith("hub:"):
        return given
    if given != "digits":
        return str(Path(given).resolve()) if given.strip() else given
    if Path(given).is_dir():
        problem = "digits is the embedded data and a folder here: write ./digits, or move elsewhere"
        raise InputError("data", problem)
    return given


def changed(
    settings: Experiment,
    data: str | None = None,
    image_size: int | None = None,
    trials: int | None = None,
    executor: str | None = None,
    seed: int | None = None,
    class_level: int | None = None,
) -> Experiment:
    """Return the experiment with the values that are not None in place of its own."""
    images = settings.data if data is None else replace(settings.data, path=data_path(data))
    images = images if class_level is None else replace(images, class_level=class_level)
    return replace(
        settings,
        data=images if image_size is None else replace(images, image_size=image_size),
        trials=settings.trials if trials is None else trials,
        executor=settings.executor if executor is None else _executor(executor),
        seed=settings.seed if seed is None else seed,
    )


def with_tables(settings: Experiment, tables: Mapping[str, Any]) -> Experiment:
    """Return the experiment with other plugins or constraints, or other keys in its tables.

    `space`, `score`, `generator` and `constraints` replace the experiment's own; of `proxy`,
    `stopping`, `finals`, `last_training` and `resources` only the keys given change.
    """
    given = {name: table for name, table in tables.items() if table is not None}
    if isinstance(given.get("generator"), str):
        settings = replace(settings, generator=Plugin(given.pop("generator")))
    if not given:
        return settings
    plain: Any = to_plain(settings)
    for name in given.keys() & set(TABLES):
        given[name] = {**plain[name], **given[name]}
    if {"epochs", "data_share"} & set(tables.get("proxy") or ()):
        plain["fidelity"] = "given"
    return parse_experiment({**plain, **given}, "search")


def with_keywords(settings: Experiment, given: Mapping[str, Any]) -> Experiment:
    """Return the experiment with other plugins, keys and constraints, as keywords state them.

    Args:
        settings: the experiment.
        given: what `with_tables` takes, and shorthands such as `max_params="200k"`, which are
            applied last.

    Raises:
        InputError: a keyword is unknown, or its value cannot be used.
    """
    known = ("space", "score", "generator", "constraints", *TABLES, *SHORTHANDS)
    for name in given:
        if name not in known:
            raise unknown(name, "keyword", name, known)
    short = {name: value for name, value in given.items() if name in SHORTHANDS}
    settings = with_tables(settings, {k: v for k, v in given.items() if k not in SHORTHANDS})
    plain: Any = to_plain(settings.constraints)
    return with_tables(settings, tables_of(short, plain))


def _executor(word: str) -> Executor:
    for known in get_args(Executor):
        if known == word:
            return known  # type: ignore[no-any-return]
    raise unknown("executor", "executor", word, get_args(Executor))
