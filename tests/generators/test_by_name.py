import optuna
import pytest

from gensynth.errors import InputError
from gensynth.generators.by_name import make_generator
from gensynth.generators.evolution import Evolution
from gensynth.generators.optuna_samplers import OptunaGenerator
from gensynth.generators.synthesis.generator import Synthesis
from tests.support.synthetic import Synthetic


def test_installed_generators_are_made_with_their_options() -> None:
    generator = make_generator("evolution", {"population": 7}, Synthetic(), 0, "generator")
    assert isinstance(generator, Evolution) and generator.alive.maxlen == 7
    generator = make_generator("gensynth", {"seeds": 7}, Synthetic(), 0, "generator")
    assert isinstance(generator, Synthesis) and generator.options.seeds == 7


def test_an_optuna_sampler_class_is_adapted() -> None:
    use = "optuna.samplers:TPESampler"
    generator = make_generator(use, {"n_startup_trials": 3}, Synthetic(), 0, "generator")
    assert isinstance(generator, OptunaGenerator)
    assert isinstance(generator.study.sampler, optuna.samplers.TPESampler)


def test_an_unknown_option_is_named_with_the_nearest_one() -> None:
    with pytest.raises(InputError, match=r"generator\.populaton: .*population"):
        make_generator("evolution", {"populaton": 7}, Synthetic(), 0, "generator")


def test_an_unusable_value_is_one_line() -> None:
    with pytest.raises(InputError, match="generator: evolution: "):
        make_generator("evolution", {"population": "many"}, Synthetic(), 0, "generator")
