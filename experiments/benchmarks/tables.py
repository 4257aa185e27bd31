"""Markdown tables and paired tests, as all benchmarks print them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import wilcoxon


def markdown(cells: Sequence[str]) -> str:
    """Return one row of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def heading(cells: Sequence[str]) -> list[str]:
    """Return the two lines that begin a Markdown table."""
    return [markdown(cells), "|" + "---|" * len(cells)]


def paired_p(ours: ArrayLike, theirs: ArrayLike) -> str:
    """Return the p-value of a two-sided Wilcoxon test, paired by run; 1 if all pairs are equal."""
    if np.array_equal(ours, theirs):
        return "1"
    return f"{wilcoxon(ours, theirs, zero_method='zsplit').pvalue:.2g}"
