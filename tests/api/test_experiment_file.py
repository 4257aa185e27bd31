"""Shorthands of a search, and the experiment file that says the same."""

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import gensynth
from gensynth.api.experiment_file import set_key
from gensynth.api.experiments import changed, embedded, with_keywords
from gensynth.api.shorthands import SHORTHANDS
from gensynth.campaign.campaign_folder import driving
from gensynth.campaign.experiment import Experiment, parse_experiment
from gensynth.campaign.experiment_tables import Finals, LastTraining
from gensynth.errors import InputError
from gensynth.evaluation.outcome import Outcome
from gensynth.executors.inline import run_inline
from tests.support.campaigns import comparable

ALL = {name: each.example for name, each in SHORTHANDS.items()}
NUMBERS = {"max_params": 200_000, "max_latency_ms": 5, "min_top1": 85, "epochs": 20}


def judged(experiment: Experiment) -> tuple[Any, ...]:
    """Return what decides a search, constraints and their limits as they are applied."""
    plain = replace(experiment, constraints={}, folder="", score=experiment.score)
    return plain, experiment.make_indicator()


@pytest.mark.parametrize("given", [{}, ALL, NUMBERS, {"min_top1": "85 %"}])
@pytest.mark.parametrize("data", ["digits", "photos"])
def test_shorthands_and_the_file_that_states_them_are_one_experiment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: str, given: dict[str, Any]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    file = gensynth.new_experiment("some.toml", data=data, trials=7, score="accuracy", **given)
    typed = changed(embedded(data), data, trials=7)
    typed = with_keywords(typed, {"score": "accuracy", **given})
    assert judged(gensynth.read_experiment(file)) == judged(typed)


def test_every_limit_that_a_file_offers_as_a_comment_can_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = gensynth.new_experiment("some.toml").read_text(encoding="utf-8")
    offered = text.replace("\n# [", "\n[").replace("\n# limit", "\nlimit")
    found = parse_experiment(tomllib.loads(offered), "some.toml")
    assert {each.plugin for each in SHORTHANDS.values()} - {""} <= found.constraints.keys()
    found.make_indicator()


def test_images_beside_the_file_are_named_relative_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    file = gensynth.new_experiment("my.toml", data=tmp_path / "photos", image_size=32)
    assert 'path = "photos"' in file.read_text(encoding="utf-8")
    found = gensynth.read_experiment(file)
    assert Path(found.data.path) == tmp_path / "photos" and found.data.image_size == 32
    assert found.name == "photos"


def test_a_file_is_never_replaced_and_a_mistake_writes_none(tmp_path: Path) -> None:
    file = gensynth.new_experiment(tmp_path / "my.toml")
    with pytest.raises(InputError, match="exists already"):
        gensynth.new_experiment(file)
    for given in ({"max_params": "200 kB"}, {"epochs": 0}, {"min_top1": 0.9}):
        with pytest.raises(InputError):
            gensynth.new_experiment(tmp_path / "other.toml", **given)
    written = sorted(path.name for path in tmp_path.iterdir())
    assert written == ["gensynth.schema.json", "my.toml"]


def test_a_floor_replaces_the_reference_and_a_limit_keeps_other_keys() -> None:
    base = embedded("photos")
    tables = {
        "small": {"use": "max_params", "limit": 5_000, "mode": "prefer", "weight": 3.0},
        "top1": {"reference": "prototype", "margin": -2.0},
    }
    found = with_keywords(base, {"constraints": tables, "max_params": "9k", "min_top1": 80})
    small, top1 = found.constraints["small"], found.constraints["top1"]
    assert (small.mode, small.weight, small.options) == ("prefer", 3.0, {"limit": 9_000})
    assert top1.options == {"min": 80} and "max_params" not in found.constraints


def test_epochs_of_a_shorthand_are_the_stated_ones() -> None:
    found = with_keywords(embedded("photos"), {"epochs": 20})
    assert (found.proxy.epochs, found.fidelity) == (20, "given")


def test_an_unknown_keyword_is_named_with_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'max_params'"):
        with_keywords(embedded(None), {"max_parms": 3})


def test_a_key_keeps_its_comment_and_its_place() -> None:
    text = "a = 1  # one\n[t]\nb = 2\n[u]\nb = 3\n"
    assert set_key(text, "u", "b", "x") == 'a = 1  # one\n[t]\nb = 2\n[u]\nb = "x"\n'
    assert set_key(text, "", "a", 4).startswith("a = 4  # one\n[t]\n")


@pytest.mark.slow
def test_a_search_by_shorthands_and_by_the_file_leaves_equal_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given: dict[str, Any] = {
        "max_params": "20k", "max_macs": "1M", "min_top1": 20, "epochs": 1,
        "score": "accuracy", "trials": 2, "executor": "inline", "generator": "random",
    }  # fmt: skip
    file = gensynth.new_experiment("my.toml", data="digits", **given)
    base = changed(embedded("digits"), "digits", trials=2, executor="inline")
    tables = {name: value for name, value in given.items() if name not in ("trials", "executor")}
    assert searched(with_keywords(base, tables), tmp_path / "typed") == searched(
        gensynth.read_experiment(file), tmp_path / "stated"
    )
    assert len(searched(gensynth.read_experiment(file), tmp_path / "stated")) >= 4


def searched(experiment: Experiment, folder: Path) -> list[Outcome]:
    """Return the record of an inline search whose finals are as short as they can be."""
    short = replace(experiment, finals=Finals(1, 1, 1), last_training=LastTraining(1.0))
    with driving(folder, short, None) as campaign:
        run_inline(campaign)
        return comparable(list(campaign.outcomes))
