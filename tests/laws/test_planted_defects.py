"""The benchmarks that look for damage notice damage: defects are planted for them to find."""

import pytest

from experiments.benchmarks.planted_defects import DEFECTS, noticed
from tests.support.systems import linux


def test_the_fuzzer_notices_a_reader_that_accepts_garbage() -> None:
    assert noticed(DEFECTS["unknown fields are ignored"]).startswith("fuzz.py, outcome: garbage")


@linux
@pytest.mark.slow
def test_the_audit_notices_a_row_that_was_altered() -> None:
    assert "altered: " in noticed(DEFECTS["every third row has a cut curve and a top-1 of 0"])


@linux
@pytest.mark.record
@pytest.mark.parametrize("name", DEFECTS)
def test_every_planted_defect_is_noticed(name: str) -> None:
    """All of them; `python -m experiments.benchmarks.planted_defects` prints by what."""
    assert noticed(DEFECTS[name])
