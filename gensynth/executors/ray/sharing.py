"""Whether the nodes of a cluster share the campaign's folder: checkpoints and weights lie there."""

import secrets
import shutil
from pathlib import Path

from gensynth.errors import InputError

ANSWER_S = 120.0
"""How long the nodes may take to look; the first process on a node takes seconds to start."""
NOT_SHARED = "does not share the campaign's folder"
"""What the record says of a training on a node that joined later with a disk of its own."""


def require_shared(folder: Path) -> None:
    """Have every node write into `folder`; raise `InputError` where the driver sees nothing of it.

    A training that is lost goes on from its checkpoint on another node, and the driver exports
    the weights that a node has written: neither works on a folder that each node has for itself.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    token = folder.resolve() / f".shared-{secrets.token_hex(8)}"
    token.mkdir()
    try:
        nodes = [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
        write = ray.remote(num_cpus=0, max_retries=0)(_leave_token)
        places = {
            node["NodeID"]: NodeAffinitySchedulingStrategy(node["NodeID"], False) for node in nodes
        }
        tasks = [
            write.options(scheduling_strategy=place).remote(str(token / name))
            for name, place in places.items()
        ]
        ray.wait(tasks, num_returns=len(tasks), timeout=ANSWER_S)
        blind = [n["NodeManagerAddress"] for n in nodes if not (token / n["NodeID"]).exists()]
    finally:
        shutil.rmtree(token, ignore_errors=True)
    if blind:
        problem = f"is not shared with node {', '.join(sorted(blind))} of the cluster: choose an "
        raise InputError(str(folder), problem + "--out that all nodes see under the same path")


def _leave_token(path: str) -> None:
    """Write a file on the node, where its folder is there."""
    if Path(path).parent.is_dir():
        Path(path).touch()
