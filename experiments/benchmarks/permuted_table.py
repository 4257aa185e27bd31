"""Reading a table, and permuting its words and the names of its decisions."""

from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.benchmarks.table_problem import KNOWN
from gensynth.errors import InputError, unknown


def read(path: str, decisions: str) -> pd.DataFrame:
    """Read a parquet or CSV file; raise `InputError` if it is not readable.

    In a CSV, only an empty cell of a decision is missing: `None` and `NA` are words.
    """
    csv = Path(path).name.lower().endswith((".csv", ".csv.gz"))
    try:
        table = pd.read_csv(path, low_memory=False) if csv else pd.read_parquet(path)
        table.columns = table.columns.map(str)
        if csv:
            raw = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])
            for name in decision_columns(table, decisions):
                if pd.api.types.infer_dtype(table[name], skipna=True) == "string":
                    table[name] = raw[name]
    except (OSError, ValueError) as error:
        raise InputError(path, f"not readable as {'CSV' if csv else 'parquet'}: {error}") from None
    if table.columns.has_duplicates:
        twice = table.columns[table.columns.duplicated()][0]
        raise InputError(path, f"two columns are named {twice!r}")
    return table


def decision_columns(table: pd.DataFrame, pattern: str) -> list[str]:
    """List the columns that the pattern matches, in the order of the table."""
    return [name for name in table.columns if fnmatch(name, pattern)]


def kept(table: pd.DataFrame, where: str) -> pd.DataFrame:
    """Keep the rows in which the column `where` is true (or 1)."""
    if where not in table.columns:
        raise unknown("--where", "column", where, table.columns)
    column = table[where]
    if not column.dropna().isin([True, False]).all():
        raise InputError("--where", f"{where!r} holds other than true and false")
    if not column.isin([True]).any():
        raise InputError("--where", f"{where!r} is true in no row")
    return table[column.isin([True])]


def check_apart(columns: Sequence[str], pattern: str, others: Sequence[str]) -> None:
    """Refuse a decision that is also measured, limited or known, since its name is permuted."""
    if not columns:
        raise InputError("--decisions", f"no column matches {pattern!r}")
    for name in (*others, *KNOWN):
        if name in columns:
            problem = f"{pattern!r} matches {name!r}, which is measured, limited or known"
            raise InputError("--decisions", f"{problem}; write a narrower pattern")


def permuted(
    table: pd.DataFrame, columns: list[str], number: int, each: bool
) -> tuple[pd.DataFrame, list[str]]:
    """Permute the words of the options and the names of the decisions, seeded by the run number."""
    rng = np.random.default_rng((number, 1))
    table = table.astype(dict.fromkeys(columns, object))
    words = {
        name: sorted({cell for cell in table[name] if isinstance(cell, str)}) for name in columns
    }
    groups = [[name] for name in columns if words[name]]
    if not each:
        groups = [[name for group in groups for name in group]]
    for group in groups:
        found = sorted({word for name in group for word in words[name]})
        other = dict(zip(found, rng.permutation(found).tolist(), strict=True))
        for name in group:
            cells = [other[cell] if isinstance(cell, str) else cell for cell in table[name]]
            table[name] = pd.Series(cells, index=table.index, dtype=object)
    renamed = dict(zip(columns, rng.permutation(columns).tolist(), strict=True))
    return table.rename(columns=renamed), [renamed[name] for name in columns]
