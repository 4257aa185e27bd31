"""The simulated clock: when a search has arrived, and what is told of those that have not."""

from itertools import islice
from typing import cast

import numpy as np
import pandas as pd
import pytest

from experiments.benchmarks.simulated_clock import ClockedTrainings, Curves
from experiments.benchmarks.time_to_target import (
    PATIENCE,
    Found,
    Run,
    _restarted,
    arrival,
    horizon,
    table,
)
from gensynth.evaluation.outcome import Outcome
from gensynth.generators.protocol import Proposal
from gensynth.graph.profile import Profile
from gensynth.record import outcome_rows


def run(variant: str, number: int, *found: tuple[float, float], seconds: float = 3600.0) -> Run:
    return Run(variant, number, seconds, 100, 800, 60.0, tuple(Found(*one) for one in found))


def test_the_first_good_enough_network_is_the_arrival() -> None:
    one = run("a", 0, (60.0, 100.0), (120.0, 99.0), (180.0, 101.0), (240.0, 103.0))
    assert arrival(one, 101.0) == 180.0
    assert arrival(one, 104.0) is None


def test_who_never_arrived_counts_as_long_as_it_searched() -> None:
    runs = [run("a", 0, (60.0, 100.0)), run("a", 1, (120.0, 99.5)), run("b", 0), run("b", 1)]
    lines = [[c.strip() for c in line.strip("|").split("|")] for line in table(["a", "b"], runs, 1)]
    assert lines[0] == ["best of all runs 100.00 dB; target 99.00 dB"]
    assert lines[4][:4] == ["a", "1.5", "2 of 2", "1.0"]
    assert lines[5][:4] == ["b", "over 60.0", "0 of 2", "over 40.0"]


@pytest.mark.parametrize(
    ("first", "told"),
    [
        ([(60.0, 98.0)], "a after 1.0, 50.0 times sooner"),
        ([(30.0, 97.0), (3000.0, 99.0)], "a after 50.0, 1.0 times sooner"),
        ([(30.0, 97.0)], "a did not reach the 98.00 dB that b ended with"),
    ],
)
def test_what_the_other_ended_with_the_first_had_sooner(
    first: list[tuple[float, float]], told: str
) -> None:
    other = [run("b", k, (600.0, 90.0), (3000.0, 98.0)) for k in range(3)]
    *_, line = table(["a", "b"], [*(run("a", k, *first) for k in range(3)), *other], 1)
    assert line.endswith(told)


def test_who_found_nothing_is_no_measure() -> None:
    *_, line = table(["a", "b"], [run("a", 0, (60.0, 98.0)), run("b", 0)], 1)
    assert line == "b found nothing feasible in most of its runs"


class Repeating:
    """Proposals that were trained already but for the first two of each beginning."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.count = self.left = 0

    def ask(self) -> Proposal:
        return Proposal({}, 0)

    def tell(self, outcome: Outcome) -> None:
        self.asked.append(outcome.number)

    def train(self, proposal: Proposal, number: int) -> Outcome:
        self.left -= 1
        self.count += self.left >= 0
        return outcome_rows.proposed(number, number, proposal)


def test_a_search_that_repeats_itself_begins_anew_and_goes_on_counting() -> None:
    fake, beginnings = Repeating(), list[int]()

    def make(attempt: int) -> Repeating:
        beginnings.append(attempt)
        fake.left = 2
        return fake

    list(islice(_restarted(make, cast(ClockedTrainings, fake)), 2 * PATIENCE + 5))
    assert beginnings == [0, 1, 2]
    assert fake.asked == list(range(2 * PATIENCE + 5))


def test_a_variant_may_have_a_horizon_of_its_own() -> None:
    assert horizon("tpe, halving@2.5", 1.0) == ("tpe, halving", 2.5)
    assert horizon("gensynth", 1.0) == ("gensynth", 1.0)
    with pytest.raises(SystemExit, match="unknown 'gensinth'"):
        horizon("gensinth", 1.0)
    for hours in ("nan", "-1", "soon"):
        with pytest.raises(SystemExit, match="expected hours above 0"):
            horizon(f"gensynth@{hours}", 1.0)


def test_a_simulated_curve_ends_where_it_should_and_rises_as_a_recorded_one() -> None:
    shapes = [np.array([40.0, 60.0, 70.0]), np.array([70.0, 85.0, 88.0])]
    rows = [
        {"ending": "completed", "curve": shapes[k % 2], "macs": 1e5 if k % 2 else 1e6}
        | {"params": 1000.0, "peak_activation_bytes": 1e4, "cpu_seconds": 9.0}
        for k in range(20)
    ]
    profile = Profile(
        params=1000, macs=100_000, weight_bytes=4000, peak_activation_bytes=10_000, uncounted=()
    )
    curve = Curves(pd.DataFrame(rows)).curve(profile, 86.0)
    assert [line.top1 for line in curve] == pytest.approx([68.0, 83.0, 86.0])
    assert [line.seconds for line in curve] == pytest.approx([3.0, 6.0, 9.0])
