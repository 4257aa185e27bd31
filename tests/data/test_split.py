import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gensynth.data.split import stratified
from gensynth.errors import InputError

COUNTS = st.lists(st.integers(3, 60), min_size=2, max_size=6)
SHARES = st.tuples(st.floats(0.05, 0.45), st.floats(0.05, 0.45))


@given(COUNTS, SHARES, st.integers(0, 5))
def test_splits_are_disjoint_complete_and_stratified(
    counts: list[int], shares: tuple[float, float], seed: int
) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    names = [str(label) for label in range(len(counts))]
    wanted = dict(zip(("validation", "test"), shares, strict=True))
    parts = stratified(labels, names, wanted, seed)
    together = np.concatenate(list(parts.values()))
    assert sorted(together) == list(range(len(labels)))
    for name, share in wanted.items():
        for label, count in enumerate(counts):
            got = int((labels[parts[name]] == label).sum())
            assert got >= 1
            assert abs(got - share * count) <= 1
    assert set(labels[parts["train"]]) == set(range(len(counts)))


def test_seed_decides_and_nothing_else() -> None:
    labels = np.repeat(np.arange(3), 20)
    one, same, other = (stratified(labels, "abc", {"test": 0.3}, seed) for seed in (0, 0, 1))
    assert np.array_equal(one["test"], same["test"])
    assert not np.array_equal(one["test"], other["test"])


def test_a_class_too_small_for_all_splits_is_named() -> None:
    labels = np.array([0, 0, 0, 1, 1])
    with pytest.raises(InputError, match="class 'dog': expected at least 3 images"):
        stratified(labels, ["cat", "dog"], {"validation": 0.2, "test": 0.2}, 0)
