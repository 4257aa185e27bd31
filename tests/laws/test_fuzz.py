"""Any bytes in any file that is read give a value or one clear error; see also fuzz.py."""

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from experiments.benchmarks.fuzz import outcome
from experiments.benchmarks.fuzz_readers import READERS, mutated
from gensynth.campaign.experiment import read_experiment
from gensynth.errors import InputError
from gensynth.serialization import from_plain, loads

QUICK = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.parametrize("name", READERS)
def test_a_good_file_is_read(name: str, tmp_path: Path) -> None:
    if name != "image folder":  # There, the bytes are only the seed of a tree.
        (tmp_path / "good").mkdir()
        READERS[name].read(tmp_path, READERS[name].good(tmp_path / "good"))


@pytest.mark.parametrize("name", READERS)
@given(seed=st.integers(0, 2**32), noise=st.binary(max_size=200), made_up=st.booleans())
@QUICK
def test_any_bytes_give_a_value_or_one_error(
    name: str, tmp_path: Path, seed: int, noise: bytes, made_up: bool
) -> None:
    reader = READERS[name]
    (tmp_path / "good").mkdir(exist_ok=True)
    for old in (tmp_path / "good").iterdir():
        old.unlink()
    good = reader.good(tmp_path / "good")
    data = noise if made_up else mutated(good, reader.words, random.Random(seed))
    word, told = outcome(reader, tmp_path / "run", data)
    assert word in ("value", "error"), told


@pytest.mark.parametrize(
    "text", ["trials = " + "9" * 5000, "x = [" * 3000, '[constraints."a\\nb"]\nuse = 1']
)
def test_tables_that_once_gave_tracebacks(tmp_path: Path, text: str) -> None:
    (tmp_path / "e.toml").write_text(text)
    with pytest.raises(InputError) as caught:
        read_experiment(tmp_path / "e.toml")
    assert str(caught.value).isprintable()


def test_a_number_beyond_all_floats_is_refused() -> None:
    with pytest.raises(InputError, match="expected a number"):
        from_plain(float, loads("1" * 400, "x"), "x")
