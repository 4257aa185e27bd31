"""Generative synthesis: G proposes from many seeds, I assesses, G changes, one candidate is asked.

FermiNets (Wong et al., arXiv 1809.05989) names the parts: a generator G(s; theta_G) learns, by an
inquisitor I that gives the change of theta_G, to maximise U(G(s)) subject to 1_r(G(s)) = 1. What
the papers leave open (the form of G and I, the losses, the step sizes) is our own here.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy import float64
from numpy.typing import NDArray

from gensynth.errors import InputError
from gensynth.evaluation.constraint import ConstraintError
from gensynth.evaluation.outcome import Outcome
from gensynth.generators.problem import HasFront, Problem, fitness
from gensynth.generators.protocol import Proposal
from gensynth.generators.synthesis.acquisition import CandidateAssessments
from gensynth.generators.synthesis.candidates import (
    CandidatePool,
    SampledCandidate,
    sample_candidate,
    sampled_candidate,
    trace_decisions,
)
from gensynth.generators.synthesis.earlier import best_earlier
from gensynth.generators.synthesis.inquisitor import Inquisitor
from gensynth.generators.synthesis.options import SynthesisOptions as SynthesisOptions
from gensynth.generators.synthesis.policy import Policy
from gensynth.genome import Decisions
from gensynth.space import Replay

ROUNDS = 12
"""Rounds of sampling without a feasible candidate before the one nearest to it is proposed."""
PARENTS = 6
"""Best trained candidates that are mutated."""
ELITE = 0.25
"""Share of a round's candidates that G learns from."""
BEST_OF_POOL = 8
"""Candidates of the pool that G learns from besides."""
LESSONS = 2
"""Steps by which G learns from earlier campaigns before the first proposal."""
FINALISTS = 4
"""Candidates of the highest acquisition that are built and probed before one is proposed."""
SPREAD = 512
"""Candidates of which the most distant one is proposed while nothing is learned."""


class Synthesis:
    """The generator named `gensynth`: G and I around a pool of candidates."""

    def __init__(
        self,
        problem: Problem,
        seed: int,
        options: SynthesisOptions | None = None,
        inquisitor: Inquisitor | None = None,
    ) -> None:
        """Start at the problem's prototype; `seed` fixes all randomness."""
        self.problem = problem
        self.options = options or SynthesisOptions()
        self.start = Policy(problem.prototype, self.options.rate)
        """G before it has learned anything."""
        self.policy = self.start.copy()
        self.inquisitor = inquisitor or Inquisitor(problem)
        self.judged = 0
        """Proposals that I chose, each of which changed G; those before them are spread out."""
        self._seed = seed
        self._pool = CandidatePool(problem, seed, self.options.foresight)
        self._asked: dict[str, SampledCandidate] = {}
        self._pending: list[SampledCandidate] = []
        self._earlier = best_earlier(problem) if self.options.learn else []
        """Candidates of earlier campaigns, the best first."""
        self._initial = 1 if self._earlier else self.options.initial
        self._begin_warm()
        self._outcomes: list[Outcome] = []

    @property
    def learns_from_earlier(self) -> bool:
        """Whether I and G learn from earlier campaigns."""
        return self.options.learn

    @property
    def rejections(self) -> Mapping[str, int]:
        """Candidates that were discarded before they were proposed, by the rule that they break."""
        return self._pool.rejections

    def ask(self) -> Proposal:
        """Sample many candidates, let I assess them, change G, and propose the best one.

        Raises `InputError` if no candidate can be built and judged.
        """
        fresh = self._sample_until_feasible()
        first = self._first()
        if first is not None:
            chosen = first
        elif not self._pool.candidates:
            chosen = min(fresh, key=lambda candidate: candidate.excess)
        elif not self.options.learn:
            chosen = next(iter(self._pool.candidates.values()))
        elif len(self._asked) < self._initial or not self.inquisitor.tried:
            chosen = self._spread_out()
        else:
            chosen = self._best(fresh)
            self.judged += 1
        self._pool.remove(chosen)
        self._asked[chosen.foresight.fingerprint] = chosen
        self._pending.append(chosen)
        return Proposal(chosen.decisions, chosen.trace.seed)

    def tell(self, outcome: Outcome) -> None:
        """Learn from an outcome."""
        self._outcomes.append(outcome)
        waiting = [c for c in self._pending if dict(c.decisions) == dict(outcome.decisions)]
        if waiting:
            self._pending.remove(waiting[0])
        if self.options.learn:
            self.inquisitor.observe(outcome)

    def tell_longer(self, outcome: Outcome) -> None:
        """Learn what a training of the finals' length gains over the search's."""
        if self.options.learn:
            self.inquisitor.observe_longer(outcome)

    def synchronise(self, finished: Sequence[Decisions], pending: Sequence[Decisions]) -> None:
        """Count candidates as proposed, whoever proposed them.

        `pending` are all candidates whose outcomes are still to come.
        """
        candidates = [sampled_candidate(self.problem, some) for some in [*finished, *pending]]
        for candidate in candidates:
            self._asked[candidate.foresight.fingerprint] = candidate
            self._pool.remove(candidate)
        self._pending = candidates[len(finished) :]

    def generate(self, count: int, first: int = 0, learned: bool = True) -> Iterator[Proposal]:
        """Yield G(s) for the seeds `first`, `first + 1`, ...; at its start if not `learned`."""
        policy = self.policy if learned else self.start
        for s in range(first, first + count):
            yield Proposal(trace_decisions(self.problem, policy.answerer(s), s).decisions, s)

    def expect(self, decisions: Sequence[Decisions]) -> CandidateAssessments:
        """Return what I expects of networks, each array of shape (len(decisions),)."""
        return self.inquisitor.assess([sampled_candidate(self.problem, some) for some in decisions])

    # Sampling --------------------------------------------------------------------------------

    def _begin_warm(self) -> None:
        """Let G learn from the best candidates of earlier campaigns, which join the pool."""
        best = self._earlier[:PARENTS]
        for _ in range(LESSONS if best else 0):
            self._teach(best)
        self._pool.sample([(Replay(c.decisions), c.trace.seed) for c in self._earlier])

    def _first(self) -> SampledCandidate | None:
        """Return the candidate of the first proposal: the best earlier one, else the prototype.

        None if there is neither, or if it may not be trained.
        """
        if self._asked or self._outcomes:
            return None
        if self._earlier:
            return self._earlier[0]
        if not self.problem.prototype:
            return None
        try:
            candidate = sampled_candidate(self.problem, self.problem.prototype, self._seed)
        except (InputError, ConstraintError):
            return None
        self._pool.sampled.add(candidate.foresight.fingerprint)
        return candidate if candidate.foresight.feasible else None

    def _sample_until_feasible(self) -> list[SampledCandidate]:
        """Sample rounds of new candidates until the pool holds a feasible one.

        Meanwhile G learns from the candidates nearest to feasibility.
        """
        fresh: list[SampledCandidate] = []
        for round_ in range(ROUNDS):
            fresh += self._sample(8 if round_ == 0 and not self._pool.sampled else 1)
            if self._pool.candidates:
                break
            if self.options.learn and fresh:
                nearest = sorted(fresh, key=lambda candidate: candidate.excess)
                self._teach(nearest[: max(1, round(ELITE * len(nearest)))])
        return fresh or [self._any_candidate()]

    def _sample(self, times: int) -> list[SampledCandidate]:
        samplers = self._pool.draws(self.policy, times * self.options.seeds)
        parents = self._parents()
        if parents:
            samplers += self._pool.mutants(self.policy, parents, self.options.mutants)
        return self._pool.sample(samplers)

    def _any_candidate(self) -> SampledCandidate:
        """Return a candidate that was sampled before; if none can be, say why."""
        reason = ""
        for choose, s in self._pool.draws(self.policy, self.options.seeds):
            try:
                return sample_candidate(self.problem, choose, s)
            except (InputError, ConstraintError) as error:
                reason = str(error)
        raise InputError("", f"{reason}; and so for every candidate that was tried")

    def _parents(self) -> list[Decisions]:
        """Return the best trained candidates: those of the front, if one is asked for."""
        if self.options.learn and isinstance(self.problem, HasFront) and self.problem.front:
            best, most = self.inquisitor.front(2 * PARENTS), 2 * PARENTS
        else:
            trained = [o for o in self._outcomes if o.curve and self.options.learn]
            best, most = sorted(trained, key=fitness, reverse=True), PARENTS
        few = sum(bool(o.curve) for o in self._outcomes) < self.options.initial
        earlier = [candidate.decisions for candidate in self._earlier if few]
        return [*(o.decisions for o in best), *earlier][:most]

    # Choosing and learning -------------------------------------------------------------------

    def _spread_out(self) -> SampledCandidate:
        """Return a candidate of high possible value that is far from all that were proposed."""
        candidates = list(self._pool.candidates.values())
        values = self.inquisitor.best_values(candidates)
        median = np.median(values)
        good = [c for c, value in zip(candidates, values, strict=True) if value >= median]
        if not self._asked:
            return good[0]
        distances = self.inquisitor.distances(good[:SPREAD], list(self._asked.values()))
        return good[_argmax(distances)]

    def _best(self, fresh: Sequence[SampledCandidate]) -> SampledCandidate:
        """Return the candidate of the highest acquisition; G learns from what I prefers.

        The best candidates are probed, and assessed again if any of them reacts.
        """
        self._pool.refine(
            self.policy,
            self.options.refinements,
            lambda some: self.inquisitor.assess(some, self._pending).acquisition,
        )
        pool = list(self._pool.candidates.values())
        assessment = self.inquisitor.assess(pool, self._pending)
        self._learn_from(pool, assessment, fresh)
        ranked = [pool[k] for k in np.argsort(-assessment.acquisition, kind="stable")]
        finalists, index = pool, _argmax(assessment.acquisition)
        probed = ranked[:FINALISTS] if self.options.probe else []
        reactions = [self.inquisitor.probe(candidate) for candidate in probed]
        if any(reactions):
            finalists = probed
            assessment = self.inquisitor.assess(finalists, self._pending)
            index = _argmax(assessment.acquisition)
        self._pool.keep(ranked, self.options.pool)
        self.inquisitor.expect(finalists[index], assessment.accuracy(index))
        return finalists[index]

    def _learn_from(
        self,
        pool: Sequence[SampledCandidate],
        assessment: CandidateAssessments,
        fresh: Sequence[SampledCandidate],
    ) -> None:
        """Change G towards the candidates of this round, and of the pool, that I prefers."""
        names = {candidate.foresight.fingerprint for candidate in fresh}
        order = np.argsort(-assessment.preference, kind="stable")
        recent = [pool[k] for k in order if pool[k].foresight.fingerprint in names]
        best = [pool[k] for k in order[:BEST_OF_POOL]]
        self._teach([*recent[: max(1, round(ELITE * len(fresh)))], *best])

    def _teach(self, elite: Sequence[SampledCandidate]) -> None:
        weights = np.full(len(elite), 1 / len(elite))
        self.policy.learn([candidate.trace for candidate in elite], weights, steps=1)


def make_synthesis(
    problem: Problem,
    seed: int,
    seeds: int = SynthesisOptions.seeds,
    mutants: int = SynthesisOptions.mutants,
    pool: int = SynthesisOptions.pool,
    initial: int = SynthesisOptions.initial,
    rate: float = SynthesisOptions.rate,
    learn: bool = SynthesisOptions.learn,
    probe: bool = SynthesisOptions.probe,
    foresight: bool = SynthesisOptions.foresight,
) -> Synthesis:
    """Make generative synthesis: an inquisitor teaches a generator network G(s).

    The options are those of `SynthesisOptions`.
    """
    options = SynthesisOptions(seeds, mutants, pool, initial, rate, learn, probe, foresight)
    return Synthesis(problem, seed, options)


def _argmax(numbers: NDArray[float64]) -> int:
    """Return the first index of the greatest number; rounding errors do not make one greater."""
    return int(np.argmax(np.round(numbers, 9)))
