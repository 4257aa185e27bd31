"""Candidates that a generator considers before any of them is trained, and the pool of them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy import float64
from numpy.typing import NDArray

from gensynth.errors import InputError
from gensynth.evaluation.constraint import ConstraintError
from gensynth.generators.problem import Foresight, Problem, sample_decisions
from gensynth.generators.synthesis.policy import DecisionTrace, Policy
from gensynth.genome import Decisions
from gensynth.space import Choose, Draw, Replay, without_some

T = TypeVar("T")
Floats = NDArray[float64]
REFINED, REFINEMENT_STEPS = 8, 40
"""Best candidates that are mutated in a round of refinement, and mutations in all."""


@dataclass(frozen=True)
class SampledCandidate:
    """The decisions of a candidate, the options they came from, and what is known of it."""

    trace: DecisionTrace
    foresight: Foresight

    @property
    def decisions(self) -> Decisions:
        """The answers."""
        return self.trace.decisions

    @property
    def excess(self) -> float:
        """Sum of the positive violations that are known before training."""
        return sum(max(violation, 0.0) for violation in self.foresight.violations.values())


def trace_decisions(problem: Problem, choose: Choose, seed: int) -> DecisionTrace:
    """Sample a problem with `choose` for the seed s, and keep what was asked."""
    record = sample_decisions(problem, choose)
    return DecisionTrace(seed, record.options, record.decisions)


def sample_candidate(problem: Problem, choose: Choose, seed: int = 0) -> SampledCandidate:
    """Sample a candidate with `choose` for the seed s.

    Raises `InputError` if no network can be built, and `ConstraintError` if a rule fails.
    """
    trace = trace_decisions(problem, choose, seed)
    return SampledCandidate(trace, problem.foresee(trace.decisions))


def sampled_candidate(problem: Problem, decisions: Decisions, seed: int = 0) -> SampledCandidate:
    """Return the candidate of given decisions; raise `InputError` if they are not valid."""
    return sample_candidate(problem, Replay(decisions), seed)


Sampler = tuple[Choose, int]
"""What answers the decisions of one candidate, with its seed s."""


class CandidatePool:
    """Untrained candidates from which the next proposal is taken.

    Each function is sampled once: what was sampled before, or proposed by anybody, does not join.
    """

    def __init__(self, problem: Problem, seed: int, foresight: bool = True) -> None:
        """Make an empty pool; only with `foresight` are candidates known to be infeasible left out.

        `seed` fixes the seeds s and the mutations.
        """
        self.problem = problem
        self.candidates: dict[str, SampledCandidate] = {}
        """By fingerprint, in the order in which they joined."""
        self.rejections: dict[str, int] = {}
        """Candidates that were left out, by the rule that they break."""
        self.sampled: set[str] = set()
        """Fingerprints that are not sampled again."""
        self._rng = np.random.default_rng(seed)
        self._foresight = foresight
        self._seed, self._drawn = seed, 0

    def fresh_seeds(self, count: int) -> list[int]:
        """Return seeds s that were not returned before."""
        self._drawn += count
        numbers = np.random.SeedSequence((self._seed, self._drawn)).generate_state(count)
        return [int(number) >> 1 for number in numbers]

    def draws(self, policy: Policy, count: int) -> list[Sampler]:
        """Return samplers of G(s) for fresh seeds."""
        return [(policy.answerer(s), s) for s in self.fresh_seeds(count)]

    def mutants(self, policy: Policy, parents: Sequence[Decisions], count: int) -> list[Sampler]:
        """Return samplers that answer some decisions of random parents anew, by G or at random."""
        samplers: list[Sampler] = []
        for s in self.fresh_seeds(count):
            kept = without_some(parents[int(self._rng.integers(len(parents)))], self._rng)
            rest = _Alternately(policy.answerer(s), Draw(np.random.default_rng(s)))
            samplers.append((Replay(kept, rest, lenient=True), s))
        return samplers

    def sample(self, samplers: Iterable[Sampler]) -> list[SampledCandidate]:
        """Sample candidates; return those that are new, of which the feasible ones join the pool.

        A sampler whose candidate cannot be built or judged is counted as a rejection.
        """
        new = []
        for choose, seed in samplers:
            try:
                candidate = sample_candidate(self.problem, choose, seed)
            except InputError as error:
                self._reject(error.place)
                continue
            except ConstraintError:
                self._reject("constraint")
                continue
            if candidate.foresight.fingerprint not in self.sampled:
                self.sampled.add(candidate.foresight.fingerprint)
                new.append(candidate)
                self._admit(candidate)
        return new

    def refine(
        self,
        policy: Policy,
        rounds: int,
        acquisition: Callable[[Sequence[SampledCandidate]], Floats],
    ) -> None:
        """Search locally: in several rounds, mutate the candidates of the highest acquisition."""
        best: list[tuple[float, SampledCandidate]] = []
        fresh = list(self.candidates.values())
        for _ in range(rounds):
            if fresh:
                best += zip(acquisition(fresh).tolist(), fresh, strict=True)
            best = sorted(best, key=lambda pair: -pair[0])[:REFINED]
            parents = [candidate.decisions for _, candidate in best]
            fresh = self.sample(self.mutants(policy, parents, REFINEMENT_STEPS))

    def remove(self, candidate: SampledCandidate) -> None:
        """Take a candidate out of the pool for good: it is proposed."""
        self.sampled.add(candidate.foresight.fingerprint)
        self.candidates.pop(candidate.foresight.fingerprint, None)

    def keep(self, ranked: Sequence[SampledCandidate], size: int) -> None:
        """Keep the first `size` of the ranked candidates, in their order.

        The others may be sampled again later, when more is known.
        """
        self.candidates = {c.foresight.fingerprint: c for c in ranked[:size]}
        self.sampled -= {c.foresight.fingerprint for c in ranked[size:]}

    def _admit(self, candidate: SampledCandidate) -> None:
        violations = candidate.foresight.violations
        broken = [name for name, violation in violations.items() if violation > 0]
        if broken and self._foresight:
            for name in broken:
                self._reject(name)
        else:
            self.candidates[candidate.foresight.fingerprint] = candidate

    def _reject(self, name: str) -> None:
        self.rejections[name] = self.rejections.get(name, 0) + 1


@dataclass(frozen=True)
class _Alternately:
    """Answers each decision by the policy or at random, with equal probability."""

    policy: Choose
    draw: Draw

    def __call__(self, name: str, options: Sequence[T], /) -> T:
        chosen = self.policy if self.draw.rng.random() < 0.5 else self.draw
        return chosen(name, options)
