from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from constraints.antialiased_downsampling import AntialiasedDownsampling
from constraints.balanced_accuracy import BalancedAccuracy
from constraints.board import FitsBoard
from constraints.columnar import Columnar
from constraints.max_flash_bytes import MaxFlashBytes
from constraints.max_instructions import MaxInstructions
from constraints.max_int8_loss import MaxInt8Loss
from constraints.max_latency_ms import MaxLatencyMs
from constraints.max_latency_ratio import MaxLatencyRatio
from constraints.max_macs import MaxMacs
from constraints.max_params import MaxParams
from constraints.max_peak_activation_bytes import MaxPeakActivationBytes
from constraints.max_ram_bytes import MaxRamBytes
from constraints.max_weight_bytes import MaxWeightBytes
from constraints.strided_pointwise import StridedPointwise
from constraints.top1 import Top1
from gensynth.errors import InputError
from gensynth.evaluation.constraint import Candidate, Constraint, Verdict, with_top1
from gensynth.evaluation.measurement import Measurement
from gensynth.graph.profile import profile
from gensynth.graph.trace import trace
from gensynth.models.by_name import find_model
from gensynth.plugins import load_plugin, names
from gensynth.serialization import from_plain
from tests.support.networks import (
    FunctionalResNet,
    basic,
    bottleneck,
    call,
    columnar,
    conv,
    head,
    mobilenet,
    normed,
    resnet,
    shuffled,
)

SHAPE = (3, 32, 32)
STRUCTURAL: list[Constraint] = [Columnar(), StridedPointwise(), AntialiasedDownsampling()]


def candidate(module: nn.Module) -> Candidate:
    graph = trace(module, SHAPE)
    return Candidate(graph, profile(graph))


def judged(constraint: Constraint, *middle: nn.Module) -> Verdict:
    """Judge parts of 8 channels between a strided stem and a head."""
    return constraint(candidate(nn.Sequential(normed(3, 8, 3, 2), nn.ReLU(), *middle, *head(8))))


@pytest.mark.parametrize("preset", ["xa325", "ref659", "prototype"])
def test_the_presets_keep_all_structural_constraints(preset: str) -> None:
    model = find_model(f"attendnext:{preset}")
    graph = trace(model.module, model.input_shape)
    known = Candidate(graph, profile(graph))
    assert [constraint(known).ok for constraint in STRUCTURAL] == [True] * 3
    assert Top1()(known).ok is None


@pytest.mark.parametrize("constraint", STRUCTURAL)
def test_functional_calls_get_the_verdicts_of_modules(constraint: Constraint) -> None:
    model = resnet()
    by_module, by_call = (constraint(candidate(one)) for one in (model, FunctionalResNet(model)))
    assert (by_module.ok, by_module.violation) == (by_call.ok, by_call.violation)
    assert len(by_module.offenders) == len(by_call.offenders)


@pytest.mark.parametrize("constraint", STRUCTURAL)
@pytest.mark.parametrize("make", [resnet, columnar, mobilenet])
def test_judging_changes_nothing_and_repeats(
    constraint: Constraint, make: Callable[[], nn.Module]
) -> None:
    known = candidate(make())
    before = known.graph.layers
    first, second = constraint(known), constraint(known)
    assert first == second and known.graph.layers is before
    assert first.violation is not None and first.ok == (first.violation <= 0)
    assert bool(first.offenders) <= (not first.ok)


def test_strided_pointwise_names_strided_shortcuts() -> None:
    verdict = StridedPointwise()(candidate(resnet()))
    assert verdict.ok is False and verdict.offenders == ("3.shortcut.0",)
    assert verdict.violation == 1 / 8
    assert StridedPointwise()(candidate(resnet(stride=1))).ok is True


@pytest.mark.parametrize(
    ("parts", "offends"),
    [
        ([conv(8, 8, 1, 2)], True),
        ([conv(8, 8, 1, 2, 4)], True),
        ([conv(8, 8, 3, 2)], False),
        ([nn.Conv2d(8, 8, 2, 3)], True),
        ([nn.Conv2d(8, 8, (1, 3), 2)], True),
        ([nn.Conv2d(8, 8, 2, 2)], False),
        ([nn.AvgPool2d(2)], False),
        ([nn.MaxPool2d(1, 2)], True),
        ([call(lambda x: x[:, :, ::2, ::2])], True),
        ([nn.AvgPool2d(2, 1), call(lambda x: x[:, :, ::2, ::2])], False),
        ([call(lambda x: x[:, :, ::2] + x[:, :, 1::2])], False),
        ([nn.ConvTranspose2d(8, 8, 1, 2)], False),
    ],
)
def test_whoever_skips_pixels_offends(parts: list[nn.Module], offends: bool) -> None:
    assert judged(StridedPointwise(), *parts).ok is not offends


def test_where_there_is_nothing_to_judge_that_is_said() -> None:
    known = candidate(nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10)))
    for constraint in (StridedPointwise(), AntialiasedDownsampling()):
        verdict = constraint(known)
        assert verdict.ok and verdict.reason.endswith("nothing to judge")


def test_what_cannot_be_judged_decides_only_where_the_rest_leaves_it_open() -> None:
    def softly(x: Tensor) -> Tensor:
        return F.avg_pool2d(x.exp() * x, 2) / F.avg_pool2d(x.exp(), 2)

    # Two means, and a quotient that weighs the samples by what the image shows.
    assert judged(AntialiasedDownsampling(0.6), call(softly)).ok is True
    assert judged(AntialiasedDownsampling(0.9), call(softly)).ok is None
    verdict = judged(AntialiasedDownsampling(0.9), nn.MaxPool2d(2), call(softly))
    assert verdict.ok is False and verdict.reason.endswith("; 1 cannot be judged")


def test_antialiasing_is_the_share_of_filtered_reductions() -> None:
    parts = nn.AvgPool2d(2), conv(8, 8, 3, 2), nn.MaxPool2d(2)
    verdict = judged(AntialiasedDownsampling(), *parts)
    assert verdict.violation == pytest.approx(2 / 3) and verdict.offenders == ("3", "4")
    assert judged(AntialiasedDownsampling(min_share=1 / 3), *parts).ok is True
    assert judged(AntialiasedDownsampling()).ok is True, "nothing is reduced after the stem"


def test_columnar_wants_most_spatial_work_in_columns() -> None:
    verdict = Columnar()(candidate(resnet()))
    assert (verdict.ok, verdict.violation) == (False, 1)
    assert verdict.reason == "0% of the spatial MACs in columns, at least 50% wanted"
    assert verdict.offenders[:2] == ("0.0", "2.branch.0.0")
    assert Columnar()(candidate(columnar())).ok is True
    assert Columnar(min_share=1.0)(candidate(columnar())).offenders == ("0.0",)


def test_columnar_allows_mixing_at_the_entry_of_the_first_stage_only() -> None:
    columns = conv(8, 8, 3, 1, 4), conv(8, 8, 5, 1, 4), conv(8, 8, 5, 1, 4)
    entry = judged(Columnar(), *columns, bottleneck(8, 4), basic(8, 8, 1, 4))
    assert entry.ok is True
    later = judged(Columnar(), *columns, bottleneck(8, 4), bottleneck(8, 4))
    assert later.ok is False and later.offenders == ("6.branch.4.0",)
    told = "; 1 interaction of columns in the first stage after its entry block"
    assert later.reason.endswith(told)
    lower = judged(
        Columnar(), *columns, bottleneck(8, 4), nn.AvgPool2d(2), bottleneck(8, 4), bottleneck(8, 4)
    )
    assert lower.ok is True, "later stages may mix in every block"


def test_a_shuffle_in_the_first_stage_mixes_too() -> None:
    shuffle = call(lambda x: shuffled(x, 4))
    verdict = judged(Columnar(), *[basic(8, 8, 1, 4) for _ in range(3)], shuffle, basic(8, 8, 1, 4))
    assert verdict.ok is False and verdict.offenders == ("6.branch.0.0",)


def trained(top1: float, **references: float) -> Candidate:
    measured = {name: Measurement(1, value, 0.0, 0.0) for name, value in references.items()}
    known = candidate(conv(3, 8))
    return Candidate(
        known.graph, known.profile, measurement=Measurement(1, top1, 0.0, 0.0), references=measured
    )


@pytest.mark.parametrize(
    ("rule", "top1", "ok"),
    [
        (Top1(), 75.8, True),
        (Top1(), 75.7, False),
        (Top1(min=98.0), 97.9, False),
        (Top1(reference="peer"), 80.0, True),
        (Top1(reference="peer"), 79.9, False),
        (Top1(reference="peer", margin=1.5), 81.4, False),
        (Top1(reference="peer", margin=-1.5), 78.5, True),
        (Top1(reference="peer", margin=-90), 0.5, True),
        (Top1(reference="stranger"), 99.0, None),
    ],
)
def test_top1_has_an_absolute_or_a_relative_floor(rule: Top1, top1: float, ok: bool | None) -> None:
    assert rule(trained(top1, peer=80.0)).ok is ok


def test_an_untrained_network_is_not_judged_by_its_accuracy() -> None:
    known = candidate(conv(3, 8))
    assert Top1()(known).ok is None and Top1()(known).violation is None
    assert Top1()(with_top1(known, 80.0)).ok is True


BUDGETS: dict[str, Callable[..., Constraint]] = {
    "params": MaxParams,
    "macs": MaxMacs,
    "weight_bytes": MaxWeightBytes,
    "peak_activation_bytes": MaxPeakActivationBytes,
}


@pytest.mark.parametrize("cost", BUDGETS)
@given(share=st.floats(0.1, 10))
def test_budgets_compare_with_the_profile(cost: str, share: float) -> None:
    known = CONVOLUTION
    value = getattr(known.profile, cost)
    verdict = BUDGETS[cost](limit=value * share)(known)
    assert verdict.violation == pytest.approx(1 / share - 1)
    assert BUDGETS[cost](limit=value)(known).ok is True


CONVOLUTION = candidate(conv(3, 8))


@pytest.mark.parametrize(
    ("kind", "fields", "place"),
    [
        (Columnar, {"min_share": 0}, "table.min_share"),
        (Columnar, {"min_share": 1.1}, "table.min_share"),
        (AntialiasedDownsampling, {"min_share": -1}, "table.min_share"),
        (Top1, {"min": 120}, "table.min"),
        (Top1, {"min": 0}, "table.min"),
        (Top1, {"margin": 1.0}, "table.margin"),
        (Top1, {"reference": "a", "margin": 200.0}, "table.margin"),
        (MaxParams, {"limit": 0}, "table.limit"),
        (MaxMacs, {"limit": -1}, "table.limit"),
        (MaxWeightBytes, {}, "table.limit"),
        (MaxPeakActivationBytes, {"limt": 3}, "table.limt"),
    ],
)
def test_a_wrong_field_is_named(kind: type[Any], fields: dict[str, Any], place: str) -> None:
    with pytest.raises(InputError) as caught:
        from_plain(kind, fields, "table")
    assert caught.value.place == place


def test_all_of_them_are_plugins() -> None:
    kinds = [Columnar, StridedPointwise, AntialiasedDownsampling, Top1, *BUDGETS.values()]
    kinds += [MaxRamBytes, MaxFlashBytes, FitsBoard]
    kinds += [BalancedAccuracy, MaxInt8Loss, MaxLatencyMs, MaxLatencyRatio, MaxInstructions]
    assert {load_plugin("constraint", name, "test") for name in names("constraint")} == set(kinds)
