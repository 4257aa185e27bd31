"""Earlier trainings for a warm start: of campaigns, and of other tools by a table."""

import csv
import hashlib
from collections.abc import Hashable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from gensynth.campaign.campaign_folder import open_record
from gensynth.campaign.earlier import OPTION, read_earlier, trainings_of, write_earlier
from gensynth.campaign.experiment import EXPERIMENT, read_experiment
from gensynth.errors import InputError, nearest, nearest_path
from gensynth.evaluation.measurement import Measurement
from gensynth.evaluation.outcome import Outcome
from gensynth.generators.problem import EarlierCampaign
from gensynth.genome import Decision, Decisions
from gensynth.plugins import create, trusted
from gensynth.report.trials_file import require_new
from gensynth.serialization import dumps, scalar
from gensynth.space import Recording, SearchSpace

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")
USUAL = ("top1", "accuracy", "val_acc", "val_accuracy")
"""Names of the column with the accuracy, in the order in which they are looked for."""
PREFIXES = ("", "params_", "decision.")
"""What stands before the names of decisions in tables of Optuna, and of `gensynth show --to`."""
STATE, COMPLETE = "state", "COMPLETE"
"""Column of Optuna's tables, and the state of the trials that are read."""


def earlier_campaigns(
    sources: str | Path | Sequence[str | Path], begun: bool = False
) -> tuple[EarlierCampaign, ...]:
    """Return the trainings of campaigns' folders, and of files that `import_trainings` wrote.

    A campaign that has `begun` has kept them; only their names are returned.
    """
    several = [sources] if isinstance(sources, (str, Path)) else sources
    if begun:
        return tuple(EarlierCampaign(_name_of(Path(source)), ()) for source in several)
    return tuple(found for source in several for found in _earlier(Path(source)))


def _name_of(source: Path) -> str:
    return str(source.absolute())


def _earlier(source: Path) -> tuple[EarlierCampaign, ...]:
    try:
        is_file, is_campaign = source.is_file(), (source / EXPERIMENT).is_file()
    except OSError as error:
        raise InputError(OPTION, f"{source}: {error.strerror}") from None
    if is_file:
        found = read_earlier(source)
    elif is_campaign:
        with closing(open_record(source, trust=trusted())) as record:
            found = (trainings_of("", record.outcomes()),)
    else:
        problem = f"{source} is neither a campaign's folder nor a file that `gensynth import` wrote"
        raise InputError(OPTION, f"{problem}{nearest_path(source)}")
    if not all(campaign.trainings for campaign in found):
        raise InputError(OPTION, f"{source} has no training to learn from")
    return tuple(replace(campaign, name=_name_of(source)) for campaign in found)


@dataclass(frozen=True)
class ImportedTrainings:
    """What was read from a table of trainings.

    >>> import gensynth
    >>> gensynth.ImportedTrainings(3, "accuracy", "share", 1, "row 2: width is empty").trainings
    3
    """

    trainings: int
    """Rows that are candidates of the space."""
    accuracy: str
    """The column with the accuracy."""
    unit: str
    """`percent`, or `share` of 1."""
    left_out: int = 0
    """Rows that are not."""
    reason: str = ""
    """Why the first of these was left out."""


def import_trainings(
    table: str | Path,
    to: str | Path,
    *,
    space: str | Mapping[str, Any] = "attendnext",
    experiment: str | Path | None = None,
    accuracy: str | None = None,
) -> ImportedTrainings:
    """Read the trainings of another tool, to search from them: `search(earlier=to)`.

    Args:
        table: a CSV file with a row for each training and a column for each decision of the space,
            by its name or with `params_` before it, as Optuna writes it; cells of decisions that
            a network does not have are empty. With a column `state`, only trials that are COMPLETE
            are read.
        to: the file to write; it must not exist.
        space: the search space by name, or its table.
        experiment: a TOML file whose space it is, in place of `space`.
        accuracy: the column with the accuracy; by default `top1`, `accuracy`, `val_acc` or
            `val_accuracy`. It is in percent, or, if no value is above 1, a share.

    Raises:
        InputError: the table cannot be read, no row of it is a candidate of the space, or `to`
            cannot be written.

    >>> import gensynth
    >>> from pathlib import Path
    >>> _ = Path("t.csv").write_text("stages,accuracy")
    >>> gensynth.import_trainings("t.csv", "t.json", space="attendnext")
    Traceback (most recent call last):
    gensynth.errors.InputError: t.csv: has no rows
    """
    file, target = Path(table), Path(to)
    require_new(target)
    rows = _read(file)
    column = _accuracy_column(rows, accuracy, file)
    unit = _unit(rows[column], file)
    made = _space(space, experiment)
    found: list[Outcome] = []
    reasons: list[str] = []
    for index, row in enumerate(rows.to_dict("records")):
        top1 = float(row[column]) * (100.0 if unit == "share" else 1.0)
        try:
            found.append(_outcome(len(found), made, row, top1))
        except InputError as error:
            reasons.append(f"row {index + 1}: {error}")
    if not found:
        raise InputError(str(file), f"no row is a candidate of the space: {reasons[0]}")
    write_earlier(target, [EarlierCampaign(file.name, tuple(found), len(found))])
    return ImportedTrainings(len(found), column, unit, len(reasons), "".join(reasons[:1]))


def _space(space: str | Mapping[str, Any], experiment: str | Path | None) -> SearchSpace[Any]:
    if experiment is not None:
        return read_experiment(Path(experiment)).make_space()
    table = {"use": space} if isinstance(space, str) else dict(space)
    use = str(table.pop("use", ""))
    made: SearchSpace[Any] = create("search_space", use, table, "space", Path.cwd())
    return made


def _read(file: Path) -> "pd.DataFrame":
    import pandas as pd

    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            names = [name.strip() for name in next(csv.reader(text), [])]
        rows = pd.read_csv(
            file,
            compression=None,
            index_col=False,
            keep_default_na=False,
            na_values=[""],
            skipinitialspace=True,
            low_memory=False,
        )
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(str(file), f"cannot be read as a table ({error})") from None
    repeated = [name for name in names if names.count(name) > 1]
    if repeated:
        raise InputError(str(file), f"has the column {repeated[0]} twice")
    if STATE in rows.columns:
        rows = rows[rows[STATE] == COMPLETE]
    if rows.empty:
        raise InputError(str(file), "has no rows")
    return rows


def _accuracy_column(rows: "pd.DataFrame", accuracy: str | None, file: Path) -> str:
    names = [str(name) for name in rows.columns]
    wanted = (accuracy,) if accuracy is not None else USUAL
    found = next((name for name in wanted if name in names), None)
    if found is None:
        problem = f"has no column {' or '.join(wanted)}{nearest(wanted[0], names)}"
        way = "" if accuracy is not None else "; name the column with --accuracy"
        raise InputError(str(file), problem + way)
    if rows[found].dtype.kind not in "if":
        raise InputError(str(file), f"the column {found} holds something other than numbers")
    return found


def _unit(accuracies: "pd.Series[float]", file: Path) -> str:
    """Return whether accuracies are in percent or shares."""
    if accuracies.max() <= 1:
        return "share"
    if accuracies.median() <= 1:
        problem = f"the column {accuracies.name} mixes shares and percent, or is no accuracy"
        raise InputError(str(file), problem)
    return "percent"


def _outcome(
    number: int, space: SearchSpace[Any], row: Mapping[Hashable, Any], top1: float
) -> Outcome:
    if not 0 <= top1 <= 100:
        raise InputError("accuracy", f"must be between 0 and 100 percent, got {top1:g}")
    record = Recording(_Row(row))
    space.sample(record)
    name = _name(record.decisions)
    curve = (Measurement(epoch=1, top1=top1, loss=0.0, seconds=0.0),)
    return Outcome(number, 0, record.decisions, name, name, "completed", curve=curve)


def _name(decisions: Decisions) -> str:
    return hashlib.sha256(dumps(dict(decisions)).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class _Row:
    """A chooser that answers by the cells of a row."""

    cells: Mapping[Hashable, Any]

    def __call__(self, name: str, options: Sequence[T], /) -> T:
        columns = [prefix + name for prefix in PREFIXES if prefix + name in self.cells]
        if len(columns) > 1:
            raise InputError(name, f"has two columns, {columns[0]} and {columns[1]}")
        cell = self.cells[columns[0]] if columns else None
        if cell is None or cell != cell:
            raise InputError(name, "its cell is empty" if columns else "has no column")
        for option in options:
            if _same(scalar(option), cell):
                return option
        words = [str(option) for option in options]
        raise InputError(name, f"{cell} is not an option{nearest(str(cell), words)}")


def _same(option: Decision, cell: Any) -> bool:
    """Whether a cell means an option: an empty cell makes whole numbers of its column fractions."""
    if isinstance(option, (int, float)) and isinstance(cell, (int, float)):
        return float(option) == float(cell)
    whole = isinstance(cell, float) and cell.is_integer()
    return str(option) == str(int(cell) if whole else cell)
