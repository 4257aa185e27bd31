"""Earlier trainings for a warm start: of campaigns, and of other tools by a table."""

import hashlib
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from gensynth.campaign.campaign_folder import open_record
from gensynth.campaign.earlier import OPTION, read_earlier, trainings_of, write_earlier
from gensynth.campaign.experiment import EXPERIMENT, read_experiment
from gensynth.errors import InputError, nearest
from gensynth.evaluation.measurement import Measurement
from gensynth.evaluation.outcome import Outcome
from gensynth.generators.problem import EarlierCampaign
from gensynth.genome import Decision, Decisions
from gensynth.plugins import create, trusted
from gensynth.serialization import dumps, scalar
from gensynth.space import Recording, SearchSpace

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")
USUAL = ("top1", "accuracy", "val_acc", "val_accuracy", "value")
"""Names of the column with the accuracy, in the order in which they are looked for."""
PREFIX = "params_"
"""What Optuna's tables of trials put before the names of decisions."""


def earlier_campaigns(sources: str | Path | Sequence[str | Path]) -> tuple[EarlierCampaign, ...]:
    """Return the trainings of campaigns' folders, and of files that `import_trainings` wrote."""
    several = [sources] if isinstance(sources, (str, Path)) else sources
    return tuple(found for source in several for found in _earlier(Path(source)))


def _earlier(source: Path) -> tuple[EarlierCampaign, ...]:
    if source.is_file():
        found = read_earlier(source)
    elif (source / EXPERIMENT).is_file():
        outcomes = open_record(source, trust=trusted()).outcomes()
        found = (trainings_of(str(source), outcomes),)
    else:
        problem = f"{source} is no campaign's folder, and no file that `gensynth import` wrote"
        raise InputError(OPTION, problem)
    for campaign in found:
        if not campaign.trainings:
            raise InputError(OPTION, f"{source} has no training to learn from")
    return found


@dataclass(frozen=True)
class ImportedTrainings:
    """What was read from a table of trainings.

    >>> import gensynth
    >>> gensynth.ImportedTrainings(3, 1, "row 2: width is empty").trainings
    3
    """

    trainings: int
    """Rows that are candidates of the space."""
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
            a network does not have are empty.
        to: the file to write.
        space: the search space by name, or its table.
        experiment: a TOML file whose space it is, in place of `space`.
        accuracy: the column with the accuracy, in percent or as a share; by default `top1`,
            `accuracy`, `val_acc`, `val_accuracy` or `value`.

    Raises:
        InputError: the table cannot be read, or no row of it is a candidate of the space.

    >>> import gensynth
    >>> from pathlib import Path
    >>> _ = Path("t.csv").write_text("stages,accuracy")
    >>> gensynth.import_trainings("t.csv", "t.json", space="attendnext")
    Traceback (most recent call last):
    gensynth.errors.InputError: t.csv: has no rows
    """
    file = Path(table)
    rows = _read(file)
    column = _accuracy_column(rows, accuracy, file)
    made = _space(space, experiment)
    scale = 100.0 if rows[column].max() <= 1.0 else 1.0
    found: list[Outcome] = []
    reasons: list[str] = []
    for index, row in enumerate(rows.to_dict("records")):
        try:
            found.append(_outcome(len(found), made, row, float(row[column]) * scale))
        except InputError as error:
            reasons.append(f"row {index + 1}: {error}")
    if not found:
        raise InputError(str(file), f"no row is a candidate of the space: {reasons[0]}")
    write_earlier(Path(to), [EarlierCampaign(file.name, tuple(found), len(found))])
    return ImportedTrainings(len(found), len(reasons), reasons[0] if reasons else "")


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
        rows = pd.read_csv(file)
    except (OSError, ValueError) as error:
        raise InputError(str(file), f"cannot be read as a table ({error})") from None
    if rows.empty:
        raise InputError(str(file), "has no rows")
    return rows


def _accuracy_column(rows: "pd.DataFrame", accuracy: str | None, file: Path) -> str:
    names = [str(name) for name in rows.columns]
    wanted = (accuracy,) if accuracy is not None else USUAL
    found = next((name for name in wanted if name in names), None)
    if found is None:
        hint = nearest(wanted[0], names)
        raise InputError(str(file), f"has no column {' or '.join(wanted)}{hint}; name it")
    if rows[found].dtype.kind not in "if":
        raise InputError(str(file), f"the column {found} holds something else than numbers")
    return found


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
        cell = self.cells.get(name, self.cells.get(PREFIX + name))
        if cell is None or cell != cell:
            raise InputError(name, "is empty or has no column")
        for option in options:
            if _same(scalar(option), cell):
                return option
        raise InputError(name, f"{cell} is not an option{nearest(str(cell), _words(options))}")


def _words(options: Iterable[object]) -> list[str]:
    return [str(option) for option in options]


def _same(option: Decision, cell: object) -> bool:
    """Whether a cell means an option: an empty cell makes whole numbers of its column fractions."""
    if isinstance(option, (int, float)) and isinstance(cell, (int, float)):
        return float(option) == float(cell)
    return str(option) == str(cell)
