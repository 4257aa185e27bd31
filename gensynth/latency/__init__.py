"""Latency, measured: several networks timed in turn in one run, alone on their machine."""
