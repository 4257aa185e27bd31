"""Generative synthesis as a sampler of any Optuna study."""
