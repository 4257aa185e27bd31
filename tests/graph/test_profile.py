import weakref
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, fx, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from gensynth.graph.graph import Graph, Layer
from gensynth.graph.profile import peak_activation_bytes, profile
from gensynth.graph.second_opinions import fvcore_opinion
from gensynth.graph.trace import trace
from gensynth.models.by_name import find_model
from tests.support.networks import FunctionalResNet, call, columnar, conv, mobilenet, resnet

SHAPE = (3, 24, 24)


def test_costs_of_a_network_counted_by_hand() -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(32, 5)
    )
    costs = profile(trace(model, (3, 4, 4)))
    assert costs.params == 3 * 8 * 9 + 8 + 16 + 32 * 5 + 5
    assert costs.macs == 4 * 3 * 8 * 9 + 32 * 5
    assert costs.weight_bytes == 4 * costs.params
    assert costs.peak_activation_bytes == 4 * (48 + 32)
    assert costs.uncounted == ()


def test_peak_of_the_documented_example() -> None:
    graph = trace(call(lambda x, one: x + one(x).relu(), one=conv(3, 3)), (3, 8, 8))
    assert profile(graph).peak_activation_bytes == 2304


def test_fused_execution_keeps_no_output_of_a_convolution_beside_its_activation() -> None:
    block = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
    graph = trace(block, (3, 4, 4))
    assert peak_activation_bytes(graph) == 4 * (128 + 128)
    assert peak_activation_bytes(graph, "fused") == 4 * (48 + 128)
    both = trace(call(lambda x, one: one(x) + one(x).relu(), one=conv(3, 3)), (3, 4, 4))
    assert peak_activation_bytes(both, "fused") <= peak_activation_bytes(both)


def test_views_share_memory_and_the_last_reader_frees_it() -> None:
    image = Layer("input", "input", (), (10,))
    view = Layer("move", "view", (0,), (2, 5), alias=True)
    small = Layer("activation", "relu", (1,), (2,))
    assert profile(Graph((image, view, small))).peak_activation_bytes == 4 * 12
    late = Layer("combine", "add", (1, 2), (2, 5))
    assert profile(Graph((image, view, small, late))).peak_activation_bytes == 4 * 22
    alone = Layer("activation", "relu", (2,), (3,))
    assert profile(Graph((image, view, small, alone))).peak_activation_bytes == 4 * 12


def test_what_is_in_no_count_is_listed() -> None:
    def run(x: Tensor, idle: nn.Module) -> Tensor:
        tokens = x.flatten(2)
        spectrum: Tensor = torch.fft.rfft(tokens @ tokens.mT)
        return spectrum.real

    costs = profile(trace(call(run, idle=nn.Linear(1, 1, bias=False)), (3, 4, 4)))
    assert costs.uncounted == ("aten::_fft_r2c (the network)",)
    assert costs.unread == ("parts.idle.weight",)
    assert (costs.macs, costs.matmul_macs, costs.params) == (0, 3 * 3 * 16, 1)


NETWORKS: Mapping[str, Callable[[], nn.Module]] = {
    "dense": resnet,
    "grouped": columnar,
    "depthwise": mobilenet,
    "functional": lambda: FunctionalResNet(resnet()),
    "xa325": lambda: find_model("attendnext:xa325").module,
}


def half_of_torchs_count(module: nn.Module, shape: tuple[int, int, int]) -> int:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module.eval()(torch.zeros(1, *shape))
    return int(counter.get_total_flops()) // 2


@pytest.mark.parametrize("name", NETWORKS)
def test_macs_agree_with_torch_and_with_fvcore(name: str) -> None:
    module, shape = NETWORKS[name](), (3, 64, 64)
    macs = profile(trace(module, shape)).macs
    opinion = fvcore_opinion(module, shape)
    assert macs == half_of_torchs_count(module, shape)
    assert macs == opinion.macs["conv"] + opinion.macs["linear"]


@given(st.integers(1, 4), st.sampled_from([1, 2, 4]), st.sampled_from([1, 3, 5]), st.integers(1, 3))
def test_macs_of_any_convolution_agree_with_torch(
    width: int, groups: int, kernel: int, stride: int
) -> None:
    module = conv(4 * width, 8, kernel, stride, groups)
    shape = (4 * width, 9, 7)
    assert profile(trace(module, shape)).macs == half_of_torchs_count(module, shape)


def test_the_second_opinion_tells_what_it_does_not_know() -> None:
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Hardswish()).train()
    opinion = fvcore_opinion(module, (3, 8, 8))
    assert opinion.macs == {"conv": 36 * 216, "batch_norm": 36 * 8 * 2}
    assert opinion.total == 36 * 216 + 36 * 16
    assert opinion.uncounted == {"aten::hardswish": 1}
    assert module.training


class LiveTensors(TorchDispatchMode):
    """Adds up the memory of all tensors that are alive after each operator, but for weights."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        fixed = [*module.parameters(), *module.buffers()]
        self.fixed = {tensor.untyped_storage().data_ptr() for tensor in fixed}
        self.live: dict[int, int] = {}
        self.peak = 0

    def add(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key = storage._cdata
        if storage.data_ptr() in self.fixed or key in self.live:
            return
        self.live[key] = storage.nbytes()
        weakref.finalize(storage, self.live.pop, key, None)
        self.peak = max(self.peak, sum(self.live.values()))

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(out):
            if isinstance(tensor, Tensor):
                self.add(tensor)
        return out


def out_of_place(module: nn.Module) -> nn.Module:
    for part in module.modules():
        if hasattr(part, "inplace"):
            vars(part)["inplace"] = False
    return module.eval()


def measured_peak(module: nn.Module, run: Callable[[Tensor], Any], shape: tuple[int, ...]) -> int:
    image = torch.zeros(1, *shape)  # Its caller's: not counted.
    live = LiveTensors(module)
    with torch.no_grad(), live:
        run(image)
    return live.peak


def dropping(module: nn.Module) -> Callable[[Tensor], Any]:
    """Run `module` so that every value is dropped after its last use.

    Called as a module it holds more: the variables of all callers keep what they name.
    """
    return fx.Interpreter(fx.symbolic_trace(module)).run


@pytest.mark.parametrize("name", ["dense", "grouped", "depthwise", "functional"])
def test_peak_is_that_of_an_eager_forward_pass(name: str) -> None:
    module = out_of_place(NETWORKS[name]())
    counted = profile(trace(module, (3, 32, 32))).peak_activation_bytes
    assert counted == measured_peak(module, dropping(module), (3, 32, 32))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet18", "vgg11", "repvgg_a0", "hrnet_w18_small"])
def test_peak_of_real_networks_is_that_of_an_eager_forward_pass(name: str) -> None:
    module = out_of_place(find_model(f"timm:{name}").module)
    counted = profile(trace(module, (3, 224, 224))).peak_activation_bytes
    assert counted == pytest.approx(measured_peak(module, module, (3, 224, 224)), rel=0.05)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "attendnext:xa325",
        "timm:resnet50",
        "timm:mobilenetv2_100",
        "timm:mobilenetv3_large_100",
        "timm:convnext_atto",
        "timm:densenet121",
        "timm:vit_tiny_patch16_224",
    ],
)
def test_peak_is_that_of_a_pass_that_drops_every_value_after_its_last_use(name: str) -> None:
    module = out_of_place(find_model(name).module)
    counted = profile(trace(module, (3, 224, 224))).peak_activation_bytes
    measured = measured_peak(module, dropping(module), (3, 224, 224))
    assert counted == pytest.approx(measured, rel=0.05)
