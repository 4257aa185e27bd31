"""Answers to requirements that no search was made for, from one campaign."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import gensynth
from gensynth.errors import InputError
from gensynth.genome import read_genome_file
from tests.support.campaigns import experiment


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[gensynth.Campaign]:
    run = tmp_path_factory.mktemp("requirement") / "run"
    yield gensynth.search(experiment(trials=6), out=run, progress=False)


def test_answers_keep_limits_on_costs_exactly_and_state_a_predicted_interval(
    searched: gensynth.Campaign,
) -> None:
    costs = sorted(o.profile.params for o in searched.outcomes if o.profile)
    drawn = searched.generate(4, max_params=costs[1])
    assert 0 < len(drawn) <= 4
    assert all(n.profile and n.profile.params <= costs[1] for n in drawn)
    assert all(0 <= p.low <= p.top1 <= p.high <= 100 for p in drawn.predictions)
    assert not drawn.warnings


def test_a_limit_outside_of_what_was_trained_is_answered_with_a_warning(
    searched: gensynth.Campaign,
) -> None:
    (told,) = searched.generate(2, max_params=10**7).warnings
    assert told.startswith("max_params = 10,000,000 lies outside what the campaign has trained")


def test_an_answer_is_a_genome_file_of_the_space(
    searched: gensynth.Campaign, tmp_path: Path
) -> None:
    drawn = searched.generate(2, max_macs=10**7)
    files = drawn.save(tmp_path / "answers")
    spaces = {read_genome_file(file.read_bytes(), str(file)).space for file in files}
    assert len(files) == len(drawn) and spaces == {searched.experiment.space.use}


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"max_param": 3}, "max_param: unknown limit"),
        ({"max_params": 0}, "max_params: must be above 0"),
        ({"max_params": 1}, "none of about a thousand networks keeps them"),
    ],
)
def test_what_cannot_be_answered_is_said_in_one_line(
    searched: gensynth.Campaign, limits: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        searched.generate(2, **limits)


def test_networks_are_trained_at_the_start_and_as_learned(searched: gensynth.Campaign) -> None:
    drawn = searched.generate(3, train=1)
    assert len(drawn.trained) == len(drawn.trained_before) == 1
    assert all(network.top1 is not None for network in drawn.trained)
