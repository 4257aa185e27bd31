"""`GenerativeSynthesisSampler`: Optuna's own conformance suites, and what it promises beside."""

import pickle
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.distributions import (
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler, RandomSampler
from optuna.study import StudyDirection
from optuna.testing.pytest_samplers import (
    BasicSamplerTestCase,
    RelativeSamplerTestCase,
    SingleOnlySamplerTestCase,
)
from optuna.trial import FrozenTrial, Trial, TrialState

from gensynth import GenerativeSynthesisSampler


@pytest.fixture(autouse=True)
def quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)


class TestConformance(BasicSamplerTestCase, RelativeSamplerTestCase, SingleOnlySamplerTestCase):
    """The suites that Optuna ships for samplers of one objective."""

    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return GenerativeSynthesisSampler


def bowl(trial: Trial) -> float:
    """Best at x = 0.3, k = 7, rate = 1e-3, kind b: 0."""
    x, k = trial.suggest_float("x", -5, 5), trial.suggest_int("k", 1, 20)
    rate = trial.suggest_float("rate", 1e-6, 1, log=True)
    kind = trial.suggest_categorical("kind", ["a", "b", None])
    return float(
        (x - 0.3) ** 2 + 0.1 * (k - 7) ** 2 + (np.log10(rate) + 3) ** 2 + 3 * (kind != "b")
    )


def best(sampler: BaseSampler, sign: int, trials: int = 25) -> float:
    direction = StudyDirection.MINIMIZE if sign == 1 else StudyDirection.MAXIMIZE
    study = optuna.create_study(sampler=sampler, direction=direction)
    study.optimize(lambda trial: sign * bowl(trial), n_trials=trials)
    return sign * study.best_value


@pytest.mark.slow
@pytest.mark.parametrize("sign", [1, -1])
def test_it_learns_numbers_and_categories_in_both_directions(sign: int) -> None:
    chance = np.median([best(RandomSampler(seed=s), sign) for s in range(5)])
    assert best(GenerativeSynthesisSampler(seed=0), sign) < 0.3 < chance


@pytest.mark.parametrize(("unit", "zero"), [(1.0, 0.0), (0.01, 0.0), (0.005, 0.9), (50.0, -9.0)])
def test_the_unit_of_the_objective_changes_nothing(unit: float, zero: float) -> None:
    """A share between 0 and 1, as accuracies often are, is no percentage."""

    def hill(trial: Trial) -> float:
        x, y = trial.suggest_float("x", 0, 1), trial.suggest_float("y", 0, 1)
        return zero + unit * (1.0 - (x - 0.3) ** 2 - (y - 0.7) ** 2)

    study = optuna.create_study(sampler=GenerativeSynthesisSampler(seed=0), direction="maximize")
    study.optimize(hill, n_trials=24)
    assert study.best_value > zero + 0.9999 * unit


def test_a_seed_fixes_everything() -> None:
    def values(seed: int) -> list[float]:
        study = optuna.create_study(sampler=GenerativeSynthesisSampler(seed=seed))
        study.optimize(bowl, n_trials=9)
        return [trial.params["x"] for trial in study.trials]

    assert values(3) == values(3) != values(4)


def test_reseeding_makes_copies_differ() -> None:
    study = optuna.create_study(sampler=GenerativeSynthesisSampler(seed=0))
    study.optimize(bowl, n_trials=7)
    found = set()
    for _ in range(2):
        copy = pickle.loads(pickle.dumps(study.sampler))
        copy.reseed_rng()
        space = copy.infer_relative_search_space(study, study.trials[-1])
        found.add(copy.sample_relative(study, study.trials[-1], space)["x"])
    assert len(found) == 2


def test_a_new_process_learns_from_the_study(tmp_path: Path) -> None:
    study = optuna.create_study(storage=f"sqlite:///{tmp_path}/study.db", study_name="s")
    study.sampler = RandomSampler(seed=0)
    study.optimize(bowl, n_trials=25)
    later = optuna.load_study(
        storage=f"sqlite:///{tmp_path}/study.db",
        study_name="s",
        sampler=GenerativeSynthesisSampler(seed=0),
    )
    before = study.best_value
    later.optimize(bowl, n_trials=8)
    assert later.best_value < before / 4


@pytest.mark.slow
@pytest.mark.parametrize("old", [False, True])
def test_constraints_are_learned(old: bool) -> None:
    def broken(x: float, y: float) -> float:
        return 1.5 - x - y

    def objective(trial: Trial) -> float:
        x, y = trial.suggest_float("x", 0, 1), trial.suggest_float("y", 0, 1)
        if not old:
            trial.set_constraint("sum", broken(x, y))
        return x**2 + y**2

    def constraints(trial: FrozenTrial) -> Sequence[float]:
        return (broken(trial.params["x"], trial.params["y"]),)

    sampler = GenerativeSynthesisSampler(seed=1, constraints_func=constraints if old else None)
    study = optuna.create_study(sampler=sampler)
    study.optimize(objective, n_trials=20)
    assert study.best_value < 1.2  # the optimum, at x = y = 0.75, is 1.125; 0 breaks the rule
    late = [max(trial.constraints.values()) for trial in study.trials[12:]]
    assert np.median(late) < 0.01


def test_pruned_trials_teach_and_failed_ones_do_not_come_again() -> None:
    def objective(trial: Trial) -> float:
        x = trial.suggest_int("x", 0, 29)
        if x % 7 == 0:
            return float("nan")
        for step in (1, 2):
            trial.report(abs(x - 20) + 1 / step, step)
            if x < 15:
                raise optuna.TrialPruned
        return abs(x - 20)

    study = optuna.create_study(sampler=GenerativeSynthesisSampler(seed=0))
    study.optimize(objective, n_trials=16)
    assert {t.state for t in study.trials} >= {TrialState.PRUNED, TrialState.COMPLETE}
    assert study.best_value == 0
    failed = [t.params["x"] for t in study.trials if t.state == TrialState.FAIL]
    assert len(failed) == len(set(failed))


def test_running_trials_are_not_proposed_again() -> None:
    study = optuna.create_study(sampler=GenerativeSynthesisSampler(seed=0))
    space = {
        "x": FloatDistribution(0, 1),
        "n": IntDistribution(0, 100),
        "kind": CategoricalDistribution(("a", "b")),
    }
    for _ in range(8):
        trial = study.ask(space)
        study.tell(trial, abs(trial.params["x"] - 0.5) + trial.params["n"])
    waiting = [study.ask(space).params for _ in range(4)]
    distances = [
        abs(one["x"] - other["x"]) + abs(one["n"] - other["n"]) / 100
        for k, one in enumerate(waiting)
        for other in waiting[:k]
        if one["kind"] == other["kind"]
    ]
    assert len({repr(params) for params in waiting}) == 4
    assert not distances or min(distances) > 1e-3


def test_what_only_some_trials_have_is_left_to_the_independent_sampler() -> None:
    asked = []

    class Spy(RandomSampler):
        def sample_independent(self, study, trial, name, distribution):  # type: ignore[no-untyped-def]
            asked.append((trial.number, name))
            return super().sample_independent(study, trial, name, distribution)

    def objective(trial: Trial) -> float:
        kind = trial.suggest_categorical("kind", ["a", "b"])
        return trial.suggest_float(kind, 0, 1)

    study = optuna.create_study(
        sampler=GenerativeSynthesisSampler(seed=0, independent_sampler=Spy(seed=0))
    )
    study.optimize(objective, n_trials=12)
    assert len({name for _, name in asked} - {"kind"}) == 2
    assert "kind" not in {name for number, name in asked if number > 0}


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), 1e300, -1e20])
def test_extreme_values_do_no_harm(value: float) -> None:
    def objective(trial: Trial) -> float:
        x = trial.suggest_float("x", 0, 1)
        return value if trial.number == 3 else (x - 0.5) ** 2

    study = optuna.create_study(sampler=GenerativeSynthesisSampler(seed=0), direction="minimize")
    study.optimize(objective, n_trials=15)
    kept = [trial.values[0] for trial in study.trials if trial.number != 3]
    assert min(kept) < 1e-2


def test_several_objectives_are_refused() -> None:
    study = optuna.create_study(
        directions=["minimize", "maximize"], sampler=GenerativeSynthesisSampler()
    )
    with pytest.raises(ValueError, match="GenerativeSynthesisSampler"):
        study.optimize(lambda trial: (trial.suggest_float("x", 0, 1), 0.0), n_trials=1)


def test_importing_gensynth_stays_light() -> None:
    code = "import sys, gensynth; assert not {'torch', 'optuna'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_unknown_name_of_the_package_is_an_attribute_error() -> None:
    import gensynth

    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = gensynth.Nothing  # type: ignore[attr-defined]
