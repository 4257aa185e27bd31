"""Networks by name: presets, genome files, exported folders, `module:factory`, and timm's."""

from gensynth.models.by_name import find_model as find_model
