import numpy as np

from gensynth.generators.synthesis.reactions import correction


def heard(count: int, seed: int = 0) -> list[dict[str, float]]:
    rng = np.random.default_rng(seed)
    return [{"a": float(x), "b": float(y)} for x, y in rng.normal(size=(count, 2))]


def test_a_reaction_that_tells_the_error_corrects_it() -> None:
    known, asked = heard(60), heard(20, seed=1)
    errors = np.array([2 * some["a"] for some in known])
    found = correction(known, errors, asked)
    truth = np.array([2 * some["a"] for some in asked])
    assert np.abs(found - truth).mean() < 0.4 * np.abs(truth).mean()


def test_chance_is_hardly_believed() -> None:
    known, asked = heard(12), heard(20, seed=1)
    errors = np.random.default_rng(2).normal(size=12)
    assert np.abs(correction(known, errors, asked)).mean() < 0.5


def test_too_few_or_nothing_in_common_corrects_nothing() -> None:
    assert not correction(heard(3), np.ones(3), heard(2)).any()
    assert not correction(heard(20), np.ones(20), [{}, {}]).any()
    assert len(correction(heard(20), np.ones(20), [])) == 0
