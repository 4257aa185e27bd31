"""Files that `gensynth new` writes: small plugins that run without changes."""
