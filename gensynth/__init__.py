"""Neural architecture search by generative synthesis, for tiny vision networks."""

from typing import Any

__all__ = ["GenerativeSynthesisSampler"]


def __getattr__(name: str) -> Any:
    """Import what is public no earlier than somebody asks for it: a command line starts fast."""
    if name == "GenerativeSynthesisSampler":
        from gensynth.sampler.optuna_sampler import GenerativeSynthesisSampler

        return GenerativeSynthesisSampler
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
