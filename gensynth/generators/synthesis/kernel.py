"""The kernel: Matern-5/2 plus linear, of candidates at their positions.

`amplitude` holds the logarithms of the deviations of the Matern and the linear part (what follows
them is not looked at); positions are (n, coordinates), kernels (n, m).
"""

import math

import numpy as np
from numpy import float64
from numpy.typing import NDArray

Floats = NDArray[float64]


def kernel_parts(one: Floats, other: Floats, amplitude: Floats) -> tuple[Floats, Floats, Floats]:
    """Give the Matern part, its derivative by the squared distance, and the linear part."""
    product = one @ other.T
    squares = (one * one).sum(axis=1)[:, None] + (other * other).sum(axis=1)[None]
    ray = np.sqrt(5 * np.maximum(squares - 2 * product, 0.0))
    fade = math.exp(2 * amplitude[0]) * np.exp(-ray)
    linear = math.exp(2 * amplitude[1]) * (product + 1)
    return (1 + ray + ray * ray / 3) * fade, (-5 / 6) * (1 + ray) * fade, linear


def kernel(one: Floats, other: Floats, amplitude: Floats) -> Floats:
    """Give the sum of the Matern and the linear part, with few passes over memory."""
    product = one @ other.T
    ray = product * -2.0
    ray += (one * one).sum(axis=1)[:, None]
    ray += (other * other).sum(axis=1)
    np.maximum(ray, 0.0, out=ray)
    ray *= 5.0
    np.sqrt(ray, out=ray)
    matern = ray * (1 / 3)
    matern += 1.0
    matern *= ray
    matern += 1.0
    np.negative(ray, out=ray)
    matern *= np.exp(ray, out=ray)
    matern *= math.exp(2 * amplitude[0])
    product += 1.0
    product *= math.exp(2 * amplitude[1])
    product += matern
    return np.asarray(product)
