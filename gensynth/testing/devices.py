"""The laws of devices that measure latency."""

from pathlib import Path
from typing import Any

import torch

from gensynth.evaluation.latency import Latency, Question, unit_of_device
from gensynth.latency.device import ConfirmsLatency, Device, ForeseesLatency
from gensynth.latency.job import LatencyJob
from gensynth.space import Source
from gensynth.testing.check import Check, Laws, check_table, expect, one_line
from gensynth.testing.networks import SHAPE, TASK, candidates

REFERENCE = "gensynth.testing.networks:reference"


class _Asked(Question):
    """A question whose runtime is settled, as the device may not have a name yet."""

    def __post_init__(self) -> None:
        """Take the fields as they are."""


def check_device(device: Device, threads: int = 1) -> list[Check]:
    """Check a device on small networks, as far as it can measure on this machine."""
    laws = Laws()
    check_table(laws, device)
    with laws.law("runtime('') names its own runtime, and that name means the same"):
        own = device.runtime("")
        expect(isinstance(own, str) and bool(own), f"returned {own!r}")
        expect(device.runtime(own) == own, f"it does not accept {own!r}")
    with laws.law("a runtime that it does not have is an InputError with the place `runtime`"):
        _check_unknown(device)
    if not laws.hold:
        return laws.checks
    plain = _Asked(own, threads, device="device")
    paired = _Asked(own, threads, device="device", reference=REFERENCE)
    ready = False
    with laws.law("check(...) passes, or raises an InputError of one line"), one_line():
        for question in (plain, paired):
            device.check(question, TASK, Path())
        ready = True
    if ready:
        _check_answers(laws, device, plain, paired)
    return laws.checks


def _check_unknown(device: Device) -> None:
    with one_line(place="runtime"):
        answer = device.runtime("no such runtime")
        expect(False, f"returned {answer!r}")


def _check_answers(laws: Laws, device: Device, plain: Question, paired: Question) -> None:
    before = torch.get_rng_state()
    with laws.law("measure(job) returns a latency, with intervals around its median"):
        _check_latency(device, device.measure(_job(plain)))
    with laws.law("a question with a reference is answered with a ratio"):
        latency = device.measure(_job(paired))
        _check_latency(device, latency)
        _check_ratio(latency)
    with laws.law("it leaves torch's random state alone: it decides what a search finds next"):
        expect(bool((torch.get_rng_state() == before).all()), "it draws from it")
    if isinstance(device, ForeseesLatency):
        with laws.law("foresee_latency(...) returns the same for the same graph"):
            for graph in [candidate.graph for candidate in candidates()][::5]:
                first, again = (
                    device.foresee_latency(paired, graph, TASK, Path()) for _ in range(2)
                )
                expect(first == again, "the predictions differ")
                _check_latency(device, first)
    if isinstance(device, ConfirmsLatency):
        with laws.law("confirm_latency(job) returns a latency, and a ratio to the reference"):
            latency = device.confirm_latency(_job(paired))
            _check_latency(device, latency)
            _check_ratio(latency)


def _job(question: Question) -> LatencyJob:
    return LatencyJob(Source("gensynth.testing.networks", {}, SHAPE), question, TASK)


def _check_latency(device: object, latency: Any) -> None:
    expect(isinstance(latency, Latency), f"returned {type(latency).__name__}")
    low, high = latency.interval.low, latency.interval.high
    expect(latency.median > 0, f"a median of {latency.median}")
    expect(low <= latency.median <= high, f"{latency.median} is not in {low} to {high}")
    unit = unit_of_device(device)
    expect(latency.unit == unit, f"the unit is {latency.unit}, but the device states {unit}")
    expect(bool(latency.machine), "`machine` does not say where it was measured")


def _check_ratio(latency: Latency) -> None:
    interval = latency.ratio_interval
    expect(latency.ratio is not None and interval is not None, "no ratio")
    if latency.ratio is not None and interval is not None:
        low, high = interval.low, interval.high
        expect(0 < low <= latency.ratio <= high, f"{latency.ratio} is not in {low} to {high}")
