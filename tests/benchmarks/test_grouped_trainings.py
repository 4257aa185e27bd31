"""The script for a GPU, tried on the CPU."""

import sys

import pytest

from experiments.benchmarks import grouped_trainings


def test_it_times_a_network_both_ways(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--networks", "1", "--rounds", "1", "--members", "2", "--budget-s", "540"]
    monkeypatch.setattr(sys, "argv", ["grouped_trainings", *words])
    grouped_trainings.main()
    out = capsys.readouterr().out
    assert "2 members: median" in out and "candidates a minute" in out
