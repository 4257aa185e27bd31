"""Real networks, written with functional calls only, get the verdicts of their modules."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from constraints.antialiased_downsampling import AntialiasedDownsampling
from constraints.columnar import Columnar
from constraints.strided_pointwise import StridedPointwise
from gensynth.evaluation.constraint import Candidate, Constraint, Verdict
from gensynth.graph.columns import analyse
from gensynth.graph.graph import Graph
from gensynth.graph.profile import profile
from gensynth.graph.trace import trace
from gensynth.models.by_name import find_model

SHAPE = (3, 224, 224)
CONSTRAINTS: tuple[Constraint, ...] = (Columnar(), StridedPointwise(), AntialiasedDownsampling())


def pool(m: Any, x: Tensor) -> Tensor:
    return F.max_pool2d(x, m.kernel_size, m.stride, m.padding, m.dilation, m.ceil_mode)


FUNCTIONS: Mapping[type[nn.Module], Callable[[Any, Tensor], Tensor]] = {
    nn.Conv2d: lambda m, x: F.conv2d(
        x, m.weight, m.bias, m.stride, m.padding, m.dilation, m.groups
    ),
    nn.BatchNorm2d: lambda m, x: F.batch_norm(
        x, m.running_mean, m.running_var, m.weight, m.bias, eps=m.eps
    ),
    nn.Linear: lambda m, x: F.linear(x, m.weight, m.bias),
    nn.ReLU: lambda m, x: x.clamp_min(0) if m.inplace else F.relu(x),
    nn.ReLU6: lambda m, x: F.relu6(x),
    nn.SiLU: lambda m, x: F.silu(x),
    nn.Hardswish: lambda m, x: F.hardswish(x),
    nn.Hardsigmoid: lambda m, x: F.hardsigmoid(x),
    nn.MaxPool2d: pool,
    nn.AvgPool2d: lambda m, x: F.avg_pool2d(x, m.kernel_size, m.stride, m.padding, m.ceil_mode),
    nn.AdaptiveAvgPool2d: lambda m, x: F.adaptive_avg_pool2d(x, m.output_size),
    nn.Flatten: lambda m, x: torch.flatten(x, m.start_dim, m.end_dim),
    nn.Identity: lambda m, x: x,
    nn.Dropout: lambda m, x: x,
}


class Steps(fx.Interpreter):
    """Runs the steps of a network; one that has no function is an error."""

    def call_module(self, target: Any, args: Any, kwargs: Any) -> Any:
        part = self.fetch_attr(target)
        return FUNCTIONS[type(part)](part, *args)


class Functional(nn.Module):
    """Computes what `model` does from the same weights, without calling one of its modules."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = fx.symbolic_trace(model.eval())

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = Steps(self.model).run(x)
        return y


def rows(graph: Graph, names: tuple[str, ...]) -> set[int]:
    """Find the rows that a verdict names."""
    labels = [graph.label(row) for row in range(len(graph))]
    assert set(names) <= set(labels)
    return {row for row, label in enumerate(labels) if label in names}


def facts(verdict: Verdict) -> tuple[bool | None, float | None, str]:
    return verdict.ok, verdict.violation, verdict.reason


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "attendnext:xa325",
        "timm:resnet50",
        "timm:resnetblur50",
        "timm:resnext50_32x4d",
        "timm:mobilenetv2_100",
        "timm:mobilenetv3_large_100",
        "timm:convnext_atto",
    ],
)
def test_functional_calls_get_the_verdicts_of_modules(name: str) -> None:
    module = find_model(name).module.eval()
    functional = Functional(module)
    image = torch.rand(1, *SHAPE)
    with torch.no_grad():
        torch.testing.assert_close(functional(image), module(image))
    ours, theirs = trace(functional, SHAPE), trace(module, SHAPE)

    assert profile(ours) == profile(theirs)
    assert analyse(ours) == analyse(theirs)
    assert {layer.name for layer in ours} == {""}, "a module was called"
    for constraint in CONSTRAINTS:
        one, other = (constraint(Candidate(g, profile(g))) for g in (ours, theirs))
        assert facts(one) == facts(other)
        assert rows(ours, one.offenders) == rows(theirs, other.offenders)
