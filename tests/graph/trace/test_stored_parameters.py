"""What a network stores counts, whatever holds it."""

from typing import Any

import torch
from torch import Tensor, nn

from gensynth.graph.profile import profile
from gensynth.graph.trace import trace
from gensynth.graph.trace.stored_parameters import stored, total

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


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(48, 16, batch_first=True)
        self.head = nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Any:
        return self.head(self.gru(x.transpose(1, 2).flatten(2))[0][:, -1])


def test_a_recurrent_layer_that_is_frozen_or_quantised_stores_what_it_did() -> None:
    network = Recurrent().eval()
    params = sum(parameter.numel() for parameter in network.parameters())
    traced: Any = torch.jit.trace(network, torch.rand(1, *SHAPE))  # type: ignore[no-untyped-call]
    quantise: Any = torch.ao.quantization.quantize_dynamic
    assert total([*stored(torch.jit.freeze(traced))]).params == params
    packed = total([*stored(quantise(network, {nn.GRU}, dtype=torch.qint8))])
    assert packed.params == params and packed.bytes < 4 * params


def test_memory_that_parameters_share_is_stored_once() -> None:
    first, second, third = (nn.Linear(8, 8, bias=False) for _ in range(3))
    second.weight = nn.Parameter(first.weight.data)
    third.weight = nn.Parameter(first.weight.data[:4])
    assert total([*stored(nn.ModuleList([first, second, third]))]) == (64, 256)
    turned = nn.Parameter(torch.rand(4, 6).t())
    apart = nn.Parameter(torch.rand(6, 8)[:, ::2])
    assert total([turned, apart]) == (48, 192), "not what lies between the numbers"


def test_a_program_optimised_for_inference_stores_what_it_did() -> None:
    """Its operators are fused: nobody can count them, but its weights lie in it."""
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 1)).eval()
    script = torch.jit.script(network)
    known = profile(trace(torch.jit.optimize_for_inference(script), SHAPE))
    assert known.params == 224 + 36
    assert [name for name in known.uncounted if "fused program" in name]
