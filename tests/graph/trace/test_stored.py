"""What a network stores counts, whatever holds it."""

from typing import Any

from torch import Tensor, nn

from gensynth.graph.profile import profile
from gensynth.graph.trace import trace

SHAPE = (3, 16, 16)


def test_parameters_in_a_plain_list_are_stored_if_they_are_read() -> None:
    """`parameters()` does not list them; a teacher that is never asked belongs to no device."""

    class Hiding(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden = {"layers": [nn.Linear(3, 10)]}
            self.teacher = [nn.Linear(3, 99)]

        def forward(self, x: Tensor) -> Any:
            return self.hidden["layers"][0](x.mean((2, 3)))

    graph = trace(Hiding(), SHAPE)
    known = profile(graph)
    assert (known.params, known.weight_bytes, known.macs, known.unread) == (40, 160, 30, ())
