"""A table of trained networks as a problem: a row is a network, looking it up is a training.

Networks that are not in the table do not exist: after the answers so far, only those options are
offered that some row still has. An empty cell means that the decision is not reached.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy import float64
from numpy.typing import NDArray

from gensynth.errors import InputError, unknown
from gensynth.evaluation.constraint import Judgement, feasible
from gensynth.evaluation.measurement import Measurement
from gensynth.evaluation.outcome import Outcome
from gensynth.evaluation.score import NetScore
from gensynth.generators.problem import Foresight, Prospect
from gensynth.generators.protocol import Proposal
from gensynth.genome import Decision, Decisions
from gensynth.space import Choose, Replay

KNOWN = ("params", "macs")
"""Columns that count as known before training if no cell of them is missing."""


@dataclass(frozen=True)
class Limit:
    """An enforced rule on one column, such as `top1>=90`."""

    column: str
    sense: Literal[">=", "<="]
    limit: float

    @classmethod
    def parse(cls, text: str) -> "Limit":
        """Read `COLUMN>=NUMBER` or `COLUMN<=NUMBER`; raise `InputError` for anything else."""
        for sense in (">=", "<="):
            column, found, number = text.partition(sense)
            try:
                if found and math.isfinite(float(number)):
                    return cls(column.strip(), ">=" if sense == ">=" else "<=", float(number))
            except ValueError:
                break
        raise InputError("limit", f"{text!r} is not COLUMN>=NUMBER or COLUMN<=NUMBER")

    @property
    def name(self) -> str:
        """The limit as it was written."""
        return f"{self.column}{self.sense}{self.limit:g}"

    def violation(self, value: NDArray[float64]) -> NDArray[float64]:
        """Return the relative violation: at most 0 if the limit holds, 1 for a missing value."""
        sign = 1.0 if self.sense == "<=" else -1.0
        relative = sign * (value - self.limit) / (abs(self.limit) or 1.0)
        return np.where(np.isnan(value), 1.0, relative)


class TableProblem:
    """A complete or sparse table of trained networks under limits and a score."""

    def __init__(
        self,
        table: pd.DataFrame,
        decisions: Sequence[str],
        measured: str = "top1",
        score: NetScore | None = None,
        limits: Sequence[Limit] = (),
        known: Sequence[str] = KNOWN,
    ) -> None:
        """Take the columns `decisions` as choices and `measured` as the result of a training.

        The pursued value is `score` of `measured`, `params` and `macs`, or without a score
        `measured` itself. Columns in `known` are known before training. Raises `InputError`
        for a column that the table lacks, for words in place of numbers, and for two rows
        with the same decisions, of which only one could ever be found.
        """
        needed = [*decisions, measured, *(limit.column for limit in limits)]
        for column in [*needed, *(KNOWN if score else ())]:
            if column not in table.columns:
                raise unknown("table", "column", column, map(str, table.columns))
        if not len(table) or not decisions:
            raise InputError("table", "no rows" if decisions else "no decisions")
        if measured in decisions:
            raise InputError("table", f"{measured!r} is both a decision and what is measured")
        self.table = table.reset_index(drop=True)
        self.decisions = tuple(decisions)
        self.measured, self.score, self.limits = measured, score, tuple(limits)
        self.known = tuple(
            name
            for name in known
            if name in table.columns and name != measured and table[name].notna().all()
        )
        numbers = {measured, *self.known, *(limit.column for limit in limits)} | set(
            KNOWN if score else ()
        )
        self._numbers = {name: _numbers(self.table[name]) for name in numbers}
        self._columns = {name: _plain_column(self.table[name]) for name in decisions}
        self._options = {name: _options(column) for name, column in self._columns.items()}
        self._root = self._grow(list(range(len(self.table))), 0)

    @property
    def prototype(self) -> Decisions:
        """Return no decisions: a table has no natural start."""
        return {}

    @property
    def enforced(self) -> Sequence[str]:
        """Names of the limits."""
        return tuple(limit.name for limit in self.limits)

    def sample(self, choose: Choose, /) -> int:
        """Walk down to a row of the table and return its number."""
        node = self._root
        for name in self.decisions:
            reached = [option for option in self._options[name] if option in node]
            if reached == [None]:
                node = node[None]
                continue
            node = node[choose(name, reached)]
        row: int = node[None]
        return row

    def foresee(self, decisions: Decisions) -> Foresight:
        """Look up the costs and limits known before training."""
        row = self.sample(Replay(decisions))
        early = [limit for limit in self.limits if limit.column in self.known]
        costs = {name: self._number(row, name) for name in self.known}
        return Foresight(
            genome_id=str(row),
            fingerprint=str(row),
            violations={e.name: self._violation(e, row) for e in early},
            features={name: math.log10(max(cost, 1e-9)) for name, cost in costs.items()},
        )

    def prospect(self, foresight: Foresight, top1: NDArray[float64]) -> Prospect:
        """Return the value and the violation of a row for supposed measurements."""
        late = [limit for limit in self.limits if limit.column == self.measured]
        violation = np.zeros(top1.shape)
        for limit in late:
            violation += np.maximum(limit.violation(top1), 0.0)
        row = int(foresight.genome_id)
        return Prospect(self._values(row, top1), violation, tuple(e.name for e in late))

    def probe(self, decisions: Decisions) -> dict[str, float]:
        """Return nothing: a row has no network to probe."""
        return {}

    def values(self) -> NDArray[float64]:
        """Return the pursued value of every row, NaN if a limit is broken."""
        found = np.full(len(self.table), np.nan)
        for row in range(len(self.table)):
            if all(self._violation(limit, row) <= 0 for limit in self.limits):
                found[row] = self._values(row, np.array([self._number(row, self.measured)]))[0]
        return found

    def train(self, proposal: Proposal, number: int = 0, asked_after: int = 0) -> Outcome:
        """Look up the result of training the proposed network."""
        row = self.sample(Replay(proposal.decisions))
        top1 = self._number(row, self.measured)
        judgements = tuple(self._judge(limit, row) for limit in self.limits)
        value = float(self._values(row, np.array([top1]))[0])
        holds = feasible(judgements) and math.isfinite(value)
        known = math.isfinite(top1)
        return Outcome(
            number=number,
            asked_after=asked_after,
            decisions=proposal.decisions,
            genome_id=str(row),
            fingerprint=str(row),
            ending="completed" if known else "diverged",
            seed=proposal.seed,
            curve=(Measurement(epoch=1, top1=top1, loss=0.0, seconds=0.0),) if known else (),
            judgements=judgements,
            score=value if holds else None,
            value=value if holds else None,
        )

    def _number(self, row: int, column: str) -> float:
        return float(self._numbers[column][row])

    def _values(self, row: int, top1: NDArray[float64]) -> NDArray[float64]:
        if self.score is None:
            return top1
        params, macs = self._number(row, "params"), self._number(row, "macs")
        exists = (top1 > 0) & (top1 <= 100) & (params > 0) & (macs > 0)
        if not exists.any():
            return np.full(top1.shape, np.nan)
        at_100 = self.score.of(100.0, params, macs)
        share = np.where(exists, top1, np.nan) / 100
        return np.asarray(at_100 + 20 * self.score.alpha * np.log10(share))

    def _violation(self, limit: Limit, row: int) -> float:
        return float(limit.violation(np.array(self._number(row, limit.column))))

    def _judge(self, limit: Limit, row: int) -> Judgement:
        violation = self._violation(limit, row)
        reason = f"{limit.column} {self._number(row, limit.column):g}"
        return Judgement(limit.name, "enforce", 0.0, violation <= 0, violation, reason)

    def _grow(self, rows: list[int], depth: int) -> dict[Decision, Any]:
        """Build the tree of rows that share their first answers; leaves hold row numbers."""
        if depth == len(self.decisions):
            if len(rows) > 1:
                same = f"rows {rows[0]} and {rows[1]} (from 0) have the same decisions"
                raise InputError("table", f"{same}; average them, or name more decisions")
            return {None: rows[0]}
        column = self._columns[self.decisions[depth]]
        groups: dict[Decision, list[int]] = {}
        for row in rows:
            groups.setdefault(column[row], []).append(row)
        return {answer: self._grow(group, depth + 1) for answer, group in groups.items()}


def _plain_column(column: "pd.Series[Any]") -> list[Decision]:
    """Turn cells into JSON scalars, missing ones into None."""
    cells: list[Any] = column.astype(object).where(column.notna(), None).tolist()
    plain = [cell.item() if isinstance(cell, np.generic) else cell for cell in cells]
    for row, cell in enumerate(plain):
        if not isinstance(cell, (str, int, float, bool, type(None))):
            kind = f"{type(cell).__name__} in row {row} (from 0)"
            raise InputError(str(column.name), f"{kind} is not an option; write words or numbers")
    return plain


def _numbers(column: "pd.Series[Any]") -> NDArray[float64]:
    """Read a column as numbers, missing ones as NaN."""
    try:
        return column.astype(object).where(column.notna(), np.nan).to_numpy(dtype=float64)
    except (TypeError, ValueError):
        raise InputError(str(column.name), "holds words where numbers are needed") from None


def _options(cells: Sequence[Decision]) -> tuple[Decision, ...]:
    """List the distinct cells, numbers in order, words by first appearance."""
    different = list(dict.fromkeys(cells))
    numbers = [c for c in different if isinstance(c, (int, float)) and not isinstance(c, bool)]
    if len(numbers) == len([c for c in different if c is not None]):
        return (*((None,) if None in different else ()), *sorted(numbers))
    return tuple(different)
