from gensynth.sampler.optuna_sampler import (
    GenerativeSynthesisSampler as GenerativeSynthesisSampler,
)

__all__ = ["GenerativeSynthesisSampler"]
