"""What the fidelity benchmark guesses from half a curve."""

import numpy as np
import pytest

from experiments.benchmarks.fidelity_guesses import power_law


@pytest.mark.parametrize(("a", "b", "c"), [(90.0, 30.0, 1.0), (70.0, 50.0, 0.5), (99.0, 5.0, 2.0)])
def test_a_power_law_is_found_again(a: float, b: float, c: float) -> None:
    """Four points of a law tell its further course."""
    epochs = np.arange(1, 5, dtype=np.float64)
    assert power_law(a - b * epochs**-c, 8) == pytest.approx(a - b * 8**-c, abs=0.2)


def test_a_flat_curve_stays_where_it_is() -> None:
    """Nothing rises out of a curve that does not."""
    assert power_law(np.full(4, 42.0), 8) == pytest.approx(42.0, abs=0.5)
