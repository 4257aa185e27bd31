"""The record of a campaign: one Optuna study, written once per outcome, never rewritten."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
from optuna.distributions import CategoricalDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from gensynth.constraint import feasible
from gensynth.errors import InputError
from gensynth.outcome import Outcome
from gensynth.plain import Plain, dumps, from_plain, loads, to_plain

SCHEMA = 1
Options = Mapping[str, Sequence[Any]]


class Record:
    """Outcomes in the order in which they were told, kept in an Optuna study.

    Feasible, completed candidates of the search are COMPLETE trials with the pursued value; all
    others are PRUNED trials with their constraints, so that any Optuna tool reads the study.
    """

    def __init__(self, study: optuna.Study, place: str) -> None:
        self._study = study
        self._place = place

    @classmethod
    def open(cls, storage: str, study_name: str) -> "Record":
        """Open the study at the database URL `storage`, or create it; `InputError` if unusable."""
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        try:
            study = optuna.create_study(
                storage=storage, study_name=study_name, direction="maximize", load_if_exists=True
            )
            schema = study.user_attrs.get("schema")
            if schema is None:
                study.set_user_attr("schema", SCHEMA)
        except Exception as error:
            cause = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise InputError(storage, f"the record cannot be opened ({cause})") from error
        if schema not in (None, SCHEMA):
            raise InputError(storage, f"record of schema {schema}, but this version reads {SCHEMA}")
        return cls(study, storage)

    def outcomes(self) -> list[Outcome]:
        """Read all outcomes, in the order in which they were told."""
        return [self._read(trial) for trial in self._study.get_trials(deepcopy=False)]

    def add(self, outcome: Outcome, options: Options) -> None:
        """Write one outcome, whole, in one transaction; `options` are those of its decisions."""
        self._study.add_trial(_trial(outcome, options))

    def note(self, name: str, data: Plain) -> None:
        """Keep a fact about the campaign itself, replacing an earlier one of that name."""
        self._study.set_user_attr(name, data)

    def noted(self, name: str) -> Plain:
        """Read a fact about the campaign, or None."""
        data: Plain = self._study.user_attrs.get(name)
        return data

    def _read(self, trial: FrozenTrial) -> Outcome:
        place = f"{self._place}: trial {trial.number}"
        text = trial.user_attrs.get("outcome")
        if not isinstance(text, str):
            raise InputError(place, "is no outcome of a campaign")
        return from_plain(Outcome, loads(text, place), place)


def sqlite_url(folder: Path) -> str:
    """Name the default record of a campaign folder."""
    return f"sqlite:///{folder.resolve() / 'study.db'}"


def frame(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """Show outcomes as a table: one row each, decisions as `decision.NAME` columns."""
    rows: list[dict[str, Any]] = []
    for outcome in outcomes:
        row = _facts(outcome) | {"seed": outcome.seed, "training_seed": outcome.training_seed}
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
    return create_trial(
        state=TrialState.COMPLETE if complete else TrialState.PRUNED,
        value=outcome.value if complete else None,
        params={name: outcome.decisions[name] for name in known},
        distributions={name: CategoricalDistribution(tuple(options[name])) for name in known},
        user_attrs=attributes | {"outcome": dumps(outcome)},
        intermediate_values={m.epoch: m.top1 for m in outcome.curve},
        constraints=_violations(outcome),
    )


def _violations(outcome: Outcome) -> dict[str, float]:
    return {
        j.constraint: j.violation
        for j in outcome.judgements
        if j.mode == "enforce" and j.violation is not None
    }


def plain_outcome(outcome: Outcome) -> Plain:
    """Give an outcome as plain data, for `--json`."""
    return to_plain(outcome)
