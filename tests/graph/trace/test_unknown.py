"""What is not known is listed and withholds verdicts; what has a rule is counted in every form."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention.flex_attention import flex_attention

from constraints.antialiased_downsampling import AntialiasedDownsampling
from constraints.columnar import Columnar
from constraints.max_macs import MaxMacs
from constraints.max_params import MaxParams
from constraints.max_peak_activation_bytes import MaxPeakActivationBytes
from constraints.strided_pointwise import StridedPointwise
from gensynth.errors import InputError
from gensynth.evaluation.constraint import Candidate, Constraint, with_top1
from gensynth.evaluation.score import NetScore
from gensynth.graph.profile import Profile, profile
from gensynth.graph.trace import trace
from tests.support.networks import call, conv, resnet
from tests.support.notations import tri

SHAPE = (3, 16, 16)
EVEN = torch.arange(16) % 2 == 0
_library: Any = torch.library.Library("gensynth_tests", "DEF")  # type: ignore[no-untyped-call]
_library.define("linear(Tensor x, Tensor w) -> Tensor")
_library.impl("linear", lambda x, w: x @ w.t(), "CPU")


def costs(run: Callable[..., Any], **parts: nn.Module) -> Profile:
    return profile(trace(call(run, **parts), SHAPE))


def tokens(x: Tensor) -> Tensor:
    return x.flatten(2).transpose(1, 2)


def own_linear(x: Tensor, stem: nn.Module, head: nn.Module) -> Tensor:
    made: Tensor = torch.ops.gensynth_tests.linear(stem(x).mean((2, 3)), head.weight)
    return made


def test_an_operator_that_has_a_known_bare_name_is_unknown_all_the_same() -> None:
    graph = trace(call(own_linear, stem=conv(3, 8), head=nn.Linear(8, 10)), SHAPE)
    assert graph.unknown == ("gensynth_tests::linear (the network)",)
    known = with_top1(Candidate(graph, profile(graph)), 70)
    withheld: list[Constraint] = [
        Columnar(), StridedPointwise(), AntialiasedDownsampling(), MaxMacs(1e9),
        MaxPeakActivationBytes(1e9),
    ]  # fmt: skip
    for constraint in withheld:
        verdict = constraint(known)
        assert verdict.ok is None and "gensynth_tests::linear" in verdict.reason
    assert MaxMacs(1.0)(known).ok is False, "what is counted is too much already"
    assert MaxParams(1e9)(known).ok is True, "parameters are stored, whatever reads them"
    with pytest.raises(ValueError, match="gensynth_tests::linear"):
        NetScore()(known)


def test_products_of_activations_are_excluded_and_withhold_nothing() -> None:
    known = costs(lambda x: tokens(x) @ tokens(x).mT)
    assert (known.uncounted, known.macs, known.matmul_macs) == ((), 0, 256 * 256 * 3)


def inferring(run: Callable[..., Tensor]) -> Callable[..., Tensor]:
    decorated: Callable[..., Tensor] = torch.inference_mode()(run)
    return decorated


@pytest.mark.parametrize("name", ["resnet", "attention", "encoder", "upsampling", "filters"])
def test_inference_mode_changes_no_row(name: str) -> None:
    cases: dict[str, tuple[Callable[..., Tensor], dict[str, nn.Module]]] = {
        "resnet": (lambda x, net: net(x), {"net": resnet()}),
        "attention": (
            lambda x, stem, mha: mha(*[tokens(stem(x))] * 3)[0],
            {"stem": conv(3, 8), "mha": nn.MultiheadAttention(8, 2, batch_first=True)},
        ),
        "encoder": (
            lambda x, stem, net: net(tokens(stem(x))),
            {"stem": conv(3, 8), "net": nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)},
        ),
        "upsampling": (
            lambda x, stem: F.interpolate(F.adaptive_avg_pool2d(stem(x), 4), scale_factor=2),
            {"stem": conv(3, 8)},
        ),
        "filters": (
            lambda x, stem: torch.where(EVEN, tri(stem(x) * EVEN), 0.0)[..., ::2, ::2],
            {"stem": conv(3, 8)},
        ),
    }
    run, parts = cases[name]
    one, other = (trace(call(r, **parts), SHAPE) for r in (run, inferring(run)))
    assert (profile(one), one.reductions) == (profile(other), other.reductions)


class Whole(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, x: Tensor, weight: Tensor) -> Tensor:
        return F.conv2d(x, weight, padding=1)


def leave(x: Tensor) -> Tensor:
    return torch.from_numpy(x.detach().numpy().copy())


@pytest.mark.parametrize(
    "out", [leave, lambda x: torch.tensor(x.tolist()), lambda x: torch.as_tensor(x.numpy() + 1)]
)
def test_values_that_leave_torch_and_come_back_are_listed(out: Callable[[Tensor], Tensor]) -> None:
    def run(x: Tensor, first: nn.Module, second: nn.Module) -> Tensor:
        kept = first(x)
        return kept.mean() + second(out(kept)).mean()  # type: ignore[no-any-return]

    known = costs(run, first=conv(3, 8), second=conv(8, 8))
    (listed,) = known.uncounted
    assert "left torch at" in listed and "came back" in listed
    assert known.macs == 256 * 9 * (3 * 8 + 8 * 8), "what runs after is counted"


def test_values_that_only_leave_change_nothing() -> None:
    def run(x: Tensor, first: nn.Module) -> Tensor:
        y: Tensor = first(x)
        y.detach().numpy().mean()
        return y * float(y.mean())

    assert costs(run, first=conv(3, 8)).uncounted == ()


RECURRENT: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "lstm": (lambda: nn.LSTM(3, 16, batch_first=True), 4 * 16 * (3 + 16)),
    "lstm of two layers, both ways": (
        lambda: nn.LSTM(3, 16, 2, batch_first=True, bidirectional=True),
        2 * 4 * 16 * (3 + 16) + 2 * 4 * 16 * (32 + 16),
    ),
    "projected lstm": (
        lambda: nn.LSTM(3, 16, proj_size=4, batch_first=True), 4 * 16 * (3 + 4) + 4 * 16,
    ),
    "gru": (lambda: nn.GRU(3, 16, batch_first=True), 3 * 16 * (3 + 16)),
    "rnn": (lambda: nn.RNN(3, 16, batch_first=True), 16 * (3 + 16)),
}  # fmt: skip


@pytest.mark.parametrize("name", RECURRENT)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_recurrent_layers_have_a_closed_form(name: str, dtype: torch.dtype) -> None:
    make, step = RECURRENT[name]
    module = call(lambda x, rnn: rnn(tokens(x))[0][:, -1], rnn=make().to(dtype))
    known = profile(trace(module, SHAPE))
    assert (known.macs, known.uncounted) == (256 * step, ())


def test_a_learned_layer_that_reads_constants_only_is_counted() -> None:
    def run(x: Tensor, stem: nn.Module, table: nn.Module) -> Tensor:
        return stem(x) + table(torch.linspace(0, 1, 256)[:, None]).T.view(8, 16, 16)  # type: ignore[no-any-return]

    known = costs(run, stem=conv(3, 8), table=nn.Linear(1, 8))
    assert (known.macs, known.unread) == (256 * 27 * 8 + 256 * 8, ())


def test_the_branch_that_an_image_takes_is_counted() -> None:
    def run(x: Tensor, one: nn.Module, two: nn.Module) -> Any:
        return torch.cond(x.sum() > 0, lambda x: one(x), lambda x: two(two(x)), (x,))

    known = costs(run, one=conv(3, 3), two=conv(3, 3))
    assert (known.macs, known.params) == (256 * 81, 2 * 81)
    assert known.unread == ("parts.two.weight",)


def test_flex_attention_is_a_product_of_activations() -> None:
    def run(x: Tensor, stem: nn.Module) -> Any:
        query = tokens(stem(x))[:, None]
        return flex_attention(query, query, query)

    known = costs(run, stem=conv(3, 16))
    assert (known.uncounted, known.matmul_macs) == ((), 2 * 256 * 256 * 16)


@pytest.mark.parametrize(
    ("run", "operator"),
    [
        (lambda x: torch.fft.rfft2(x).abs(), "aten::_fft_r2c"),
        (lambda x: torch.view_as_real(torch.complex(x, x) @ torch.complex(x, x)), "complex "),
        (lambda x: torch.linalg.svdvals(x), "aten::_linalg_svd"),
        (lambda x: torch.eye(16).to_sparse() @ x[0, 0], "sparse aten::"),
    ],
)
def test_transforms_and_complex_products_are_listed(
    run: Callable[[Tensor], Tensor], operator: str
) -> None:
    assert [entry for entry in costs(run).uncounted if entry.startswith(operator)]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_precision_changes_bytes_only(dtype: torch.dtype) -> None:
    plain, other = (profile(trace(resnet().to(d), SHAPE)) for d in (torch.float32, dtype))
    assert (plain.params, plain.macs) == (other.params, other.macs)
    assert other.weight_bytes == plain.params * dtype.itemsize


def sequential() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(8, 10),
    ).eval()  # fmt: skip


def quantised() -> nn.Module:
    ao: Any = torch.ao.quantization
    net: Any = nn.Sequential(
        ao.QuantStub(), *list(sequential().children()), ao.DeQuantStub()
    ).eval()
    net.qconfig = ao.get_default_qconfig("onednn")
    ao.prepare(net, inplace=True)
    net(torch.rand(2, *SHAPE))
    converted: nn.Module = ao.convert(net)
    return converted


@pytest.mark.parametrize(
    ("make", "weight_bytes"),
    [
        (sequential, 314 * 4),
        (quantised, 296 + 18 * 4),
        (lambda: torch.jit.script(sequential()), 314 * 4),
        (lambda: torch.jit.freeze(torch.jit.script(sequential())), 314 * 4),
    ],
)
def test_programs_of_all_kinds_have_the_counts_of_the_module(
    make: Callable[[], nn.Module], weight_bytes: int
) -> None:
    graph = trace(make(), SHAPE)
    known = profile(graph)
    assert (known.macs, known.params, known.uncounted) == (256 * 216 + 80, 314, ())
    assert known.weight_bytes == weight_bytes


def test_what_an_early_exit_leaves_out_is_stored() -> None:
    def run(x: Tensor, stem: nn.Module, near: nn.Module, far: nn.Module) -> Tensor:
        y = near(stem(x).mean((2, 3)))
        return y if y.softmax(1).max() > 0 else far(y)  # type: ignore[no-any-return]

    known = costs(run, stem=conv(3, 8), near=nn.Linear(8, 10), far=nn.Linear(10, 10))
    assert (known.params, known.weight_bytes) == (216 + 90 + 110, 4 * 416)
    assert known.unread == ("parts.far.weight", "parts.far.bias")


def test_tensors_of_other_layouts_are_counted_or_named() -> None:
    """They run in PyTorch, so nobody may read that they do not."""
    known = costs(lambda x, c: c(x.to_mkldnn()).to_dense().mean((2, 3)), c=conv(3, 8))
    assert known.params == 216 and known.macs == 216 * 256
    assert any("to_mkldnn" in str(name) for name in known.uncounted)

    def ragged(x: Tensor, c: nn.Module) -> Tensor:
        rows = tokens(c(x))[0]
        return torch.nested.nested_tensor([rows, rows[:5]]).to_padded_tensor(0.0)

    with pytest.raises(InputError, match=r"cannot be judged: .* makes tensors of unequal rows"):
        costs(ragged, c=conv(3, 8))


def test_a_packed_sequence_does_not_hide_the_layer_that_reads_it() -> None:
    gru = nn.GRU(48, 16, batch_first=True, bidirectional=True, num_layers=2)

    def run(x: Tensor, gru: nn.Module) -> Tensor:
        lines = x.transpose(1, 2).flatten(2)
        lengths = torch.tensor([lines.shape[1]])
        packed = nn.utils.rnn.pack_padded_sequence(lines, lengths, batch_first=True)
        made: Tensor = nn.utils.rnn.pad_packed_sequence(gru(packed)[0], batch_first=True)[0]
        return made

    assert costs(run, gru=gru).macs == 16 * 2 * 3 * 16 * ((48 + 16) + (32 + 16))


def test_recurrent_layers_are_counted_whatever_holds_their_weights() -> None:
    gru = nn.GRU(48, 16, batch_first=True)
    plain = costs(lambda x, gru: gru(x.transpose(1, 2).flatten(2))[0], gru=gru).macs
    nn.utils.parametrizations.weight_norm(gru, "weight_hh_l0")
    assert costs(lambda x, gru: gru(x.transpose(1, 2).flatten(2))[0], gru=gru).macs == plain
    assert plain == 16 * 3 * 16 * (48 + 16)


def test_compiled_parts_are_counted_and_judged_as_they_were_written() -> None:
    """The compiler is not asked: it would translate the recorder as well, which takes minutes."""

    def network() -> nn.Sequential:
        return nn.Sequential(conv(3, 8), nn.Conv2d(8, 8, 1, stride=2), nn.ReLU())

    plain = trace(network().eval(), (3, 16, 16))
    whole: Any = torch.compile(network())
    part: Any = torch.compile(network())
    for compiled in (whole, nn.Sequential(part)):
        graph = trace(compiled.eval(), (3, 16, 16))
        assert profile(graph) == profile(plain)
        assert graph.reductions == plain.reductions
