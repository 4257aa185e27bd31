"""`GenerativeSynthesisSampler`: the generator and its inquisitor for any Optuna study."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.samplers._base import _process_constraints_after_trial
from optuna.search_space import IntersectionSearchSpace
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from gensynth.generators.optuna_sampler.guest import OPTIONS, GuestSynthesis
from gensynth.generators.optuna_sampler.parameters import ParameterProblem
from gensynth.generators.optuna_sampler.trials import covers, outcome_of
from gensynth.space import Replay

Space = dict[str, BaseDistribution]


@dataclass
class _Course:
    """What has been learned of one study over one search space."""

    study: str
    space: Space
    generator: GuestSynthesis
    told: set[int] = field(default_factory=set)
    """Numbers of the trials that G and I know of."""
    proposed: dict[int, dict[str, Any]] = field(default_factory=dict)
    """Values given to trials that may not have written them down yet."""


class GenerativeSynthesisSampler(BaseSampler):
    """Samples parameters by generative synthesis: G proposes from many seeds, I judges.

    Parameters that every trial has are sampled together; those that only some trials have, or
    whose range changes, are left to `independent_sampler`. Numbers, also on logarithmic scales and
    with steps, are chosen on a grid of at most 32,768 cells. Constraints (`trial.set_constraint`,
    or `constraints_func`; at most 0 where they hold) are learned and kept; pruned trials count by
    their last reported value; failed ones teach nothing; running ones count as likely to turn out
    as expected, so that many workers propose different things. One objective only.

    The sampler holds nothing that the study does not: a new process learns from its trials.
    """

    def __init__(
        self,
        *,
        seed: int | None = None,
        independent_sampler: BaseSampler | None = None,
        n_startup_trials: int = 6,
        constraints_func: Callable[[FrozenTrial], Sequence[float]] | None = None,
    ) -> None:
        """Begin with nothing learned.

        Args:
            seed: Fixes all randomness as long as trials run one after the other.
            independent_sampler: For what cannot be sampled together; random by default.
            n_startup_trials: Trials that are spread out over the space before I judges.
            constraints_func: Gives the constraints of a finished trial.
        """
        self._seeds = np.random.default_rng(seed)
        self._independent = independent_sampler or RandomSampler(seed=self._draw_seed())
        self._startup = n_startup_trials
        self._constraints_func = constraints_func
        self._search_space = IntersectionSearchSpace(include_pruned=True)
        self._course: _Course | None = None
        self._lock = Lock()

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the lock; Optuna's users store samplers to go on later."""
        return {name: part for name, part in self.__dict__.items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Make a new lock."""
        self.__dict__.update(state, _lock=Lock())

    def reseed_rng(self) -> None:
        """Go on with fresh randomness, as Optuna asks for in each of several workers."""
        with self._lock:
            self._seeds = np.random.default_rng()
            self._course = None
        self._independent.reseed_rng()

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> Space:
        """Give the parameters that all trials have, those with one possible value excepted."""
        with self._lock:
            space = self._search_space.calculate(study)
        return {name: d for name, d in space.items() if not d.single()}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: Space
    ) -> dict[str, Any]:
        """Propose values for all of `search_space` together."""
        self._raise_error_if_multi_objective(study)
        if not search_space:
            return {}
        with self._lock:
            return self._propose(study, trial, search_space)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Leave a parameter that only some trials have to the independent sampler."""
        self._raise_error_if_multi_objective(study)
        return self._independent.sample_independent(study, trial, param_name, param_distribution)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Let the independent sampler prepare."""
        self._independent.before_trial(study, trial)

    def after_trial(
        self,
        study: Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Write the constraints of a finished trial down."""
        if self._constraints_func is not None:
            _process_constraints_after_trial(self._constraints_func, study, trial, state)
        self._independent.after_trial(study, trial, state, values)

    def _draw_seed(self) -> int:
        return int(self._seeds.integers(2**31))

    def _propose(self, study: Study, trial: FrozenTrial, space: Space) -> dict[str, Any]:
        course = self._course
        if course is None or course.study != study.study_name or course.space != space:
            options = replace(OPTIONS, initial=self._startup)
            generator = GuestSynthesis(ParameterProblem(space), self._draw_seed(), options)
            course = self._course = _Course(study.study_name, dict(space), generator)
        _catch_up(course, study, trial.number)
        proposal = course.generator.ask()
        values = course.generator.problem.sample(Replay(proposal.decisions))
        course.proposed[trial.number] = values
        return values


def _catch_up(course: _Course, study: Study, present: int) -> None:
    """Learn from the trials that ended since, and see which ones are running."""
    sign = 1.0 if study.direction == StudyDirection.MAXIMIZE else -1.0
    problem = course.generator.problem
    tried, pending = [], []
    for trial in study.get_trials(deepcopy=False):
        if trial.number in course.told or trial.number == present:
            continue
        if trial.state.is_finished():
            course.told.add(trial.number)
            course.proposed.pop(trial.number, None)
        elif trial.state != TrialState.RUNNING:
            continue
        known = covers(trial, course.space)
        if not known and trial.number not in course.proposed:
            continue
        decisions = problem.decisions(trial.params if known else course.proposed[trial.number])
        if trial.state == TrialState.RUNNING:
            pending.append(decisions)
            continue
        tried.append(decisions)  # One that failed, too: the same would fail again.
        if trial.state != TrialState.FAIL:
            key = problem.foresee(decisions).fingerprint
            course.generator.tell(outcome_of(trial, decisions, key, sign))
    course.generator.hand_over(tried, pending)
