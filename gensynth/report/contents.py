"""The contents of a report, taken from the campaign and not laid out yet."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import fmean

from gensynth.campaign.beliefs import ROUNDS_EACH, learned_generator
from gensynth.campaign.campaign import CampaignDriver
from gensynth.campaign.finals import Finalist, ranking, winner
from gensynth.evaluation.constraint import Judgement
from gensynth.evaluation.outcome import Outcome
from gensynth.generators.synthesis.generator import Synthesis
from gensynth.generators.synthesis.learned_generator import SelfPlay
from gensynth.generators.synthesis.population import Influence, Population, influences, population
from gensynth.graph.columns import describe_columns
from gensynth.report.network_layout import Block, sketch

SEEDS = 32
"""Networks drawn from G(s) before and after learning."""
ROUNDS = 40
"""Rounds of self-play for the report, which is to be written in seconds."""

FEWEST_RANKED = 3
"""Fewest networks for a rank correlation; of three, it is 1 by chance one time in six."""


@dataclass(frozen=True)
class Course:
    """The best pursued value after each training of the search."""

    name: str
    trainings: tuple[int, ...]
    best: tuple[float, ...]


@dataclass(frozen=True)
class Fidelity:
    """How well the proxy ranks the networks of the finals, compared with longer trainings."""

    networks: int
    correlation: float | None
    """Spearman's rank correlation, -1 to 1; None for fewer than `FEWEST_RANKED` networks."""


@dataclass(frozen=True)
class Learned:
    """What the generator and the inquisitor have learned."""

    start: Population
    end: Population
    influences: Sequence[Influence]


@dataclass(frozen=True)
class Contents:
    """One campaign, ready to be laid out."""

    campaign: CampaignDriver
    best: Outcome | None
    """The network shown: the exported one, else the best of the search."""
    exported: Outcome | None
    finalist: Finalist | None
    judgements: tuple[Judgement, ...]
    """Verdicts on the network shown; at its lower bound if the finals are done."""
    blocks: Sequence[Block]
    stages: Sequence[str]
    """Its columns in words, stage by stage."""
    trained: Sequence[Outcome]
    """Trainings of the search that completed."""
    front: frozenset[int]
    """Numbers of the feasible ones that no other feasible one beats in both top-1 and MACs."""
    courses: Sequence[Course]
    endings: Mapping[str, int]
    rejections: Mapping[str, int]
    finalists: Sequence[Finalist]
    fidelity: Fidelity
    learned: Learned | None
    untaught: int | None
    """Proposals before the inquisitor judges the first one; None once it has."""


def contents_of(
    campaign: CampaignDriver, others: Mapping[str, Sequence[Outcome]], learned: bool = True
) -> Contents:
    """Collect the contents; `others` are other campaigns' outcomes on the same task, by name."""
    rows = [o for o in campaign.outcomes if o.purpose == "search"]
    finalists, exported = campaign.finalists(), campaign.exported()
    finalist = winner(finalists)
    best = exported or next(iter(ranking(rows)), None)
    graph = campaign.evaluator.described(best.decisions).candidate.graph if best else None
    trained = [o for o in rows if o.ending == "completed" and o.top1 is not None and o.profile]
    generator = campaign.context.experiment.generator.use
    everyone = {generator: rows, **others}
    return Contents(
        campaign=campaign,
        best=best,
        exported=exported,
        finalist=finalist,
        judgements=_verdicts(campaign, finalist, best),
        blocks=sketch(graph) if graph else (),
        stages=describe_columns(graph) if graph else (),
        trained=trained,
        front=front_of([o for o in trained if o.value is not None]),
        courses=[course for name, some in everyone.items() if (course := _course(name, some)).best],
        endings=Counter(o.ending for o in rows),
        rejections=campaign.rejections(),
        finalists=finalists,
        fidelity=fidelity_of(finalists),
        learned=_learned(campaign) if learned else None,
        untaught=_untaught(campaign) if learned else None,
    )


def _verdicts(
    campaign: CampaignDriver, finalist: Finalist | None, best: Outcome | None
) -> tuple[Judgement, ...]:
    """Judge the winner at its lower bound; without a winner, the best by its own training."""
    if finalist is not None:
        return campaign.verdicts_at(finalist.outcome, finalist.bound or 0.0)
    return best.judgements if best else ()


def front_of(feasible: Sequence[Outcome]) -> frozenset[int]:
    """Return the numbers of the Pareto front of top-1 against MACs."""
    found, best = set[int](), -1.0
    for outcome in sorted(
        feasible, key=lambda o: (o.profile.macs if o.profile else 0, -(o.top1 or 0))
    ):
        if (outcome.top1 or 0.0) > best:
            best = outcome.top1 or 0.0
            found.add(outcome.number)
    return frozenset(found)


def _course(name: str, rows: Sequence[Outcome]) -> Course:
    trained = [o for o in rows if o.purpose == "search" and o.attempt > 0]
    values = [o.value if o.value is not None else float("-inf") for o in trained]
    known = [(n, v) for n, v in enumerate(accumulate(values, max), 1) if v > float("-inf")]
    return Course(name, tuple(n for n, _ in known), tuple(v for _, v in known))


def fidelity_of(finalists: Sequence[Finalist]) -> Fidelity:
    """Compare how the proxy and the longer trainings rank the finished finalists."""
    from scipy.stats import spearmanr

    done = [(f.outcome.top1, f.mean) for f in finalists if f.mean is not None]
    short, long = [s for s, _ in done], [m for _, m in done]
    if len(done) < FEWEST_RANKED or len(set(short)) < 2 or len(set(long)) < 2:
        return Fidelity(len(done), None)
    return Fidelity(len(done), float(spearmanr(short, long).statistic))


def _learned(campaign: CampaignDriver) -> Learned | None:
    generator = campaign.generator
    if not isinstance(generator, Synthesis) or not generator.judged:
        return None
    length = SelfPlay(rounds=max(1, min(ROUNDS, ROUNDS_EACH * campaign.ledger.trainings())))
    learned = learned_generator(campaign.context, campaign.ledger, campaign.evaluator, length)
    return Learned(
        population(learned, SEEDS, learned=False),
        population(learned, SEEDS),
        influences(learned),
    )


def _untaught(campaign: CampaignDriver) -> int | None:
    generator = campaign.generator
    if not isinstance(generator, Synthesis) or generator.judged or not generator.options.learn:
        return None
    return generator.options.initial


def seconds_of(outcomes: Sequence[Outcome]) -> float:
    """Return the total seconds of all trainings."""
    return sum(o.seconds for o in outcomes)


def mean_seconds(outcomes: Sequence[Outcome]) -> float:
    """Return the mean seconds of completed trainings."""
    done = [o.seconds for o in outcomes if o.ending == "completed" and o.seconds]
    return fmean(done) if done else 0.0
