"""Networks by name: presets, genome files, exported folders, `module:factory`, timm."""
