import re
import sys

import pytest
import torch

from gensynth.errors import InputError
from gensynth.evaluation.score import NetScore
from gensynth.graph.profile import profile
from gensynth.graph.trace import trace
from gensynth.models import timm_models
from gensynth.models.by_name import find_model, reference_source
from gensynth.space import Task
from search_spaces.attendnext import AttendNeXt


@pytest.mark.parametrize(
    ("name", "params", "mega_macs"),
    [
        ("mobilenetv2_100", 3_504_872, 300.8),
        ("resnet50", 25_557_032, 4089),
        ("mobilenetv3_large_100", 5_483_032, 216.6),
        ("fbnetc_100", 5_572_200, 385.0),
        ("mobileone_s1", 4_764_840, 824.3),
        ("mobilenetv1_100", 4_231_976, 568.7),
    ],
)
def test_counts_of_the_peers(name: str, params: int, mega_macs: float) -> None:
    model = find_model(f"timm:{name}")
    costs = profile(trace(model.module, model.input_shape))
    assert costs.params == params
    assert costs.macs / 1e6 == pytest.approx(mega_macs, rel=1e-3)


def test_counts_of_mobilevit_at_its_own_size() -> None:
    model = find_model("timm:mobilevit_xs", Task(3, 256, 256, 1000))
    costs = profile(trace(model.module, model.input_shape))
    assert costs.params == 2_317_848 and costs.macs / 1e6 == pytest.approx(908.6, rel=1e-3)
    assert costs.uncounted == () and costs.matmul_macs == 117_276_672, "attention is set apart"


def test_a_peer_takes_the_channels_and_classes_of_the_task() -> None:
    model = timm_models.make({"name": "mobilenetv3_small_050", "classes": 7, "channels": 1})
    assert model.eval()(torch.zeros(2, 1, 32, 32)).shape == (2, 7)


def test_a_network_that_fuses_in_eval_mode_only_comes_fused_in_the_mode_it_had() -> None:
    fused = timm_models.make({"name": "efficientvim_m1"})
    assert fused.training
    assert not timm_models.as_it_runs(fused.eval()).training


def test_a_network_of_many_branches_comes_fused_unless_it_is_to_be_trained() -> None:
    fused, branched = (
        timm_models.make({"name": "mobileone_s1", "fused": f}) for f in (True, False)
    )
    sizes = [sum(p.numel() for p in model.parameters()) for model in (fused, branched)]
    assert sizes == [4_764_840, 4_825_192]


@pytest.mark.parametrize(
    "name",
    ["mobilenetv3_large_100", "fbnetc_100", "mobilenetv1_100", "mobileone_s1", "mobilevit_xs"],
)
def test_without_its_first_stride_a_network_looks_at_small_images_four_times_as_closely(
    name: str,
) -> None:
    small = find_model(f"timm:{name}+stride1", Task(3, 32, 32, 10))
    usual = find_model(f"timm:{name}", Task(3, 64, 64, 10))
    near, far = (profile(trace(model.module, model.input_shape)) for model in (small, usual))
    assert near.params == far.params
    assert near.macs == pytest.approx(far.macs, rel=0.03)
    branched = timm_models.make({"name": f"{name}+stride1", "classes": 10, "fused": False}).eval()
    assert branched(torch.zeros(2, 3, 32, 32)).shape == (2, 10)


def test_a_network_that_reads_patches_has_no_first_stride_to_remove() -> None:
    with pytest.raises(InputError, match="no convolution of stride 2 that reads the image"):
        timm_models.make({"name": "vit_tiny_patch16_224+stride1"})


@pytest.mark.parametrize(
    ("name", "params", "mega_macs"),
    [  # As their authors published them: arXiv 1704.04861, 1801.04381.
        ("mobilenetv1_100+width0.25", 470_072, 41.0),
        ("mobilenetv2_100+width0.5", 1_968_680, 97.1),
    ],
)
def test_a_narrower_network_has_the_counts_that_were_published(
    name: str, params: int, mega_macs: float
) -> None:
    model = find_model(f"timm:{name}")
    costs = profile(trace(model.module, model.input_shape))
    assert costs.params == params
    assert costs.macs / 1e6 == pytest.approx(mega_macs, rel=1e-3)


def test_at_a_width_that_timm_has_too_a_network_is_timm_s_own() -> None:
    ours, theirs = (
        timm_models.make({"name": f"mobilenetv3_large_{name}"}) for name in ("100+width0.75", "075")
    )
    assert [p.shape for p in ours.parameters()] == [p.shape for p in theirs.parameters()]


@pytest.mark.parametrize("order", ["+width0.5+stride1", "+stride1+width0.5"])
def test_a_narrower_network_can_look_at_small_images_too(order: str) -> None:
    model = timm_models.make({"name": f"fbnetc_100{order}", "classes": 10}).eval()
    assert model(torch.zeros(2, 3, 32, 32)).shape == (2, 10)
    assert next(m for m in model.modules() if isinstance(m, torch.nn.Conv2d)).stride == (1, 1)


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ("fbnetc_100+width9", "the width must be from 0.05 to 4, got '9'"),
        ("fbnetc_100+width", "the width must be from 0.05 to 4, got ''"),
        ("fbnetc_100+widthnan", "the width must be from 0.05 to 4, got 'nan'"),
        ("fbnetc_100+stride2", "unknown variant '+stride2'; did you mean '+stride1'"),
        ("fbnetc_100+width0.5+width0.75", "expected +width once"),
        ("fbnetc_100+stride1+stride1", "expected +stride once"),
        ("fbnetc_100+width 0.5", "the width must be from 0.05 to 4, got ' 0.5'"),
        ("resnet18+width0.5", "timm builds it at one width only; valid: fbnetc_100"),
    ],
)
def test_an_unknown_variant_is_one_line(form: str, problem: str) -> None:
    with pytest.raises(InputError, match=re.escape(problem)):
        timm_models.make({"name": form})


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("fbnetc_100", "'timm:fbnetc_100'"),
        ("fbnetc_100+width0.5", "'timm:fbnetc_100+width0.5'"),
        ("tim:fbnetc_100", "timm:fbnetc_100"),
        ("atendnext:tiny", "attendnext:tiny"),
    ],
)
def test_a_network_named_without_its_kind_is_told_with_it(name: str, meant: str) -> None:
    with pytest.raises(InputError, match=re.escape(f"did you mean {meant}?")):
        find_model(name)


def test_a_reference_is_trained_with_its_branches() -> None:
    source = reference_source("timm:mobileone_s1", AttendNeXt(), Task(3, 32, 32, 10), "reference")
    assert source.spec["fused"] is False


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(
        InputError, match="unknown timm network 'resnet5O'; did you mean 'resnet50'"
    ):
        timm_models.make({"name": "resnet5O"})


def test_what_timm_cannot_build_is_one_line() -> None:
    with pytest.raises(InputError, match="timm:resnet18: timm cannot build it"):
        timm_models.make({"name": "resnet18", "channels": "three"})


def test_without_timm_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    timm_models.import_timm.cache_clear()
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(InputError, match=r'pip install "timm'):
        timm_models.make({"name": "resnet18"})
    timm_models.import_timm.cache_clear()


def test_published_accuracies_are_percentages_with_a_source() -> None:
    table = timm_models.published()
    assert all(60 < row.top1 < 90 and row.source for row in table.values())
    assert all(name.startswith("timm:") for name in table if table[name].params is None)
    ofa = table["OFA-62"]
    assert "as published" in ofa.source
    assert ofa.params is not None and ofa.macs is not None
    assert NetScore().of(ofa.top1, ofa.params, ofa.macs) == pytest.approx(74.37, abs=0.01)


def test_every_known_accuracy_is_of_a_network_that_can_be_built() -> None:
    timm = timm_models.import_timm()
    names = [name for name, row in timm_models.published().items() if row.params is None]
    assert names and all(timm.is_model(name.removeprefix("timm:")) for name in names)
