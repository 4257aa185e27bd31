"""Generative synthesis as a sampler for any Optuna study."""
