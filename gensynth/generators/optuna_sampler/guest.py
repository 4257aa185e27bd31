"""Generative synthesis as a guest: others may hand candidates out too, and keep the record."""

from collections.abc import Sequence

import numpy as np

from gensynth.generators.optuna_sampler.parameters import ParameterProblem
from gensynth.generators.synthesis.draft import Draft, draft_of
from gensynth.generators.synthesis.generator import Options, Synthesis
from gensynth.generators.synthesis.inquisitor import Inquisitor
from gensynth.generators.synthesis.reader import Reader
from gensynth.generators.synthesis.surrogate import Prior
from gensynth.genome import Decisions

OPTIONS = Options(seeds=48, mutants=48, pool=512, probe=False)
PRIOR = Prior(weight=(0.6, 1.0), amplitude=((0.0, 0.7), (0.0, 0.7), (-4.0, 1.5)))
"""Numbers may matter much more than costs do, and objectives are often exact."""
REFINEMENTS, STEPS, KEPT = 6, 40, 8
"""Before one is proposed, the best drafts are varied so many times, by so many steps in all."""


class GuestSynthesis(Synthesis):
    """G and I over the parameters of a study."""

    problem: ParameterProblem

    def __init__(self, problem: ParameterProblem, seed: int, options: Options = OPTIONS) -> None:
        """Begin with nothing learned."""
        super().__init__(problem, seed, options)
        self.inquisitor = Inquisitor(problem, Reader(problem.digits, standard=True), PRIOR)

    def hand_over(self, tried: Sequence[Decisions], pending: Sequence[Decisions]) -> None:
        """Count candidates as asked, whoever asked; outcomes of `pending` ones are to come."""
        self._pending = []
        for decisions in [*tried, *pending]:
            draft = draft_of(self.problem, decisions)
            self._asked[draft.foresight.fingerprint] = draft
            self._seen.add(draft.foresight.fingerprint)
            self._pool.pop(draft.foresight.fingerprint, None)
            self._pending.append(draft)
        self._pending = self._pending[len(tried) :]

    def _judged(self, drafts: Sequence[Draft]) -> Draft:
        """Look for better drafts near the best ones first: a grid of numbers is a fine one."""
        self._refine()
        return super()._judged(drafts)

    def _refine(self) -> None:
        best = self._ranked(list(self._pool.values()))
        for _ in range(REFINEMENTS):
            fresh = []
            for s in self._seeds(STEPS):
                _, parent = best[int(self._rng.integers(len(best)))]
                draft = self._drafted(self._mutant(parent.decisions, s), s)
                if draft.foresight.fingerprint not in self._seen:
                    self._seen.add(draft.foresight.fingerprint)
                    self._admit(draft)
                    fresh.append(draft)
            best = sorted([*best, *self._ranked(fresh)], key=lambda pair: -pair[0])[:KEPT]

    def _ranked(self, drafts: Sequence[Draft]) -> list[tuple[float, Draft]]:
        """Give the drafts of the highest merit, and their merits, best first."""
        if not drafts:
            return []
        merit = self.inquisitor.judge(drafts, self._pending).merit
        order = np.argsort(-merit, kind="stable")[:KEPT]
        return [(float(merit[k]), drafts[k]) for k in order]
