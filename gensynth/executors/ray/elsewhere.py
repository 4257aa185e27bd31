"""Latency on another machine: the node of the cluster that offers the resource measures it."""

from dataclasses import dataclass, replace
from typing import Literal

from gensynth.errors import InputError
from gensynth.evaluation.constraint import ConstraintError
from gensynth.evaluation.evaluator import Evaluator
from gensynth.evaluation.latency import Latency
from gensynth.latency.device import answer, answer_here
from gensynth.latency.job import LatencyJob
from gensynth.serialization import dumps, from_plain, loads

PATIENCE_S = 900.0
"""How long a measurement may take, the wait for the node's trainings and other jobs included."""


@dataclass(frozen=True)
class Answer:
    """What comes back from a node: a latency, or whose fault it is that there is none."""

    latency: Latency | None = None
    fault: Literal["", "candidate", "setting"] = ""
    place: str = ""
    problem: str = ""


def stopwatch(job: LatencyJob) -> Latency:
    """Measure on the node that offers the question's resource; without one, in this process.

    One measurement at a time runs on a node that offers one unit of it. Trainings on that node
    give way; a node that is to do nothing else joins with `--num-cpus=0`. The campaign waits for
    the answer: no proposal is made meanwhile, but the trainings of other nodes go on.
    """
    resource = job.question.resource
    if not resource:
        return answer_here(job)
    import ray

    task = ray.remote(num_cpus=0, resources={resource: 1})(_answered).remote(dumps(job))
    try:
        text = ray.get(task, timeout=PATIENCE_S)
    except ray.exceptions.GetTimeoutError:
        ray.cancel(task, force=True)
        problem = f"no node that offers {resource!r} has answered for {PATIENCE_S:g} s"
        raise InputError("resource", problem) from None
    return _unpacked(from_plain(Answer, loads(text, "answer"), "answer"), resource)


def require_resources(evaluator: Evaluator) -> None:
    """Raise `InputError` where no node offers what latencies are to be measured on."""
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
    """Measure, on the node, and say on which."""
    import ray

    job = from_plain(LatencyJob, loads(text, "job"), "job")
    try:
        latency = answer(job)
        node = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]
        return dumps(Answer(replace(latency, machine=f"{latency.machine}, on node {node}")))
    except ConstraintError as error:
        return dumps(Answer(fault="candidate", problem=str(error)))
    except InputError as error:
        return dumps(Answer(fault="setting", place=error.place, problem=error.problem))


def _unpacked(given: Answer, resource: str) -> Latency:
    if given.fault == "candidate":
        raise ConstraintError(given.problem)
    if given.latency is None:
        raise InputError(f"{resource}: {given.place}", given.problem)
    return given.latency
