"""Generators: generative synthesis, the baselines it is compared with, and what they search."""
