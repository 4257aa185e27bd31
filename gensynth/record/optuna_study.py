"""The record of a campaign: an Optuna study to which each outcome is added once.

Whatever a library reports about the database is turned into one clear line here.
"""

import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import optuna
import pandas as pd
from optuna.distributions import CategoricalDistribution
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from gensynth.errors import InputError
from gensynth.evaluation.constraint import feasible
from gensynth.evaluation.outcome import Outcome
from gensynth.record.address import file_of, without_password
from gensynth.record.database import GONE, Patience, cause, open_storage, require_record
from gensynth.record.ownership import Right
from gensynth.serialization import Plain, dumps, from_plain, loads

SCHEMA = 1
RESTORE = "restore the record from a copy, or search anew in another --out folder"
Options = Mapping[str, Sequence[Any]]
T = TypeVar("T")


class Record:
    """The outcomes of a campaign in the order in which they ended, kept in an Optuna study.

    Feasible, completed candidates of the search are COMPLETE trials with the pursued value as their
    objective; all others are PRUNED trials with their constraints. Any Optuna tool can read them.
    """

    def __init__(
        self, study: optuna.Study, storage: RDBStorage, place: str, right: Right | None = None
    ) -> None:
        """Use `study`, kept in `storage`; errors name the database as `place`.

        Without the `right` to write, nothing is checked when something is written.
        """
        self._study = study
        self._storage = storage
        self._place = place
        self._right = right
        self._patience = Patience(place)

    @classmethod
    def open(
        cls, storage: str, study_name: str, create: bool = True, drive: bool = False
    ) -> "Record":
        """Open the study in the database with the URL `storage`.

        Unless `create` is set, the study must exist. With `drive`, this process becomes the one
        driver that may write, and waits for other programs that are writing.

        Raises:
            InputError: the record cannot be used; nothing has been written.
        """
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        place, file = without_password(storage), file_of(storage)
        if not create and file is not None and not (file.exists() and file.stat().st_size):
            lost = "empty" if file.exists() else "missing"
            raise InputError(
                place, f"the record is {lost}; put the file back, or start a new campaign"
            )
        with _unopened(place):
            if file is not None:
                require_record(file, place)

            def opened() -> Record:
                base = open_storage(storage, study_name if drive else None)
                study = _study(base, study_name, place, create, alone=file is not None)
                right = Right(base, study._study_id, place) if drive else None
                return cls(study, base, place, right)

            return Patience(place).until_done(opened) if drive else opened()

    def outcomes(self) -> list[Outcome]:
        """Return all outcomes, in the order in which they ended."""
        with _unreadable(self._place):
            trials = self._patiently(lambda: self._study.get_trials(deepcopy=False))
        rows = [self._read(trial) for trial in trials]
        _refuse_doubled(self._place, rows)
        return rows

    def add(self, outcome: Outcome, options: Options) -> None:
        """Write one outcome in one transaction; `options` are those of its decisions."""
        trial = _trial(outcome, options)

        def arrived() -> bool:
            """Whether a write that was cut off has been committed after all."""
            return any(o.number == outcome.number for o in map(self._read, self._study.trials))

        with _unwritten(self._place), self._adding(outcome.number):
            self._patiently(lambda: self._study.add_trial(trial), arrived)

    def note(self, name: str, data: Plain) -> None:
        """Store a fact about the campaign itself under `name`, in the place of an earlier one."""
        with _unwritten(self._place):
            self._patiently(lambda: self._study.set_user_attr(name, data))

    def noted(self, name: str) -> Plain:
        """Return a fact about the campaign, or None."""
        with _unreadable(self._place):
            data: Plain = self._patiently(lambda: self._study.user_attrs.get(name))
        return data

    def close(self) -> None:
        """Close the connection to the database, and with it give up the right to drive."""
        if self._right is not None:
            self._right.give_up()
        self._storage.remove_session()
        self._storage.engine.dispose()

    def _patiently(self, work: Callable[[], T], arrived: Callable[[], bool] | None = None) -> T:
        return self._patience.until_done(work, arrived)

    @contextmanager
    def _adding(self, number: int) -> Iterator[None]:
        """Let the right to write see which candidate is recorded in the block."""
        if self._right is None:
            yield
            return
        self._right.adds(number)
        try:
            yield
        finally:
            self._right.adds(None)

    def _read(self, trial: FrozenTrial) -> Outcome:
        place = f"{self._place}: trial {trial.number}"
        text = trial.user_attrs.get("outcome")
        if not isinstance(text, str):
            raise InputError(place, f"is not an outcome of a campaign; {RESTORE}")
        outcome = from_plain(Outcome, loads(text, place), place)
        if trial.user_attrs.get("number", outcome.number) != outcome.number:
            raise InputError(place, f"belongs to another candidate; {RESTORE}")
        return outcome


def _study(base: RDBStorage, name: str, place: str, create: bool, alone: bool) -> optuna.Study:
    """Open the study `name`, or make it; `alone` if no other may be in the database."""
    names = [known.study_name for known in base.get_all_studies()]
    if name not in names:
        _refuse_foreign(place, name, names, create, alone)
        _create(base, name)
    study = optuna.load_study(storage=base, study_name=name)
    _check_schema(study, place)
    return study


def _refuse_doubled(place: str, rows: Sequence[Outcome]) -> None:
    """Raise `InputError` if a candidate has been recorded twice, as by two drivers at once."""
    counts = Counter(row.number for row in rows)
    doubled = [str(number) for number in sorted(counts) if counts[number] > 1]
    if doubled:
        more = f" and {len(doubled) - 5} more" if len(doubled) > 5 else ""
        problem = f"candidates {', '.join(doubled[:5])}{more} are recorded twice, as if two "
        raise InputError(place, f"{problem}searches had written at once; {RESTORE}")


def _create(storage: RDBStorage, name: str) -> None:
    study = optuna.create_study(storage=storage, study_name=name, direction="maximize")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.set_metric_names(["pursued value"])


def _refuse_foreign(place: str, name: str, others: list[str], create: bool, alone: bool) -> None:
    """Refuse a database without the study: one of another campaign, or an emptied one."""
    if not create or (alone and others):
        found = f"it holds {', '.join(sorted(others)[:3])}" if others else "it is empty"
        raise InputError(place, f"is not the record of this campaign, {name}: {found}")


def _check_schema(study: optuna.Study, place: str) -> None:
    schema = study.user_attrs.get("schema")
    if schema is None and study.get_trials(deepcopy=False):
        raise InputError(place, "is an Optuna study, but not the record of a campaign")
    if schema is None:
        study.set_user_attr("schema", SCHEMA)
    elif schema != SCHEMA:
        raise InputError(place, f"record of schema {schema}, but this version reads {SCHEMA}")


def _unopened(place: str) -> AbstractContextManager[None]:
    """Report an error of a database that cannot be opened."""
    return _in_one_line(place, Exception, "the record cannot be opened ({})")


def _unreadable(place: str) -> AbstractContextManager[None]:
    """Report an error of a database that can be opened, but not read."""
    return _in_one_line(place, Exception, "the record cannot be read ({}); restore it from a copy")


def _unwritten(place: str) -> AbstractContextManager[None]:
    """Report an error of a database that cannot be written: its disk is full, or read-only."""
    problem = (
        "an outcome cannot be written ({}); everything recorded so far is safe: after fixing this, "
        "run the same command again to continue"
    )
    return _in_one_line(place, GONE, problem)


@contextmanager
def _in_one_line(
    place: str, kinds: type[Exception] | tuple[type[Exception], ...], problem: str
) -> Iterator[None]:
    """Turn errors of the given kinds into an `InputError` with their cause in the braces."""
    try:
        yield
    except InputError:
        raise
    except kinds as error:
        raise InputError(place, problem.format(cause(error))) from error


def frame(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """Return outcomes as a table of one row each, with decisions as `decision.NAME` columns."""
    rows: list[dict[str, Any]] = []
    for outcome in outcomes:
        row = _facts(outcome) | {"epochs": len(outcome.curve), "seed": outcome.seed}
        row["training_seed"] = outcome.training_seed
        row |= {f"decision.{name}": value for name, value in outcome.decisions.items()}
        rows.append(row)
    return pd.DataFrame(rows)


def _facts(outcome: Outcome) -> dict[str, Any]:
    profile = outcome.profile
    return {
        "number": outcome.number,
        "genome": outcome.genome_id,
        "fingerprint": outcome.fingerprint,
        "purpose": outcome.purpose,
        "ending": outcome.ending,
        "detail": outcome.detail,
        "top1": outcome.top1,
        "score": outcome.score,
        "value": outcome.value,
        "params": profile.params if profile else None,
        "macs": profile.macs if profile else None,
        "peak_activation_bytes": profile.peak_activation_bytes if profile else None,
        "seconds": outcome.seconds,
    }


def _trial(outcome: Outcome, options: Options) -> FrozenTrial:
    complete = (
        outcome.purpose == "search"
        and outcome.ending == "completed"
        and outcome.value is not None
        and feasible(outcome.judgements)
    )
    known = [name for name in outcome.decisions if name in options]
    attributes = {key: value for key, value in _facts(outcome).items() if value not in (None, "")}
    trial = create_trial(
        state=TrialState.COMPLETE if complete else TrialState.PRUNED,
        value=outcome.value if complete else None,
        params={name: outcome.decisions[name] for name in known},
        distributions={name: CategoricalDistribution(tuple(options[name])) for name in known},
        user_attrs=attributes | _verdicts(outcome) | {"outcome": dumps(outcome)},
        intermediate_values={m.epoch: m.top1 for m in outcome.curve},
        constraints=_violations(outcome),
    )
    if trial.datetime_complete is not None:
        trial.datetime_start = trial.datetime_complete - timedelta(seconds=outcome.seconds)
    return trial


def _verdicts(outcome: Outcome) -> dict[str, str]:
    """Return verdicts in words: Optuna's dashboard shows attributes, but not constraints."""
    return {
        f"{j.mode} {j.constraint}": f"{'holds' if j.ok else 'broken'}: {j.reason}"
        for j in outcome.judgements
        if j.ok is not None
    }


def _violations(outcome: Outcome) -> dict[str, float]:
    return {
        j.constraint: j.violation
        for j in outcome.judgements
        if j.mode == "enforce" and j.violation is not None
    }
