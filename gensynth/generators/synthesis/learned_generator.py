"""The learned generator G*(s; theta_G), which a campaign hands over beside its best network.

It is to answer Eq. 1 of the papers, `max U(G(s)) subject to 1_r(G(s)) = 1 for all s`, and is apart
from the policy that proposes candidates: that one looks for improvements, and is optimistic.

- *Self-play* changes theta_G by the inquisitor's opinion alone, without any training. In each round
  G answers many seeds, some networks of an archive are mutated, and G moves towards the best. What
  counts is the chance that every rule will be confirmed, up to `ENOUGH`, and then the value.
- *Diversity* is asked for: the archive holds each function once, and G learns from a random part
  of it, so that one good network cannot take its place.
- *The inquisitor has the last word*: G*(s) is the first of a few answers of G for the seed s that
  keeps all rules known before training, exactly, and the others with the chance `ENOUGH`; else the
  one of the highest chance.

All of it follows from the outcomes, whichever generator proposed them. What I believes of G* is an
opinion: judge G* by networks that are trained.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy import float64
from numpy.typing import NDArray

from gensynth.errors import InputError
from gensynth.evaluation.constraint import ConstraintError
from gensynth.evaluation.outcome import Outcome
from gensynth.generators.problem import Problem
from gensynth.generators.protocol import Proposal
from gensynth.generators.synthesis.candidates import (
    CandidatePool,
    SampledCandidate,
    Sampler,
    sample_candidate,
    trace_decisions,
)
from gensynth.generators.synthesis.inquisitor import Inquisitor
from gensynth.generators.synthesis.policy import Policy
from gensynth.space import Replay

ENOUGH = 0.9
"""Chance of keeping every rule beyond which only the value counts."""
ANSWERS = 4
"""Answers of G for one seed, of which I chooses."""
RATE = 0.05
"""Step size of theta_G in self-play."""
ARCHIVE, LESSON = 64, 24
"""Networks that are remembered, and those of them that G learns from in a round."""


@dataclass(frozen=True)
class SelfPlay:
    """The length of self-play."""

    rounds: int = 100
    seeds: int = 32
    """Seeds that G answers in a round."""
    mutants: int = 32
    """Networks of the archive that are mutated in a round."""
    caution: float = 0.0
    """Units of the value that each point of the accuracy's standard deviation costs: the highest of
    many predictions is one that errs upwards."""


class LearnedGenerator:
    """G* and its inquisitor, as outcomes imply them."""

    def __init__(
        self,
        problem: Problem,
        outcomes: Sequence[Outcome],
        longer: Sequence[Outcome] = (),
        seed: int = 0,
        length: SelfPlay | None = None,
    ) -> None:
        """Learn from a search's `outcomes`, then by self-play.

        `longer` are trainings of the finals' length. `seed` fixes all randomness.
        """
        self.problem = problem
        self.inquisitor = Inquisitor(problem)
        for outcome in outcomes:
            self.inquisitor.observe(outcome)
        for outcome in longer:
            self.inquisitor.observe_longer(outcome)
        self.start = Policy(problem.prototype, RATE)
        """G before it has learned anything."""
        self.policy = self.start.copy()
        self._length = length or SelfPlay()
        self._rng = np.random.default_rng(seed)
        self._pool = CandidatePool(problem, seed, foresight=True)
        self.archive: list[SampledCandidate] = []
        """The best networks met, each function once, the best first."""
        if self.inquisitor.tried:
            self._play()

    def generate(self, count: int, first: int = 0, learned: bool = True) -> Iterator[Proposal]:
        """Yield G*(s) for the seeds `first`, `first + 1`, ...; G at its start if not `learned`."""
        seeds = range(first, first + count)
        answers = {s: self._answers(s) for s in seeds} if learned and self.archive else {}
        tried = [answer for some in answers.values() for answer in some]
        chances = self._ranks(tried)[:, 0].tolist() if tried else []
        chance = dict(zip(map(id, tried), chances, strict=True))
        for s in seeds:
            if some := answers.get(s):
                yield Proposal(max(some, key=lambda answer: chance[id(answer)]).decisions, s)
            else:
                policy = self.policy if learned else self.start
                yield Proposal(trace_decisions(self.problem, policy.answerer(s), s).decisions, s)

    def _answers(self, s: int) -> list[SampledCandidate]:
        """Return the answers of G for the seed s that can be built and judged, in order."""
        streams = [s, *np.random.SeedSequence(s).generate_state(ANSWERS - 1).tolist()]
        return list(self._valid((self.policy.answerer(stream), s) for stream in streams))

    def _valid(self, samplers: Iterable[Sampler]) -> Iterator[SampledCandidate]:
        for choose, s in samplers:
            try:
                yield sample_candidate(self.problem, choose, s)
            except (InputError, ConstraintError):
                continue

    # Self-play -------------------------------------------------------------------------------

    def _play(self) -> None:
        length = self._length
        self._remember(self._trained())
        for _ in range(length.rounds):
            drawn = self._pool.sample(self._pool.draws(self.policy, length.seeds))
            parents = [candidate.decisions for candidate in self.archive]
            mutants = self._pool.mutants(self.policy, parents, length.mutants) if parents else []
            self._remember([*drawn, *self._pool.sample(mutants)])
            lesson = self._lesson()
            weights = np.full(len(lesson), 1 / max(len(lesson), 1))
            self.policy.learn([candidate.trace for candidate in lesson], weights, steps=1)

    def _trained(self) -> list[SampledCandidate]:
        """Return the networks of the search, which are the first that G learns from."""
        tried = self.inquisitor.tried
        return list(self._valid((Replay(o.decisions), o.seed) for o in tried))

    def _remember(self, candidates: Sequence[SampledCandidate]) -> None:
        """Keep the best networks of the archive and of `candidates` that break no known rule."""
        known = {c.foresight.fingerprint: c for c in [*self.archive, *candidates]}
        allowed = [c for c in known.values() if c.foresight.feasible]
        if allowed:
            ranks = self._ranks(allowed)
            order = np.lexsort((-ranks[:, 1], -ranks[:, 0]))[:ARCHIVE]
            self.archive = [allowed[k] for k in order]

    def _lesson(self) -> list[SampledCandidate]:
        chosen = self._rng.permutation(len(self.archive))[:LESSON]
        return [self.archive[k] for k in np.sort(chosen)]

    def _ranks(self, candidates: Sequence[SampledCandidate]) -> NDArray[float64]:
        """Return each candidate's chance up to `ENOUGH`, and its value, (n, 2); higher is better.

        A known rule that is broken makes the chance negative, by how much it is broken.
        """
        found = self.inquisitor.assess(candidates)
        excess = np.array([candidate.excess for candidate in candidates])
        chance = np.where(excess > 0, -excess, np.minimum(found.chance, ENOUGH))
        value = found.value - self._length.caution * found.deviation
        return np.stack([np.round(chance, 6), value], axis=1)
