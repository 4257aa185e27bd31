"""Measuring latency on another machine: the node of the cluster that offers a resource."""

from dataclasses import dataclass, replace
from typing import Literal

from gensynth.errors import InputError
from gensynth.evaluation.constraint import ConstraintError
from gensynth.evaluation.evaluator import Evaluator
from gensynth.evaluation.latency import Latency
from gensynth.latency.device import answer, answer_here
from gensynth.latency.job import LatencyJob
from gensynth.serialization import dumps, from_plain, loads

LIMIT_S = 900.0
"""How long a measurement may take, including the wait for trainings and other jobs on the node."""


@dataclass(frozen=True)
class NodeAnswer:
    """A node's answer: a latency, or why there is none."""

    latency: Latency | None = None
    fault: Literal["", "candidate", "setting"] = ""
    """Whether the candidate cannot be measured, or no candidate can under this setting."""
    place: str = ""
    problem: str = ""


def stopwatch(job: LatencyJob) -> Latency:
    """Measure on the node that offers the question's resource, or else in this process.

    A node that offers one unit of the resource runs one measurement at a time. Trainings on that
    node pause meanwhile; a node that joins with `--num-cpus=0` has none. The campaign waits for the
    answer and makes no proposals until then, but trainings on other nodes continue.
    """
    resource = job.question.resource
    if not resource:
        return answer_here(job)
    import ray

    task = ray.remote(num_cpus=0, resources={resource: 1})(_answered).remote(dumps(job))
    try:
        text = ray.get(task, timeout=LIMIT_S)
    except ray.exceptions.GetTimeoutError:
        ray.cancel(task, force=True)
        problem = f"no node that offers {resource!r} has answered within {LIMIT_S:g} s"
        raise InputError("resource", problem) from None
    return _unpacked(from_plain(NodeAnswer, loads(text, "answer"), "answer"), resource)


def require_resources(evaluator: Evaluator) -> None:
    """Raise `InputError` if no node offers a resource on which to measure latency."""
    import ray

    offered = ray.cluster_resources()  # type: ignore[no-untyped-call]
    for resource in {question.resource for question in evaluator.questions} - {""}:
        if offered.get(resource, 0) < 1:
            problem = (
                f"no node of the cluster offers {resource!r}; start one there: ray start "
                f"--address=HOST:PORT --num-cpus=0 --resources='{{\"{resource}\": 1}}'"
            )
            raise InputError("resource", problem)


def _answered(text: str) -> str:
    """Measure on this node; the answer names it."""
    import ray

    job = from_plain(LatencyJob, loads(text, "job"), "job")
    try:
        latency = answer(job)
        node = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]
        return dumps(NodeAnswer(replace(latency, machine=f"{latency.machine}, on node {node}")))
    except ConstraintError as error:
        return dumps(NodeAnswer(fault="candidate", problem=str(error)))
    except InputError as error:
        return dumps(NodeAnswer(fault="setting", place=error.place, problem=error.problem))


def _unpacked(given: NodeAnswer, resource: str) -> Latency:
    if given.fault == "candidate":
        raise ConstraintError(given.problem)
    if given.latency is None:
        raise InputError(f"{resource}: {given.place}", given.problem)
    return given.latency
