"""Neural architecture search by generative synthesis, for tiny vision networks."""

from typing import Any

from gensynth.moved import keep_former_names

__all__ = ["GenerativeSynthesisSampler"]

keep_former_names()


def __getattr__(name: str) -> Any:
    """Import what is public no earlier than somebody asks for it: a command line starts fast."""
    if name == "GenerativeSynthesisSampler":
        from gensynth.generators.optuna_sampler.sampler import GenerativeSynthesisSampler

        return GenerativeSynthesisSampler
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
