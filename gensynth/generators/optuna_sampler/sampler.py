"""`GenerativeSynthesisSampler`: generative synthesis as a sampler for any Optuna study."""

from collections.abc import Callable, Mapping, Sequence
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

from gensynth.generators.optuna_sampler.parameters import ParameterProblem
from gensynth.generators.optuna_sampler.trials import covers, outcome_of
from gensynth.generators.synthesis.encoding import CandidateEncoder
from gensynth.generators.synthesis.gaussian_process import Prior
from gensynth.generators.synthesis.generator import Synthesis, SynthesisOptions
from gensynth.generators.synthesis.inquisitor import Inquisitor
from gensynth.space import Replay

Space = dict[str, BaseDistribution]
OPTIONS = SynthesisOptions(seeds=48, mutants=48, pool=512, probe=False, refinements=6)
PRIOR = Prior(weight=(0.6, 1.0), amplitude=((0.0, 0.7), (0.0, 0.7), (-4.0, 1.5)))
"""Unlike the costs of a network, numbers may decide the objective, which often has no noise."""


@dataclass
class _Progress:
    """What was learned of one study over one search space."""

    study: str
    space: Space
    problem: ParameterProblem
    generator: Synthesis
    known: set[int] = field(default_factory=set)
    """Numbers of the finished trials that the generator knows."""
    proposed: dict[int, dict[str, Any]] = field(default_factory=dict)
    """Values that were proposed for trials whose parameters may not be stored yet."""

    @classmethod
    def start(cls, study: str, space: Space, seed: int, startup: int) -> "_Progress":
        """Make a generator that has learned nothing; its first proposals are spread out."""
        problem = ParameterProblem(space)
        encoder = CandidateEncoder(ignored=problem.digits, standardised=True)
        inquisitor = Inquisitor(problem, encoder, PRIOR)
        options = replace(OPTIONS, initial=startup)
        return cls(study, dict(space), problem, Synthesis(problem, seed, options, inquisitor))

    def catch_up(self, study: Study, present: int) -> None:
        """Learn from the trials that finished since, and take note of those that are running.

        `present` is the number of the trial that is about to get its values.
        """
        sign = 1.0 if study.direction == StudyDirection.MAXIMIZE else -1.0
        finished, pending = [], []
        for trial in study.get_trials(deepcopy=False):
            if trial.number in self.known or trial.number == present:
                continue
            if trial.state.is_finished():
                self.known.add(trial.number)
                self.proposed.pop(trial.number, None)
            values = self._values(trial)
            if values is None:
                continue
            decisions = self.problem.decisions(values)
            if trial.state == TrialState.RUNNING:
                pending.append(decisions)
                continue
            finished.append(decisions)  # A failed trial too: it would fail again.
            if trial.state != TrialState.FAIL:
                key = self.problem.foresee(decisions).fingerprint
                self.generator.tell(outcome_of(trial, decisions, key, sign))
        self.generator.synchronise(finished, pending)

    def propose(self, number: int) -> dict[str, Any]:
        """Return the values of a trial."""
        proposal = self.generator.ask()
        self.proposed[number] = self.problem.sample(Replay(proposal.decisions))
        return self.proposed[number]

    def _values(self, trial: FrozenTrial) -> Mapping[str, Any] | None:
        """Return the values of a trial over this search space, if it has any."""
        if trial.state == TrialState.WAITING:
            return None
        return trial.params if covers(trial, self.space) else self.proposed.get(trial.number)


class GenerativeSynthesisSampler(BaseSampler):
    """Samples parameters by generative synthesis, for studies of one objective.

    Parameters that every trial has are sampled together. Those that only some trials have, or
    whose range changes, are left to `independent_sampler`. Numbers, also on logarithmic scales and
    with steps, are chosen on a grid of at most 32,768 cells.

    Constraints (`trial.set_constraint`, or `constraints_func`; at most 0 if they hold) are learned
    and kept. Pruned trials count by their last reported value, and failed ones teach nothing.
    Running trials are expected to turn out as predicted, so that many workers get different values.

    The sampler has no state that the study does not have: a new process learns from its trials.

    >>> import optuna
    >>> study = optuna.create_study(sampler=GenerativeSynthesisSampler(seed=0))
    >>> study.optimize(lambda trial: trial.suggest_float("x", -1, 1) ** 2, n_trials=8)
    >>> study.best_value < 0.1
    True
    """

    def __init__(
        self,
        *,
        seed: int | None = None,
        independent_sampler: BaseSampler | None = None,
        n_startup_trials: int = 6,
        constraints_func: Callable[[FrozenTrial], Sequence[float]] | None = None,
    ) -> None:
        """Make a sampler that has learned nothing.

        Args:
            seed: Fixes all randomness as long as trials run one after the other.
            independent_sampler: Samples the parameters that cannot be sampled together; random by
                default.
            n_startup_trials: Trials that are spread out over the space before learning begins.
            constraints_func: Returns the constraints of a finished trial.
        """
        self._seeds = np.random.default_rng(seed)
        self._independent = independent_sampler or RandomSampler(seed=self._draw_seed())
        self._startup = n_startup_trials
        self._constraints_func = constraints_func
        self._search_space = IntersectionSearchSpace(include_pruned=True)
        self._progress: _Progress | None = None
        self._lock = Lock()

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the lock, so that a sampler can be pickled and used later."""
        return {name: part for name, part in self.__dict__.items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the state with a new lock."""
        self.__dict__.update(state, _lock=Lock())

    def reseed_rng(self) -> None:
        """Continue with fresh randomness, as Optuna requests in each of several workers."""
        with self._lock:
            self._seeds = np.random.default_rng()
            self._progress = None
        self._independent.reseed_rng()

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> Space:
        """Return the parameters that all trials have and that have more than one value."""
        with self._lock:
            space = self._search_space.calculate(study)
        return {name: d for name, d in space.items() if not d.single()}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: Space
    ) -> dict[str, Any]:
        """Return values for all parameters of `search_space` together."""
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
        """Let the independent sampler prepare for a trial."""
        self._independent.before_trial(study, trial)

    def after_trial(
        self,
        study: Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Store the constraints of a finished trial."""
        if self._constraints_func is not None:
            _process_constraints_after_trial(self._constraints_func, study, trial, state)
        self._independent.after_trial(study, trial, state, values)

    def _draw_seed(self) -> int:
        return int(self._seeds.integers(2**31))

    def _propose(self, study: Study, trial: FrozenTrial, space: Space) -> dict[str, Any]:
        progress = self._progress
        if progress is None or progress.study != study.study_name or progress.space != space:
            progress = _Progress.start(study.study_name, space, self._draw_seed(), self._startup)
            self._progress = progress
        progress.catch_up(study, trial.number)
        return progress.propose(trial.number)
