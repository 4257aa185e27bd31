"""Reads drafts into the numbers that surrogates compute with, and remembers what it has read."""

from collections.abc import Collection, Iterable, Sequence

import numpy as np
from numpy import float64, int64
from numpy.typing import NDArray

from gensynth.generators.synthesis.draft import Draft
from gensynth.generators.synthesis.encoding import Encoding
from gensynth.generators.synthesis.lesson import Inputs

Floats = NDArray[float64]
REMEMBERED = 16_384
"""Drafts kept in memory, read; a pool is judged again for every proposal."""


class Reader:
    """Knows the decisions met so far, and the scale of the costs that are known of drafts."""

    def __init__(self, unread: Collection[str] = (), standard: bool = False) -> None:
        """Begin having met nothing.

        Decisions in `unread` only spell what the numbers say; with `standard` these already have
        a mean near 0 and a deviation near 1.
        """
        self._unread = frozenset(unread)
        self.encoding = Encoding({})
        self.features = 0
        """Numbers known of each draft before training."""
        self._scale = (np.zeros(1), np.ones(1)) if standard else None
        self._met: set[str] = set()
        self._read: dict[str, tuple[NDArray[int64], Floats]] = {}

    def meet(self, drafts: Iterable[Draft]) -> bool:
        """Learn the decisions and options of `drafts`; say whether any of them was new."""
        encoding = self.encoding
        for draft in drafts:
            if draft.foresight.genome_id not in self._met:
                self._met.add(draft.foresight.genome_id)
                options = draft.trace.options
                kept = {name: o for name, o in options.items() if name not in self._unread}
                encoding = encoding.extended(kept)
                self.features = len(draft.foresight.features)
        if encoding is self.encoding:
            return False
        self.encoding = encoding
        self._read.clear()
        return True

    def inputs(self, drafts: Sequence[Draft]) -> Inputs:
        """Read drafts that were met; costs are standardised by the first three or more read."""
        self._read_new(drafts)
        pairs = [self._read[draft.foresight.genome_id] for draft in drafts]
        rows = np.array([row for row, _ in pairs], dtype=int64)
        features = np.array([known for _, known in pairs], dtype=float64)
        features = features.reshape(len(drafts), -1)
        if self._scale is None and len(drafts) > 2:
            self._scale = features.mean(axis=0), features.std(axis=0) + 1e-9
        center, width = self._scale or (0.0, 1.0)
        return Inputs(rows.reshape(len(drafts), -1), (features - center) / width)

    def _read_new(self, drafts: Sequence[Draft]) -> None:
        if len(self._read) > REMEMBERED:
            self._read.clear()
        new = [draft for draft in drafts if draft.foresight.genome_id not in self._read]
        rows = self.encoding.rows([draft.decisions for draft in new])
        for draft, row in zip(new, rows, strict=True):
            known = np.array(list(draft.foresight.features.values()), dtype=float64)
            self._read[draft.foresight.genome_id] = row, known
