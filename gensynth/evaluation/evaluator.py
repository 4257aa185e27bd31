"""From decisions to a candidate, its verdicts, its score U and its pursued value."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from gensynth.errors import InputError
from gensynth.evaluation.constraint import Candidate, Indicator, Judgement, feasible, price
from gensynth.evaluation.latency import Latency, Question, questions_of
from gensynth.evaluation.measurement import Measurement
from gensynth.evaluation.score import Score, score_of
from gensynth.genome import Decisions, genome_id
from gensynth.graph.graph import Graph
from gensynth.graph.profile import profile
from gensynth.space import Record, Replay, SearchSpace, Source, Task, build


@dataclass(frozen=True)
class Described:
    """A network as far as it is known without training."""

    genome: Any
    genome_id: str
    fingerprint: str
    source: Source
    candidate: Candidate
    options: Mapping[str, tuple[Any, ...]]
    """The options of each decision that was reached."""


@dataclass(frozen=True)
class Judge:
    """The rules and the score of an experiment, applied to the networks of its space."""

    space: SearchSpace[Any]
    task: Task
    indicator: Indicator
    score: Score
    references: Mapping[str, Measurement] = field(default_factory=dict)

    @property
    def questions(self) -> tuple[Question, ...]:
        """What is to be measured of a candidate's latency: the rules ask it, or the score."""
        return questions_of([*(rule.constraint for rule in self.indicator.rules), self.score])

    def describe(
        self, decisions: Decisions, latencies: Mapping[str, Latency] | None = None
    ) -> Described:
        """Make the genome and its graph; torch's random numbers are left alone.

        `latencies` are those measured of it. Raises `InputError` where the decisions are none of
        the space or no network can be built.
        """
        record = Record(Replay(decisions))
        genome = self.space.sample(record)
        source, graph = self._network(genome)
        candidate = Candidate(
            graph=graph,
            profile=profile(graph),
            task=self.task,
            module=partial(build, self.space, genome, self.task),
            latencies=latencies or {},
            references=self.references,
        )
        fingerprint = graph.fingerprint
        return Described(
            genome, genome_id(genome), fingerprint, source, candidate, dict(record.options)
        )

    def _network(self, genome: Any) -> tuple[Source, Graph]:
        import torch

        with torch.random.fork_rng(devices=[]):  # Where the graph is traced, weights are drawn.
            try:
                source = self.space.source(genome, self.task)
                return source, graph_of(self.space, genome, self.task, source)
            except InputError:
                raise
            except ValueError as error:
                raise InputError("genome", str(error)) from error

    def before_training(self, candidate: Candidate) -> tuple[Judgement, ...]:
        """Ask all rules that need no training."""
        return self.indicator.judge(candidate, up_to="latency")

    def after_training(self, candidate: Candidate, measurement: Measurement) -> "Judged":
        """Ask all rules; a score exists only where every enforced one holds."""
        trained = replace(candidate, measurement=measurement)
        judgements = self.indicator.judge(trained)
        if not feasible(judgements):
            return Judged(judgements, None, None)
        score = score_of(self.score, trained)
        if score is None:  # A score need not exist: NetScore has none at a top-1 of 0.
            return Judged(judgements, None, None)
        return Judged(judgements, score, score - price(judgements))


@dataclass(frozen=True)
class Judged:
    """Verdicts on a trained candidate, and U and the pursued value where it is feasible."""

    judgements: tuple[Judgement, ...]
    score: float | None
    value: float | None


def graph_of(space: SearchSpace[Any], genome: Any, task: Task, source: Source) -> Graph:
    """Ask the space for the graph, or trace the built network where it cannot tell."""
    direct = getattr(space, "graph", None)
    if direct is not None:
        graph: Graph = direct(genome, task)
        return graph
    from gensynth.graph.trace import trace

    return trace(build(space, genome, task), source.input_shape)
