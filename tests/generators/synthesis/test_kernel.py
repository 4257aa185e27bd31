import numpy as np

from gensynth.generators.synthesis.kernel import covariance, covariance_parts, variance


def test_both_forms_of_the_kernel_agree() -> None:
    rng = np.random.default_rng(6)
    one, other = rng.normal(size=(7, 3)), rng.normal(size=(5, 3))
    amplitude = np.array([0.3, -0.4, 0.0])
    matern, _, linear = covariance_parts(one, other, amplitude)
    assert np.allclose(covariance(one, other, amplitude), matern + linear)


def test_the_variance_is_the_diagonal_of_the_covariance() -> None:
    positions = np.random.default_rng(7).normal(size=(6, 3))
    amplitude = np.array([0.3, -0.4, 0.0])
    diagonal = np.diag(covariance(positions, positions, amplitude))
    assert np.allclose(variance(positions, amplitude), diagonal)
