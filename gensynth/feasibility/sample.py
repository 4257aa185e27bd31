"""Random candidates of a space, judged as if their training reached 100 %."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gensynth.errors import InputError
from gensynth.evaluation.constraint import ConstraintError, Indicator, Judgement, with_top1
from gensynth.evaluation.evaluator import Evaluator
from gensynth.feasibility.size import Size, all_decisions, estimated
from gensynth.genome import Decisions
from gensynth.graph.profile import Profile
from gensynth.latency.estimate import foreseen
from gensynth.space import Draw, Recording, Replay, Source, without_some

BEST_TOP1 = 100.0
"""Percent; a candidate that breaks a constraint even so breaks it whatever its training gives."""
Watch = Callable[[int, int], None]
"""Called with (done, total) while candidates are judged."""


@dataclass(frozen=True)
class Sampled:
    """One candidate without its graph, and its verdicts as far as they are known now."""

    decisions: Decisions
    genome_id: str
    fingerprint: str
    source: Source
    profile: Profile
    layers: int
    """Number of layers of its graph."""
    judgements: tuple[Judgement, ...]

    @property
    def excess(self) -> float:
        """Sum of the violations of enforced constraints; 0 if none is broken."""
        enforced = (j.violation or 0.0 for j in self.judgements if j.mode == "enforce")
        return sum(max(violation, 0.0) for violation in enforced)

    @property
    def open(self) -> bool:
        """Whether every enforced constraint that can be judged now holds."""
        return self.excess == 0.0


@dataclass(frozen=True)
class Sample:
    """Candidates drawn from a space."""

    size: Size
    drawn: int
    """Number of candidates; the whole space if it is small."""
    candidates: tuple[Sampled, ...]
    """Those that can be built and judged by every constraint."""
    failures: tuple[str, ...]
    """The error of each of the others."""
    whole: bool
    """Whether the space has no other candidates."""


def sample(
    evaluator: Evaluator,
    folder: Path,
    count: int,
    seed: int,
    watch: Watch = lambda done, total: None,
) -> Sample:
    """Draw `count` candidates uniformly at random, or take the whole space if it has no more.

    `folder` is where a MODEL that a latency constraint refers to is looked up.
    """
    found, met = all_decisions(evaluator.space, count), []
    drawn: list[Decisions] = found or []
    if found is None:
        records = list(_draws(evaluator, count, seed))
        drawn = [record.decisions for record in records]
        met = [[len(options) for options in record.options.values()] for record in records]
    size = estimated(met) if found is None else Size(len(found), True)
    candidates, failures = [], []
    for done, decisions in enumerate(drawn, 1):
        try:
            candidates.append(sampled(evaluator, folder, decisions))
        except (InputError, ConstraintError) as error:
            failures.append(str(error))
        watch(done, len(drawn))
    return Sample(size, len(drawn), tuple(candidates), tuple(failures), found is not None)


def sampled(evaluator: Evaluator, folder: Path, decisions: Decisions) -> Sampled:
    """Judge one candidate as if it were trained to 100 %, and its latency if it can be predicted.

    Raises `InputError` if no network can be built, `ConstraintError` if a constraint raises.
    """
    described = evaluator.described(decisions)
    candidate = foreseen(described.candidate, evaluator.questions, evaluator.task, folder)
    early = evaluator.indicator.judge(
        candidate, up_to="latency" if candidate.latencies else "profile"
    )
    rules = tuple(r for r in evaluator.indicator.rules if r.constraint.needs == "proxy")
    late = Indicator(rules).judge(with_top1(described.candidate, BEST_TOP1))
    return Sampled(
        decisions,
        described.genome_id,
        described.fingerprint,
        described.source,
        described.candidate.profile,
        len(described.candidate.graph),
        (*early, *(j for j in late if j.ok is False)),
    )


def nearest(
    evaluator: Evaluator, folder: Path, start: Sample, steps: int, seed: int
) -> Sampled | None:
    """Walk from the drawn candidates of the least excess to less, for up to `steps` steps.

    Each step draws some decisions of one of the best again. The walk ends early if no enforced
    constraint is broken any more. Returns None if no candidate could be judged.
    """
    best = sorted(start.candidates, key=lambda c: c.excess)[:_KEPT]
    rng = np.random.default_rng(seed)
    if start.whole:
        return best[0] if best else None
    for _ in range(steps if best else 0):
        if best[0].open:
            break
        parent = best[int(rng.integers(len(best)))]
        record = Recording(Replay(without_some(parent.decisions, rng), otherwise=Draw(rng)))
        try:
            evaluator.space.sample(record)
            child = sampled(evaluator, folder, record.decisions)
        except (InputError, ConstraintError):
            continue
        names = {c.fingerprint for c in best}
        if child.fingerprint not in names and child.excess < best[-1].excess:
            best = sorted([*best, child], key=lambda c: c.excess)[:_KEPT]
    return best[0] if best else None


_KEPT = 12
"""Candidates that a walk starts its steps from."""


def _draws(evaluator: Evaluator, count: int, seed: int) -> Iterator[Recording]:
    for sequence in np.random.SeedSequence(seed).spawn(count):
        record = Recording(Draw(np.random.default_rng(sequence)))
        evaluator.space.sample(record)
        yield record
