"""Generators by name, and those that generative synthesis is measured against."""
