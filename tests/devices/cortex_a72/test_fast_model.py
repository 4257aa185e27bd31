"""Latency on a Cortex-A72 predicted from the graph: which layers ncnn runs, and what is unknown."""

from dataclasses import replace

import pytest

from devices.cortex_a72.convert import emulated
from devices.cortex_a72.fast_model import classes, fast_model, features, models
from devices.cortex_a72.ncnn_layers import NcnnLayer, ncnn_layers
from gensynth.errors import InputError
from gensynth.graph.trace import trace
from gensynth.models.by_name import Model
from tests.support.emulation import emulation, tiny

SHAPE = (3, 32, 32)
CONVOLUTION = NcnnLayer("Convolution", 16, 24, 256, 256, 9)
SAME = {"Convolution": "Convolution", "grouped": "ConvolutionDepthWise"}


def test_the_layers_of_a_network_are_what_ncnn_computes() -> None:
    """The norm vanishes in its convolution, as the sigmoid after it does; a view is nothing."""
    listed = list(ncnn_layers(trace(tiny(), SHAPE)))
    assert [layer.kind for layer in listed] == [
        "Convolution",
        "Swish",
        "Split",
        "grouped",
        "BinaryOp",
        "BinaryOp",
        "ShuffleChannel",
        "Reduction",
        "InnerProduct",
    ]
    assert listed[0] == NcnnLayer("Convolution", 3, 16, 1024, 256, 9, 2)
    assert listed[3] == NcnnLayer("grouped", 16, 16, 256, 256, 9, 1, 4)
    assert listed[-1] == NcnnLayer("InnerProduct", 16, 10, 1, 1)


@pytest.mark.slow
def test_ncnn_computes_the_layers_of_a_network() -> None:
    _, lines = emulated(Model("tiny", tiny(), SHAPE), emulation(), by_layer=True)
    ran = [line.split()[0] for line in lines if not line.startswith("Input")]
    assert ran == [SAME.get(layer.kind, layer.kind) for layer in ncnn_layers(trace(tiny(), SHAPE))]


def test_a_class_is_known_by_window_stride_and_full_vectors() -> None:
    assert classes(CONVOLUTION)[0] == "Convolution 9 1 44 1"
    assert classes(CONVOLUTION._replace(inputs=15))[0] == "Convolution 9 1 14 1"
    assert classes(CONVOLUTION._replace(stride=2))[0] == "Convolution 9 2 44 0"
    grouped = CONVOLUTION._replace(kind="grouped", groups=4)
    assert classes(grouped)[0] == "grouped 9 1 41 0", "columns of four in and six out"
    assert classes(grouped)[-1] == "grouped"


def test_features_are_products_numbers_weights_and_groups() -> None:
    products, written, read, weights, unrolled, groups, one = features(CONVOLUTION)
    assert products == pytest.approx(24 * 256 * 144 / 1e6)
    assert (written, read) == pytest.approx((24 * 256 / 1e6, 16 * 256 / 1e6))
    assert weights == pytest.approx(24 * 144 / 1e6) and unrolled == pytest.approx(256 * 144 / 1e6)
    assert (groups, one) == (1e-3, 1e-3)


def test_milliseconds_add_up_and_grow_with_the_network() -> None:
    model = fast_model(1)
    small, large = (model.foresee(trace(tiny(), (3, size, size))) for size in (32, 64))
    assert 0 < small.figure < large.figure
    assert large.unseen < 0.1 and model.foresee(trace(tiny(), SHAPE)).figure == small.figure


def test_what_was_not_fitted_on_is_said() -> None:
    model = fast_model(1)
    slow = replace(model, least=1.0)
    assert "outside" in slow.foresee(trace(tiny(), SHAPE)).extrapolated
    without = {name: c for name, c in model.coefficients.items() if "Convolution" not in name}
    blind = replace(model, coefficients={**without, "Convolution": [1.0] * 7})
    assert (
        "kinds of layers that the fit has not seen"
        in blind.foresee(trace(tiny(), SHAPE)).extrapolated
    )


def test_each_anchor_has_a_model_of_its_own() -> None:
    one, four = fast_model(1), fast_model(4)
    assert one.coefficients != four.coefficients and one.fitted and models()["ncnn-1"] == one
    assert all(w >= 0 for found in one.coefficients.values() for w in found)
    with pytest.raises(InputError, match="no model of ncnn with 3 threads"):
        fast_model(3)
