"""What is told of live searches that did not all come equally far."""

import pandas as pd
import pytest

from experiments.benchmarks.live_searches import best_by_training, report


def searches(*lengths: tuple[str, int, int, float]) -> pd.DataFrame:
    """(generator, seed, trainings, value of every one) each."""
    rows = [
        {"generator": name, "seed": seed, "training": k, "best": value, "epochs": 8}
        for name, seed, count, value in lengths
        for k in (range(1, count + 1) if count else [0])
    ]
    return pd.DataFrame(rows)


def test_a_search_that_ended_sooner_keeps_its_best() -> None:
    best = best_by_training(searches(("a", 0, 4, 50.0), ("b", 0, 2, 40.0)))
    assert list(best["b", 0].loc[1:4]) == [40.0] * 4


def test_a_search_without_a_training_counts_as_nothing_feasible() -> None:
    best = best_by_training(searches(("a", 0, 4, 50.0), ("b", 0, 0, float("nan"))))
    assert list(best["b", 0].loc[1:4]) == [float("-inf")] * 4


def test_who_is_ahead_does_not_depend_on_who_came_farthest(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lengths = [("a", seed, count, 50.0) for seed, count in enumerate((12, 9, 9))]
    lengths += [("b", seed, count, 40.0) for seed, count in enumerate((10, 12, 0))]
    report(searches(*lengths), ["a", "b"])
    told = capsys.readouterr().out
    assert "a is ahead of b in 3 of 3 seeds" in told
    assert "@8:   50.00 [50.00, 50.00]" in told
