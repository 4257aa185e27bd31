"""Files that `gensynth new` writes: small plugins that run as they stand."""
