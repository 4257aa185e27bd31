"""The length of the proxy if the experiment does not state it."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gensynth.api.experiments import embedded
from gensynth.campaign.campaign_folder import driving
from gensynth.campaign.experiment import Experiment, embedded_experiment, read_experiment
from gensynth.campaign.proxy_length import (
    IMAGES,
    LONGEST,
    SHORTEST,
    with_proxy_length,
    with_recorded_length,
)
from tests.support.campaigns import experiment


def unsaid(**proxy: Any) -> Experiment:
    return experiment(proxy=proxy)


@given(st.integers(1, 10**8))
def test_as_many_images_pass_or_the_epochs_are_at_their_end(images: int) -> None:
    proxy = with_proxy_length(unsaid(), images).proxy
    passes = proxy.epochs * proxy.data_share * images
    assert SHORTEST <= proxy.epochs <= LONGEST and 0 < proxy.data_share <= 1
    assert passes <= 1.1 * SHORTEST * IMAGES
    assert passes >= 0.9 * SHORTEST * IMAGES or proxy.epochs == LONGEST


@pytest.mark.parametrize("said", [{"epochs": 3}, {"data_share": 0.5}, {"epochs": 3, "warm_up": 0}])
def test_what_a_file_says_is_kept(said: dict[str, Any]) -> None:
    assert with_proxy_length(unsaid(**said), 10**6) == unsaid(**said)


def test_the_rest_of_the_recipe_is_the_files_own() -> None:
    proxy = with_proxy_length(unsaid(learning_rate=0.3, augment=["crop"]), 10**6).proxy
    assert (proxy.learning_rate, proxy.augment) == (0.3, ("crop",))


def test_a_campaign_notes_its_length_and_keeps_it(tmp_path: Path) -> None:
    with driving(tmp_path, unsaid(), None) as campaign:
        used = campaign.context.experiment.proxy
    assert used.epochs == LONGEST  # Digits are few.
    noted = read_experiment(tmp_path / "experiment.toml")
    assert noted.proxy == used and noted.fidelity == "given"
    assert with_recorded_length(unsaid(), noted).proxy == used
    with driving(tmp_path, unsaid(), None) as again:
        assert again.context.experiment.proxy == used


def test_digits_are_trained_as_ever() -> None:
    digits = embedded_experiment("digits")
    assert with_proxy_length(digits, 1149).proxy == digits.proxy


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("/somewhere/my cats & dogs/", "my-cats-dogs"),
        ("hub:org/pets", "org-pets"),
        ("/", "images"),
        ("digits", "digits"),
        (None, "digits"),
    ],
)
def test_without_a_file_the_campaign_is_called_by_its_images(data: str | None, name: str) -> None:
    assert embedded(data).name == name
