from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from gensynth.errors import InputError
from gensynth.graph.graph import Graph, Layer
from gensynth.graph.profile import profile
from gensynth.graph.trace import trace
from tests.support.networks import (
    FunctionalResNet,
    call,
    columnar,
    conv,
    mobilenet,
    resnet,
    shuffled,
)

SHAPE = (8, 6, 6)


def traced(run: Callable[..., Any], **parts: nn.Module) -> Graph:
    return trace(call(run, **parts), SHAPE)


def unnamed(graph: Graph) -> list[Layer]:
    return [layer._replace(name="") for layer in graph]


def test_rows_of_a_small_network_are_exactly_these() -> None:
    model = nn.Sequential(nn.Conv2d(8, 4, 3, 2, 1), nn.BatchNorm2d(4), nn.SiLU(), nn.Dropout())
    assert trace(model, SHAPE).layers == (
        Layer("input", "input", (), (8, 6, 6)),
        Layer("conv", "conv2d", (0,), (4, 3, 3), "0", (3, 3), (2, 2), parameters=292, macs=9 * 288),
        Layer("norm", "batch_norm", (1,), (4, 3, 3), "1", parameters=8),
        Layer("activation", "silu", (2,), (4, 3, 3), "2"),
    )


def test_the_head_is_a_mean_a_view_and_a_linear_row() -> None:
    model = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))
    assert trace(model, SHAPE).layers[1:] == (
        Layer("reduce", "mean", (0,), (8, 1, 1), "0"),
        Layer("move", "view", (1,), (8,), "1", alias=True),
        Layer("linear", "linear", (2,), (5,), "2", parameters=45, macs=40),
    )


def test_functional_calls_give_the_rows_of_modules() -> None:
    model = resnet()
    functional = trace(FunctionalResNet(model), (3, 16, 16))
    assert unnamed(functional) == unnamed(trace(model, (3, 16, 16)))
    assert functional.fingerprint == trace(model, (3, 16, 16)).fingerprint


def test_functional_calls_carry_their_callers_path() -> None:
    inner = call(lambda x, one: F.relu(one(x)), one=conv(8, 8))
    names = [layer.name for layer in trace(nn.Sequential(nn.Identity(), inner), SHAPE)]
    assert names == ["", "1.parts.one", "1"]


@pytest.mark.parametrize(
    ("in_place", "plain"),
    [
        (lambda x: (x * 2).relu_(), lambda x: (x * 2).relu()),
        (lambda x: (x * 2).add_(x), lambda x: (x * 2) + x),
        (lambda x: F.hardswish(x * 2, inplace=True), lambda x: F.hardswish(x * 2)),
    ],
)
def test_in_place_operators_give_the_rows_of_the_others(
    in_place: Callable[[Tensor], Tensor], plain: Callable[[Tensor], Tensor]
) -> None:
    assert traced(in_place) == traced(plain)


@pytest.mark.parametrize("make", [resnet, columnar, mobilenet])
def test_the_module_and_the_random_state_are_left_as_they_were(
    make: Callable[[], nn.Module],
) -> None:
    model = make().train()
    model[1].eval()  # type: ignore[index]
    flags = [part.training for part in model.modules()]
    state = {key: value.clone() for key, value in model.state_dict().items()}
    random = torch.get_rng_state()
    trace(model, (3, 16, 16))
    assert [part.training for part in model.modules()] == flags
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in model.modules())


@pytest.mark.parametrize("make", [resnet, columnar, mobilenet])
def test_parameters_add_up_to_those_of_the_module(make: Callable[[], nn.Module]) -> None:
    model = make()
    graph = trace(model, (3, 16, 16))
    assert sum(layer.parameters for layer in graph) == sum(p.numel() for p in model.parameters())
    assert graph.unread == ()


def test_shared_weights_count_once_and_unread_ones_are_named() -> None:
    shared, idle = conv(8, 8), nn.Linear(3, 3)
    graph = traced(lambda x, one, idle: one(one(x)), one=shared, idle=idle)
    assert [layer.parameters for layer in graph] == [0, 576, 0]
    assert graph.unread == ("parts.idle.weight", "parts.idle.bias")


def test_free_standing_parameters_count_where_they_are_read() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(8, 1, 1))
            self.norm = nn.utils.parametrizations.weight_norm(nn.Conv2d(8, 8, 1, bias=False))

        def forward(self, x: Tensor) -> Tensor:
            return self.norm(x * self.scale.exp())  # type: ignore[no-any-return]

    graph = trace(Scaled(), SHAPE)
    assert [(r.kind, r.op, r.parameters) for r in graph][1:] == [
        ("activation", "mul", 8),
        ("conv", "conv2d", 64 + 8),
    ]


def test_a_fixed_depthwise_filter_is_a_pool_with_a_response() -> None:
    taps = torch.tensor([1.0, 2.0, 1.0])
    weight = (torch.outer(taps, taps) / 16).expand(8, 1, 3, 3)
    row = traced(lambda x: F.conv2d(x, weight, stride=2, padding=1, groups=8)).layers[1]
    assert (row.kind, row.op, row.nyquist, row.stride, row.parameters) == (
        "pool",
        "blur",
        0,
        (2, 2),
        0,
    )
    learned = traced(lambda x, one: one(x), one=conv(8, 8, 3, 2, groups=8)).layers[1]
    assert (learned.kind, learned.groups, learned.nyquist) == ("conv", 8, None)


def test_a_filter_that_depends_on_the_image_is_a_convolution() -> None:
    graph = traced(lambda x: F.conv2d(x, x.mean((0, 2, 3)).reshape(8, 1, 1, 1), groups=8))
    assert graph.layers[-1].kind == "conv" and len(graph.layers[-1].inputs) == 2


def test_only_outputs_that_are_read_have_a_row() -> None:
    def second_half(x: Tensor) -> Tensor:
        return torch.split(x, [2, 6], 1)[1] * 2

    split, _ = traced(second_half).layers[1:]
    assert (split.op, split.shape, split.alias) == ("split", (6, 6, 6), True)
    assert (split.route, split.detail) == (((0, 2, 8),), "part=1")


def test_attention_is_a_product_of_activations() -> None:
    def run(x: Tensor, attention: nn.Module) -> Tensor:
        tokens = x.flatten(2).transpose(1, 2)
        return attention(tokens, tokens, tokens)[0]  # type: ignore[no-any-return]

    graph = traced(run, attention=nn.MultiheadAttention(8, 2, batch_first=True))
    assert sum(layer.macs for layer in graph if layer.kind == "matmul") == 2 * 36 * 36 * 8
    assert sum(layer.macs for layer in graph if layer.kind == "linear") == 36 * 8 * 8 * 4


def test_unknown_operators_are_other() -> None:
    assert traced(lambda x: torch.fft.rfft(x).real).layers[1][:2] == ("other", "aten::_fft_r2c")


def test_an_early_output_and_several_outputs_end_in_an_output_row() -> None:
    def early(x: Tensor) -> Tensor:
        y = x.relu()
        y.sum()
        return y

    def several(x: Tensor) -> tuple[Tensor, Tensor]:
        return x.relu(), x.exp()

    assert traced(early).layers[-1][:3] == ("move", "output", (1,))
    assert traced(several).layers[-1].inputs == (1, 2)


class Wrong(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.ones(3)


@pytest.mark.parametrize(
    ("module", "shape", "message"),
    [
        ("no module", (3, 8, 8), "str is not a torch.nn.Module"),
        (nn.Conv2d(3, 4, 3), (1, 8, 8), "cannot run on one 1x8x8 image"),
        (nn.Sequential(nn.LazyConv2d(4, 3), Wrong()), (3, 1, 1), "one image cannot give a size"),
        (Wrong(), (3, 8, 8), "returns no tensor that torch computed"),
    ],
)
def test_what_cannot_be_traced_says_so(
    module: nn.Module, shape: tuple[int, int, int], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        trace(module, shape)


def test_lazy_layers_take_the_sizes_that_the_image_gives_them_on_a_copy() -> None:
    lazy = nn.LazyConv2d(4, 3)
    model = nn.Sequential(lazy, nn.Flatten(), nn.LazyLinear(10))
    known = profile(trace(model, (3, 8, 8)))
    assert (known.params, known.macs) == (112 + 1450, 36 * 108 + 1440)
    assert is_lazy(lazy.weight), "the module is left as it was"
    left = nn.Sequential(nn.Conv2d(3, 4, 3), call(lambda x, unused: x, unused=nn.LazyLinear(10)))
    with pytest.raises(InputError, match="the image does not reach them"):
        trace(left, (3, 8, 8))


def test_a_failed_trace_restores_the_module() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3)).train()
    with pytest.raises(InputError):
        trace(model, (1, 8, 8))
    assert model.training and not model[0]._forward_hooks


class Restless(nn.Module):
    """Counts its calls in a buffer, refuses to change its mode, and returns a dataclass."""

    calls: Tensor

    @dataclass
    class Output:
        logits: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))
        self.one = conv(8, 8)

    def train(self, mode: bool = True) -> "Restless":
        raise NotImplementedError

    def forward(self, x: Tensor) -> Output:
        self.calls += 1
        return self.Output(self.one(x))


def test_a_restless_module_is_traced_in_eval_mode_and_left_as_it_was() -> None:
    model = Restless()
    graph = trace(nn.Sequential(model), SHAPE)
    assert [layer.kind for layer in graph] == ["input", "conv"]
    assert model.training and model.calls == 0


@pytest.mark.parametrize("make", [resnet, columnar, mobilenet])
def test_networks_without_numbers_have_the_same_graph(make: Callable[[], nn.Module]) -> None:
    assert trace(make().to("meta"), (3, 16, 16)) == trace(make(), (3, 16, 16))


def test_buffers_of_any_kind_are_left_alone() -> None:
    def made() -> nn.Module:
        model = nn.Sequential(conv(8, 4), nn.BatchNorm2d(4))
        model.register_buffer("wide", torch.full((1,), 2.0).expand(5))
        model.register_buffer("sparse", torch.eye(3).to_sparse())
        return model

    with torch.inference_mode():
        models = [made()]
    models += [made(), made().to("meta")]
    for model in models:
        assert [layer.kind for layer in trace(model, SHAPE)] == ["input", "conv", "norm"]


def test_programs_of_torch_are_traced_though_they_take_no_hooks() -> None:
    model = nn.Sequential(conv(8, 4), nn.ReLU()).eval()
    image = torch.zeros(1, *SHAPE)
    exported = torch.export.export(model, (image,)).module()
    traced_by_torch = torch.jit.trace(model, image)  # type: ignore[no-untyped-call]
    for program in (torch.jit.script(model), traced_by_torch, exported):
        assert unnamed(trace(program, SHAPE)) == unnamed(trace(model, SHAPE))


def test_numbers_picked_by_what_the_network_computed_keep_no_channels() -> None:
    graph = traced(lambda x: x[x > 0.5] * 2)
    assert [(layer.op, layer.route) for layer in graph][2] == ("index", None)
    picked = traced(lambda x: x[:, torch.tensor([5, 2])])
    assert picked.layers[-1].route == ((0, 5, 6), (0, 2, 3))


def test_tracing_twice_gives_the_same_graph() -> None:
    model = columnar()
    assert trace(model, (3, 16, 16)) == trace(model, (3, 16, 16))


def test_a_channel_shuffle_is_one_permutation() -> None:
    last = traced(lambda x: shuffled(x, 2)).layers[-1]
    assert last.route == tuple((0, c, c + 1) for c in (0, 4, 1, 5, 2, 6, 3, 7))
    assert traced(lambda x: F.channel_shuffle(x, 2)).layers[-1].route == last.route
