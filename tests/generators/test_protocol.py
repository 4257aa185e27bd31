from gensynth.generators.evolution import Evolution
from gensynth.generators.protocol import CountsRejections
from gensynth.generators.random import RandomGenerator
from gensynth.generators.synthesis.generator import Synthesis, SynthesisOptions
from tests.support.synthetic import Synthetic


def test_generative_synthesis_counts_its_rejections() -> None:
    generator = Synthesis(Synthetic(), 0, SynthesisOptions(seeds=16))
    assert isinstance(generator, CountsRejections)
    assert generator.rejections == {}
    generator.ask()
    assert generator.rejections["max_params"] > 0


def test_a_generator_need_not_count_rejections() -> None:
    for generator in (RandomGenerator(Synthetic(), 0), Evolution(Synthetic(), 0)):
        assert not isinstance(generator, CountsRejections)
