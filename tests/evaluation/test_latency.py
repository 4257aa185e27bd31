"""A latency as plain data."""

from dataclasses import replace

from gensynth.evaluation.latency import Interval, Latency


def test_devices_and_rules_of_others_may_use_the_former_names() -> None:
    one = Interval(1.0, 2.0)
    latency = Latency(median_ms=1.5, interval_ms=one, quartiles_ms=one)  # type: ignore[call-arg]
    assert latency == Latency(1.5, one, one)
    assert replace(latency, median_ms=1.2).median == 1.2  # type: ignore[call-arg]
    assert (latency.median_ms, latency.interval_ms, latency.quartiles_ms) == (1.5, one, one)
