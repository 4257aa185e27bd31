"""A campaign's candidates as a table in a file: parquet, or CSV."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from gensynth.errors import InputError, install
from gensynth.evaluation.outcome import Outcome

ENDINGS = (".parquet", ".csv")


def require_free(file: Path) -> None:
    """Raise `InputError` if a table cannot be written to `file`, before anything is read."""
    if file.suffix not in ENDINGS:
        found = f"ends in {file.suffix!r}" if file.suffix else "has no ending"
        raise InputError(str(file), f"{found}; write to a file in {' or '.join(ENDINGS)}")
    require_new(file)
    if file.suffix == ".parquet":
        _require_pyarrow()


def require_new(file: Path) -> None:
    """Raise `InputError` if a file exists, or if there is no folder to write it to."""
    if file.exists():
        raise InputError(str(file), "exists; nothing was written")
    if not file.parent.is_dir():
        raise InputError(str(file.parent), "is not a folder; create it first")


def write_trials(outcomes: Sequence[Outcome], file: Path) -> None:
    """Write one row for each outcome, with decisions as columns `decision.NAME`.

    Whole numbers stay whole if some rows have none; a column of several types becomes text.
    """
    from gensynth.record.optuna_study import frame

    table = frame(outcomes)
    for name in table.columns:
        kinds = {_kind(cell) for cell in table[name].dropna()}
        if len(kinds) > 1:
            table[name] = table[name].map(str, na_action="ignore")
    table = table.convert_dtypes()
    try:
        if file.suffix == ".parquet":
            table.to_parquet(file, index=False)
        else:
            table.to_csv(file, index=False)
    except OSError as error:
        raise InputError(str(file), f"cannot be written ({error.strerror or error})") from None


def _kind(cell: object) -> type:
    number = isinstance(cell, (int, float)) and not isinstance(cell, bool)
    return float if number else type(cell)


def _require_pyarrow() -> None:
    if find_spec("pyarrow") is None:
        problem = f"parquet needs pyarrow: {install('parquet')}, or write a .csv file"
        raise InputError("--to", problem)
