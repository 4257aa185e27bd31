"""What reactions to stimuli add to a prediction: a cautious correction by what it got wrong."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy import float64
from numpy.typing import NDArray

Floats = NDArray[float64]
Reactions = Mapping[str, float]
ENOUGH = 8
"""Networks both probed and trained before reactions are listened to."""
CAUTION = 10.0
"""Ridge penalty: so many networks must agree before a reaction counts half."""


def correction(known: Sequence[Reactions], errors: Floats, asked: Sequence[Reactions]) -> Floats:
    """Predict the errors of networks `asked` from those of `known` ones, (len(asked),).

    `errors` are what the prediction missed, in standardised units, each without the network's
    own measurement. A ridge regression on standardised reactions; zero while too few are known.
    """
    names = sorted(set.intersection(*(set(some) for some in [*known, *asked]))) if asked else []
    if len(known) < ENOUGH or not names:
        return np.zeros(len(asked))
    table, queries = (
        np.array([[some[name] for name in names] for some in many], dtype=float64)
        for many in (known, asked)
    )
    center, width = table.mean(axis=0), table.std(axis=0) + 1e-9
    table, queries = (table - center) / width, (queries - center) / width
    moment = table.T @ table + CAUTION * np.eye(len(names))
    weights = np.linalg.solve(moment, table.T @ errors)
    return np.asarray(np.clip(queries, -3, 3) @ weights)
