"""Devices whose latency is measured without owning one; they enter by `gensynth.devices`."""
