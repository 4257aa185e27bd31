"""CandidateEvaluation of a space's networks: from decisions to verdicts, score and pursued value.

An `Evaluator` is the one place that turns decisions into a network's description and a description
into verdicts. It describes each distinct network once while it remembers it.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from threading import Lock
from typing import Any, Protocol

from gensynth.errors import PLUGIN_FAULTS, InputError
from gensynth.evaluation.constraint import (
    Candidate,
    ConstraintError,
    Indicator,
    Judgement,
    feasible,
    price,
    raised,
)
from gensynth.evaluation.latency import Latency, Question, questions_of
from gensynth.evaluation.measurement import Measurement
from gensynth.evaluation.score import Score, score_of
from gensynth.genome import Decisions, genome_id
from gensynth.graph.graph import Graph
from gensynth.graph.profile import profile
from gensynth.space import GivesGraph, Recording, Replay, SearchSpace, Source, Task, build
from gensynth.tflm.footprint import Footprint

REMEMBERED = 2048
"""Networks that an evaluator remembers. Each takes some 50 kB, so all of them about 100 MB."""


@dataclass(frozen=True)
class Description:
    """Everything that is known of a network without training it."""

    genome: Any
    genome_id: str
    fingerprint: str
    source: Source
    candidate: Candidate
    options: Mapping[str, tuple[Any, ...]]
    """The options of each decision that was reached."""


class EndsProcess(InputError):
    """A candidate of which nothing may run any more: it has ended its process too often."""


class Watch(Protocol):
    """Is told whose code runs; so what ends the process is known to the next one."""

    def touch(self, decisions: Decisions, /) -> None:
        """Note it; raise `EndsProcess` if nothing of this candidate may run any more."""
        ...


@dataclass(frozen=True)
class CandidateEvaluation:
    """The verdicts on a trained candidate, with its score U and its pursued value if feasible."""

    judgements: tuple[Judgement, ...]
    score: float | None
    value: float | None


class Memory:
    """The networks described most recently, by their decisions. Threads may share it."""

    def __init__(self, size: int = REMEMBERED) -> None:
        """Remember up to `size` networks."""
        self._size = size
        self._known: OrderedDict[tuple[Any, ...], Description] = OrderedDict()
        self._lock = Lock()

    def recall(
        self, decisions: Decisions, describe: Callable[[Decisions], Description]
    ) -> Description:
        """Return the description of `decisions`; call `describe` only if it is not remembered."""
        key = tuple(sorted((name, type(d).__name__, d) for name, d in decisions.items()))
        with self._lock:
            if key not in self._known:
                self._known[key] = describe(decisions)
                if len(self._known) > self._size:
                    self._known.popitem(last=False)
            self._known.move_to_end(key)
            return self._known[key]

    def clear(self) -> None:
        """Forget everything."""
        self._known.clear()


@dataclass(frozen=True)
class Evaluator:
    """The constraints and the score of an experiment, applied to the networks of its space."""

    space: SearchSpace[Any]
    task: Task
    indicator: Indicator
    score: Score
    references: Mapping[str, Measurement] = field(default_factory=dict)
    """The last measurement of each reference network that has been trained, by name."""
    footprints: dict[str, Mapping[str, Footprint]] = field(
        default_factory=dict, repr=False, compare=False
    )
    """Measured RAM and flash of finalists, by the genome's name."""
    memory: Memory = field(default_factory=Memory, repr=False, compare=False)
    watch: Watch | None = field(default=None, repr=False, compare=False)

    def with_references(self, references: Mapping[str, Measurement]) -> "Evaluator":
        """Return an evaluator that knows these references and shares this one's memory."""
        return replace(self, references=references)

    @cached_property
    def questions(self) -> tuple[Question, ...]:
        """The latency measurements that the constraints or the score ask for."""
        return questions_of([*(rule.constraint for rule in self.indicator.rules), self.score])

    def described(
        self, decisions: Decisions, latencies: Mapping[str, Latency] | None = None
    ) -> Description:
        """Return the description of a network, from memory if possible.

        `latencies` are those of this network measured so far. Raises `InputError` if the decisions
        are not those of a genome of the space, or if no network can be built from them, and
        `ConstraintError` if the space itself fails.
        """
        if self.watch is not None:
            self.watch.touch(decisions)
        found = self.memory.recall(decisions, self.describe)
        candidate = replace(
            found.candidate,
            latencies=latencies or {},
            footprints=self.footprints.get(found.genome_id, {}),
            references=self.references,
        )
        return replace(found, candidate=candidate)

    def describe(self, decisions: Decisions) -> Description:
        """Describe a network without the memory; torch's random state is unchanged."""
        record = Recording(Replay(decisions))
        try:
            genome = self.space.sample(record)
            source, graph = self._network(genome)
        except (InputError, ConstraintError):
            raise
        except PLUGIN_FAULTS as error:
            problem = f"search space {type(self.space).__name__}: {raised(error)}"
            raise ConstraintError(problem) from error
        candidate = Candidate(
            graph=graph,
            profile=profile(graph),
            task=self.task,
            module=partial(build, self.space, genome, self.task),
        )
        options = dict(record.options)
        return Description(genome, genome_id(genome), graph.fingerprint, source, candidate, options)

    def judge_untrained(self, candidate: Candidate) -> tuple[Judgement, ...]:
        """Return the verdicts of all constraints that need no training."""
        return self.indicator.judge(candidate, up_to="latency")

    def evaluate(self, candidate: Candidate, measurement: Measurement) -> CandidateEvaluation:
        """Judge a trained candidate; it has a score only if every enforced constraint holds."""
        trained = replace(candidate, measurement=measurement)
        judgements = self.indicator.judge(trained)
        if not feasible(judgements):
            return CandidateEvaluation(judgements, None, None)
        score = score_of(self.score, trained)
        if score is None:  # NetScore, for one, is not defined at a top-1 of 0.
            return CandidateEvaluation(judgements, None, None)
        return CandidateEvaluation(judgements, score, score - price(judgements))

    def _network(self, genome: Any) -> tuple[Source, Graph]:
        import torch

        with torch.random.fork_rng(devices=[]):  # Building a network to trace it draws weights.
            try:
                source = self.space.source(genome, self.task)
                return source, graph_of(self.space, genome, self.task, source)
            except InputError:
                raise
            except ValueError as error:
                raise InputError("genome", str(error)) from error


def graph_of(space: SearchSpace[Any], genome: Any, task: Task, source: Source) -> Graph:
    """Return the graph that the space gives directly, or else trace the built network."""
    if isinstance(space, GivesGraph):
        graph: Graph = space.graph(genome, task)
        return graph
    from gensynth.graph.trace import trace

    return trace(build(space, genome, task), source.input_shape)
