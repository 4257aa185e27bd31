"""Networks of as many families as timm has: counted as two other counters do, judged with reasons.

`pytest -m record` tries all of them; ten stand for them in CI.
"""

import pytest

from gensynth.graph.downsampling import judged_reductions
from gensynth.graph.profile import profile
from gensynth.graph.second_opinions import difference, fvcore_opinion, torch_opinion
from gensynth.graph.trace import trace
from gensynth.models import timm_models
from gensynth.models.by_name import find_model
from gensynth.space import Task

IN_CI = [
    "convit_tiny",
    "edgenext_xx_small",
    "efficientvit_m1",
    "ghostnet_050",
    "lcnet_035",
    "levit_128s",
    "mobilevit_xxs",
    "pit_xs_224",
    "resnet18",
    "swinv2_cr_tiny_ns_224",
]
ON_RECORD = [
    "beit_base_patch16_224",
    "beit_base_patch16_384",
    "botnet26t_256",
    "caformer_s18",
    "cait_xxs24_224",
    "cait_xxs24_384",
    "coat_lite_tiny",
    "coat_tiny",
    "convit_small",
    "convmixer_1536_20",
    "convmixer_768_32",
    "convnext_atto",
    "cpubone_nano",
    "crossvit_tiny_240",
    "cs3darknet_s",
    "csatv2",
    "cspnext_tiny",
    "davit_tiny",
    "deit3_small_patch16_224",
    "deit_tiny_patch16_224",
    "densenet121",
    "dla34",
    "dpn48b",
    "dpn68",
    "efficientformer_l1",
    "efficientformerv2_s0",
    "efficientnet_b0",
    "efficientvim_m1",
    "efficientvit_b0",
    "ese_vovnet19b_slim",
    "eva02_tiny_patch14_224",
    "fasternet_s",
    "fastvit_s12",
    "fbnetc_100",
    "focalnet_tiny_lrf",
    "gcvit_tiny",
    "gmlp_s16_224",
    "halonet26t",
    "hardcorenas_a",
    "hgnet_tiny",
    "hiera_small_224",
    "hiera_tiny_224",
    "hrnet_w18_small",
    "hrnet_w18_small_v2",
    "iformer_s",
    "inception_next_atto",
    "inception_v3",
    "lcnetv2_small",
    "legacy_seresnet18",
    "legacy_xception",
    "lowformer_b0",
    "mambaout_femto",
    "maxvit_pico_rw_256",
    "mixer_s16_224",
    "mobilenet_edgetpu_v2_xs",
    "mobilenetv1_100",
    "mobilenetv2_035",
    "mobilenetv3_large_100",
    "mobilenetv3_small_050",
    "mobilenetv4_conv_small",
    "mobileone_s0",
    "mobileone_s1",
    "mobilevit_xs",
    "mvitv2_tiny",
    "nest_tiny",
    "nextvit_small",
    "nf_regnet_b0",
    "poolformer_s12",
    "pvt_v2_b0",
    "rdnet_tiny",
    "regnetv_040",
    "regnetx_002",
    "regnety_002",
    "repghostnet_050",
    "repvgg_a0",
    "repvgg_b0",
    "repvit_m1_0",
    "res2net50_26w_4s",
    "resnest26d",
    "resnet50",
    "resnetblur18",
    "resnetv2_18",
    "resnext50_32x4d",
    "rexnet_150",
    "samvit_base_patch16_224",
    "selecsls42",
    "sequencer2d_s",
    "seresnet18",
    "shvit_s1",
    "skresnet18",
    "starnet_s050",
    "swiftformer_xs",
    "swin_s3_tiny_224",
    "swin_tiny_patch4_window7_224",
    "swinv2_tiny_window8_256",
    "tiny_vit_5m_224",
    "tnt_s_patch16_224",
    "tresnet_l",
    "twins_svt_small",
    "vgg11",
    "visformer_tiny",
    "vit_relpos_base_patch16_rpn_224",
    "vit_relpos_small_patch16_224",
    "vit_tiny_patch16_224",
    "vit_tiny_r_s16_p8_224",
    "vit_xsmall_patch16_clip_224",
    "vitamin_small_224",
    "volo_d1_224",
    "xception41",
    "xcit_nano_12_p8_224",
]
CASES = [
    *(pytest.param(name, marks=pytest.mark.slow) for name in IN_CI),
    *(pytest.param(name, marks=pytest.mark.record) for name in ON_RECORD),
]


def test_the_list_is_of_120_networks() -> None:
    assert len({*IN_CI, *ON_RECORD}) == 120 and len(IN_CI) == 10


@pytest.mark.parametrize("name", CASES)
def test_a_network_is_counted_as_others_do_and_its_reductions_have_reasons(name: str) -> None:
    side = timm_models.image_size(name) or 224
    module = find_model(f"timm:{name}", Task(3, side, side, 1000)).module
    graph = trace(module, (3, side, side))
    costs = profile(graph)
    assert costs.params == sum(parameter.numel() for parameter in module.parameters())

    theirs = torch_opinion(module, (3, side, side))
    assert theirs.problem == ""
    if not costs.uncounted and not theirs.uncounted:  # torch has no rule for fused LSTMs.
        assert costs.macs + costs.matmul_macs == pytest.approx(theirs.total, rel=1e-3)
    words = difference(fvcore_opinion(module, (3, side, side)), costs)
    named = "it does not count" in words or "we do not count" in words
    assert words.startswith("no count") or "MACs are left" not in words or named, words
    for found in judged_reductions(graph):
        assert found.cause and (found.filtered is not None or "depends" in found.cause)
