"""wait."""
from gensynth.graph import Graph
from typing import Any
def graph_of(spec: Any, shape: Any) -> Graph: ...
