"""The record of a campaign: one Optuna study, written once per outcome, never rewritten."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

import optuna
import pandas as pd
from optuna.distributions import CategoricalDistribution
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from gensynth.errors import InputError
from gensynth.evaluation.constraint import feasible
from gensynth.evaluation.outcome import Outcome
from gensynth.record.address import file_of, is_postgres, without_password
from gensynth.record.database import (
    Patience,
    open_storage,
    require_record,
    unopened,
    unreadable,
    unwritten,
)
from gensynth.serialization import Plain, dumps, from_plain, loads, to_plain

SCHEMA = 1
Options = Mapping[str, Sequence[Any]]
T = TypeVar("T")


class Record:
    """Outcomes in the order in which they were told, kept in an Optuna study.

    Feasible, completed candidates of the search are COMPLETE trials with the pursued value; all
    others are PRUNED trials with their constraints, so that any Optuna tool reads the study.
    """

    def __init__(self, study: optuna.Study, storage: str) -> None:
        self._study = study
        self._place = without_password(storage)
        self._patience = Patience(self._place) if is_postgres(storage) else None

    @classmethod
    def open(
        cls, storage: str, study_name: str, create: bool = True, drive: bool = False
    ) -> "Record":
        """Open the study at the database URL `storage`.

        With `create` it may be a new one; else it must be there. With `drive` this is the one
        driver that writes: a second one is refused by the database itself, where it can do that.

        Raises:
            InputError: the record cannot be used, and why; nothing was written then.
        """
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        place, file = without_password(storage), file_of(storage)
        if not create and file is not None and not (file.exists() and file.stat().st_size):
            lost = "empty" if file.exists() else "missing"
            raise InputError(place, f"the record is {lost}; put the file back, or start anew")
        with unopened(place):
            if file is not None:
                require_record(file, place)
            base = open_storage(storage, study_name if drive else None)
            names = [known.study_name for known in base.get_all_studies()]
            if study_name not in names:
                _refuse_foreign(place, study_name, names, create, file is not None)
                _create(base, study_name)
            study = optuna.load_study(storage=base, study_name=study_name)
            _check_schema(study, place)
        return cls(study, storage)

    def outcomes(self) -> list[Outcome]:
        """Read all outcomes, in the order in which they were told."""
        with unreadable(self._place):
            trials = self._patiently(lambda: self._study.get_trials(deepcopy=False))
        return [self._read(trial) for trial in trials]

    def add(self, outcome: Outcome, options: Options) -> None:
        """Write one outcome, whole, in one transaction; `options` are those of its decisions."""
        trial = _trial(outcome, options)

        def again() -> bool:
            """Say whether a write that was cut off has arrived after all."""
            return any(o.number == outcome.number for o in map(self._read, self._study.trials))

        with unwritten(self._place):
            self._patiently(lambda: self._study.add_trial(trial), again)

    def note(self, name: str, data: Plain) -> None:
        """Keep a fact about the campaign itself, replacing an earlier one of that name."""
        with unwritten(self._place):
            self._patiently(lambda: self._study.set_user_attr(name, data))

    def noted(self, name: str) -> Plain:
        """Read a fact about the campaign, or None."""
        with unreadable(self._place):
            data: Plain = self._patiently(lambda: self._study.user_attrs.get(name))
        return data

    def close(self) -> None:
        """Give the database back its connection, and with it the right to drive."""
        storage = self._study._storage
        storage = getattr(storage, "_backend", storage)
        engine = getattr(storage, "engine", None)
        if engine is not None:
            storage.remove_session()
            engine.dispose()

    def _patiently(self, work: Callable[[], T], arrived: Callable[[], bool] | None = None) -> T:
        return self._patience.until_done(work, arrived) if self._patience else work()

    def _read(self, trial: FrozenTrial) -> Outcome:
        place = f"{self._place}: trial {trial.number}"
        text = trial.user_attrs.get("outcome")
        if not isinstance(text, str):
            raise InputError(place, "is no outcome of a campaign")
        return from_plain(Outcome, loads(text, place), place)


def _create(storage: BaseStorage, name: str) -> None:
    study = optuna.create_study(storage=storage, study_name=name, direction="maximize")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.set_metric_names(["pursued value"])


def _refuse_foreign(place: str, name: str, others: list[str], create: bool, alone: bool) -> None:
    """Refuse a database without our study: one of another campaign, or an emptied one."""
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


def frame(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """Show outcomes as a table: one row each, decisions as `decision.NAME` columns."""
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
    """Put verdicts into words: Optuna's dashboard shows these, and no constraints."""
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


def plain_outcome(outcome: Outcome) -> Plain:
    """Give an outcome as plain data, for `--json`."""
    return to_plain(outcome)
