"""Generative synthesis: G proposes from many seeds, I judges, G changes, one candidate is asked.

FermiNets (Wong et al., arXiv 1809.05989) names the parts: a generator G(s; theta_G) learns, by an
inquisitor I that gives the change of theta_G, to maximise U(G(s)) subject to 1_r(G(s)) = 1. What
the papers leave open (the form of G and I, the losses, the step sizes) is our own here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy import float64
from numpy.typing import NDArray

from gensynth.errors import InputError
from gensynth.evaluation.constraint import ConstraintError
from gensynth.evaluation.outcome import Outcome
from gensynth.generators.evolution import fitness
from gensynth.generators.problem import Problem
from gensynth.generators.protocol import Proposal
from gensynth.generators.synthesis.draft import Draft, draft_of, trace_of
from gensynth.generators.synthesis.inquisitor import Inquisitor, Opinion
from gensynth.generators.synthesis.policy import Policy
from gensynth.genome import Decisions
from gensynth.space import Choose, Draw, Replay, without_some

T = TypeVar("T")
ROUNDS = 12
"""Rounds of drafting that may bring nothing feasible before the nearest to it is proposed."""
PARENTS = 6
ELITE = 0.25
FINALISTS = 4
"""Drafts of the highest merit whose networks are built and probed before one is proposed."""


@dataclass(frozen=True)
class Options:
    """How G and I work; the same for every problem."""

    seeds: int = 48
    """Seeds s that G answers for each proposal (eight times as many at first)."""
    mutants: int = 32
    """Drafts near the best that is known: some of its answers are given anew."""
    pool: int = 2048
    """Drafts that are kept and judged again for each proposal."""
    initial: int = 4
    """Proposals before I judges; they are spread out."""
    rate: float = 0.03
    """Step size of theta_G; 0 freezes G at its start."""
    learn: bool = True
    """False switches I off, and with it all learning."""
    probe: bool = True
    """False switches off the stimulation of untrained networks."""
    foresight: bool = True
    """False proposes also what is known to break a rule before it is trained."""


class Synthesis:
    """The generator named `gensynth`: a pool of drafts between G and I."""

    def __init__(self, problem: Problem, seed: int, options: Options) -> None:
        """Begin at the prototype with nothing learned."""
        self.problem, self.options = problem, options
        self.start = Policy(problem.prototype, options.rate)
        self.policy = self.start.copy()
        self.inquisitor = Inquisitor(problem)
        self.rejections: dict[str, int] = {}
        self.judged = 0
        """Proposals that I chose, each of which changed G; those before them are spread out."""
        self._seed, self._drawn = seed, 0
        self._rng = np.random.default_rng(seed)
        self._pool: dict[str, Draft] = {}
        self._asked: dict[str, Draft] = {}
        self._pending: list[Draft] = []
        self._outcomes: list[Outcome] = []
        self._seen: set[str] = set()

    def ask(self) -> Proposal:
        """Draft many candidates, let I judge them, change G, and propose the best."""
        drafts = self._draft_until_feasible()
        prototype = self._prototype()
        if prototype is not None:
            chosen = prototype
        elif not self._pool:
            chosen = min(drafts, key=lambda draft: draft.excess)
        elif not self.options.learn:
            chosen = next(iter(self._pool.values()))
        elif len(self._asked) < self.options.initial or not self.inquisitor.tried:
            chosen = self._spread_out()
        else:
            chosen = self._judged(drafts)
            self.judged += 1
            self.inquisitor.bet(chosen)
        self._pool.pop(chosen.foresight.fingerprint, None)
        self._asked[chosen.foresight.fingerprint] = chosen
        self._pending.append(chosen)
        return Proposal(chosen.decisions, chosen.trace.seed)

    def tell(self, outcome: Outcome) -> None:
        """Learn from an outcome."""
        self._outcomes.append(outcome)
        self._pending = _without(self._pending, outcome.decisions)
        if self.options.learn:
            self.inquisitor.observe(outcome)

    def generate(self, count: int, first: int = 0, learned: bool = True) -> Iterator[Proposal]:
        """Draw G(s) for the seeds `first`, `first + 1`, ...; at its start if not `learned`."""
        policy = self.policy if learned else self.start
        for s in range(first, first + count):
            yield Proposal(trace_of(self.problem, policy.answerer(s), s).decisions, s)

    def expect(self, decisions: Sequence[Decisions]) -> Opinion:
        """Say what I expects of networks: their value, and the chance that 1_r holds."""
        drafts = [draft_of(self.problem, some, seed) for seed, some in enumerate(decisions)]
        return self.inquisitor.judge(drafts, [])

    def _prototype(self) -> Draft | None:
        """Begin with the prototype itself, where there is one and it may be trained."""
        if self._asked or self._outcomes or not self.problem.prototype:
            return None
        try:
            draft = self._drafted(Replay(self.problem.prototype), self._seed)
        except (InputError, ConstraintError):
            return None
        self._seen.add(draft.foresight.fingerprint)
        return draft if draft.foresight.feasible else None

    # Drafting --------------------------------------------------------------------------------

    def _draft_until_feasible(self) -> list[Draft]:
        drafts: list[Draft] = []
        for round_ in range(ROUNDS):
            drafts += self._draft(8 if round_ == 0 and not self._seen else 1)
            if self._pool:
                break
            if self.options.learn and drafts:
                nearest = sorted(drafts, key=lambda draft: draft.excess)
                self._teach(nearest[: max(1, round(ELITE * len(nearest)))])
        return drafts or [self._any_draft()]

    def _any_draft(self) -> Draft:
        """Draft something that was drafted before; where nothing can be, say why."""
        reason = ""
        for s in self._seeds(self.options.seeds):
            try:
                return self._drafted(self.policy.answerer(s), s)
            except (InputError, ConstraintError) as error:
                reason = str(error)
        raise InputError("", f"{reason}; and so for every candidate that was tried")

    def _draft(self, times: int) -> list[Draft]:
        """Draft a round's candidates; feasible new ones join the pool."""
        choosers = [(self.policy.answerer(s), s) for s in self._seeds(times * self.options.seeds)]
        parents = self._parents()
        if parents:
            for s in self._seeds(self.options.mutants):
                parent = parents[int(self._rng.integers(len(parents)))]
                choosers.append((self._mutant(parent, s), s))
        drafts = []
        for choose, s in choosers:
            try:
                draft = self._drafted(choose, s)
            except (InputError, ConstraintError) as error:
                self._reject(getattr(error, "place", "constraint"))
                continue
            if draft.foresight.fingerprint not in self._seen:
                self._seen.add(draft.foresight.fingerprint)
                drafts.append(draft)
                self._admit(draft)
        return drafts

    def _drafted(self, choose: Choose, seed: int) -> Draft:
        trace = trace_of(self.problem, choose, seed)
        return Draft(trace, self.problem.foresee(trace.decisions))

    def _admit(self, draft: Draft) -> None:
        broken = [name for name, violation in draft.foresight.violations.items() if violation > 0]
        if self.options.foresight:
            for name in broken:
                self._reject(name)
        if not (broken and self.options.foresight):
            self._pool[draft.foresight.fingerprint] = draft

    def _reject(self, name: str) -> None:
        self.rejections[name] = self.rejections.get(name, 0) + 1

    def _seeds(self, count: int) -> list[int]:
        self._drawn += count
        numbers = np.random.SeedSequence((self._seed, self._drawn)).generate_state(count)
        return [int(number) >> 1 for number in numbers]

    def _parents(self) -> list[Decisions]:
        trained = [o for o in self._outcomes if o.curve and self.options.learn]
        return [o.decisions for o in sorted(trained, key=fitness, reverse=True)[:PARENTS]]

    def _mutant(self, parent: Decisions, seed: int) -> Choose:
        kept = without_some(parent, self._rng)
        return _Mixed(kept, self.policy.answerer(seed), Draw(np.random.default_rng(seed)))

    # Judging and learning --------------------------------------------------------------------

    def _spread_out(self) -> Draft:
        """Take a draft of promise that is far from all that were asked."""
        drafts = list(self._pool.values())
        promise = self.inquisitor.promise(drafts)
        good = [d for d, p in zip(drafts, promise, strict=True) if p >= np.median(promise)]
        if not self._asked:
            return good[0]
        distance = self.inquisitor.spread(good[:512], list(self._asked.values()))
        return good[_argmax(distance)]

    def _judged(self, drafts: Sequence[Draft]) -> Draft:
        pool = list(self._pool.values())
        opinion = self.inquisitor.judge(pool, self._pending)
        self._learn_from(pool, opinion, drafts)
        order = np.argsort(-opinion.merit, kind="stable")
        chosen = self._final([pool[k] for k in order[:FINALISTS]], pool[_argmax(opinion.merit)])
        self._pool = {pool[k].foresight.fingerprint: pool[k] for k in order[: self.options.pool]}
        # What is let go may be drafted again, when more is known.
        self._seen -= {pool[k].foresight.fingerprint for k in order[self.options.pool :]}
        return chosen

    def _final(self, finalists: Sequence[Draft], first: Draft) -> Draft:
        """Probe the finalists and judge them again; `first` stands where none reacts."""
        if not self.options.probe:
            return first
        for draft in finalists:
            self.inquisitor.probe(draft)
        if not any(self.inquisitor.reactions[d.foresight.fingerprint] for d in finalists):
            return first
        return finalists[_argmax(self.inquisitor.judge(finalists, self._pending).merit)]

    def _learn_from(self, pool: Sequence[Draft], opinion: Opinion, drafts: Sequence[Draft]) -> None:
        """Give G the change: towards the drafts of this round, and of the pool, that I prefers."""
        fresh = {draft.foresight.fingerprint for draft in drafts}
        worth = dict(zip((d.foresight.fingerprint for d in pool), opinion.worth, strict=True))
        recent = [d for d in pool if d.foresight.fingerprint in fresh]
        recent.sort(key=lambda d: -worth[d.foresight.fingerprint])
        best = [pool[k] for k in np.argsort(-opinion.worth, kind="stable")[:8]]
        self._teach([*recent[: max(1, round(ELITE * len(drafts)))], *best])

    def _teach(self, elite: Sequence[Draft]) -> None:
        weights = np.full(len(elite), 1 / len(elite))
        self.policy.learn([draft.trace for draft in elite], weights, steps=1)


@dataclass(frozen=True)
class _Mixed:
    """Repeats what was kept; the rest is answered by G or at random, in turns of chance."""

    kept: Decisions
    policy: Choose
    draw: Draw

    def __call__(self, name: str, options: Sequence[T], /) -> T:
        wanted = self.kept.get(name)
        if name in self.kept and wanted in options:
            return options[list(options).index(wanted)]  # type: ignore[arg-type]
        return (
            self.policy(name, options) if self.draw.rng.random() < 0.5 else self.draw(name, options)
        )


def make(
    problem: Problem,
    seed: int,
    seeds: int = Options.seeds,
    mutants: int = Options.mutants,
    pool: int = Options.pool,
    initial: int = Options.initial,
    rate: float = Options.rate,
    learn: bool = Options.learn,
    probe: bool = Options.probe,
    foresight: bool = Options.foresight,
) -> Synthesis:
    """Make the generator named `gensynth`; the options are those of `Options`."""
    return Synthesis(
        problem, seed, Options(seeds, mutants, pool, initial, rate, learn, probe, foresight)
    )


def _argmax(numbers: NDArray[float64]) -> int:
    """Take the first of the highest; what differs by rounding only counts as equal."""
    return int(np.argmax(np.round(numbers, 9)))


def _without(drafts: Sequence[Draft], decisions: Decisions) -> list[Draft]:
    for index, draft in enumerate(drafts):
        if dict(draft.decisions) == dict(decisions):
            return [*drafts[:index], *drafts[index + 1 :]]
    return list(drafts)
