"""Checking that all nodes of a cluster share the campaign's folder.

Checkpoints and weights are in it.
"""

import secrets
import shutil
from pathlib import Path

from gensynth.errors import InputError

CHECK_S = 120.0
"""How long the nodes may take to answer; the first process on a node takes seconds to start."""
NOT_SHARED = "does not share the campaign's folder"
"""What the record says about a training on a node that joined later with its own disk."""


def require_shared(folder: Path) -> None:
    """Make every node write into `folder`; raise `InputError` if the driver cannot see the result.

    A lost training continues from its checkpoint on another node, and the driver exports weights
    that a node has written. Neither works unless the folder is shared.
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
        ray.wait(tasks, num_returns=len(tasks), timeout=CHECK_S)
        blind = [n["NodeManagerAddress"] for n in nodes if not (token / n["NodeID"]).exists()]
    finally:
        shutil.rmtree(token, ignore_errors=True)
    if blind:
        problem = f"is not shared with node {', '.join(sorted(blind))} of the cluster: choose an "
        problem += "--out folder that all nodes can access under the same path"
        raise InputError(str(folder), problem)


def _leave_token(path: str) -> None:
    """Write a file on this node if its folder exists."""
    if Path(path).parent.is_dir():
        Path(path).touch()
