from gensynth.generators.optuna_sampler.sampler import (
    GenerativeSynthesisSampler as GenerativeSynthesisSampler,
)

__all__ = ["GenerativeSynthesisSampler"]
