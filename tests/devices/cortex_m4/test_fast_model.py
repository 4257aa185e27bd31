"""Instructions on a Cortex-M4 predicted from the graph: which loops run, and what is unknown."""

from dataclasses import replace

import pytest
from torch import nn

from devices.cortex_m4.c_nodes import CNode, c_nodes
from devices.cortex_m4.fast_model import classes, fast_model, features
from gensynth.graph.trace import trace
from tests.support.emulation import tiny

SHAPE = (3, 32, 32)
NODE = CNode("conv 3x3 1 padded", 24 * 256, 24 * 16, 16, 16 * 256, 16, 9, 3, 0.9)


def test_the_loops_of_a_network_are_those_of_its_code() -> None:
    """The norm vanishes in its convolution; a view is nothing."""
    listed = [node for _, node in c_nodes(trace(tiny(), SHAPE))]
    assert [node.kind for node in listed] == [
        "picture",
        "conv 3x3 2 padded",
        "silu",
        "conv 3x3 1 padded",
        "sigmoid",
        "combine alike",
        "combine alike",
        "channel_shuffle",
        "reduce",
        "linear",
    ]
    assert listed[0].outputs == 3 * 32 * 32 and listed[-1].outputs == 10
    assert listed[1].reach == 3 and listed[3].reach == 4, "channels of a group"


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "inside"),
    [(3, 1, 0, 1.0), (3, 1, 1, (22 / 24) ** 2), (3, 2, 1, (11 / 12) ** 2), (1, 1, 0, 1.0)],
)
def test_positions_outside_the_image_are_not_computed(
    kernel: int, stride: int, padding: int, inside: float
) -> None:
    """Of 8 pixels, a window of three hangs over each end; with stride 2 over one end."""
    graph = trace(nn.Conv2d(2, 4, kernel, stride, padding), (2, 8, 8))
    _, (_, node) = c_nodes(graph)
    assert node.inside == pytest.approx(inside) and node.taps == kernel**2


def test_a_pool_that_two_rows_share_runs_once() -> None:
    class Twice(nn.Module):
        def forward(self, x):  # type: ignore[no-untyped-def]
            pooled = nn.functional.avg_pool2d
            return pooled(x, 2) + pooled(x, 2).sigmoid()

    kinds = [node.kind for _, node in c_nodes(trace(Twice(), (2, 8, 8)))]
    assert kinds == ["picture", "avg 2x2 2 plain", "sigmoid", "combine alike"]


def test_a_class_is_known_by_window_and_by_what_is_unrolled() -> None:
    assert classes(NODE)[0] == "conv 3x3 1 padded loop short <=16"
    assert classes(NODE._replace(reach=1))[0] == "conv 3x3 1 padded unrolled short <=16"
    assert classes(NODE._replace(reach=4))[0] == "conv 3x3 1 padded half short <=16"
    assert classes(NODE._replace(reach=17, width=20))[0] == "conv 3x3 1 padded loop long wide"
    assert classes(NODE)[2:] == ("conv padded loop short", "conv", "other")


def test_features_are_products_positions_and_numbers() -> None:
    around = 24 * 256 * 16
    assert features(NODE) == pytest.approx(
        (around * 9 * 0.9, around * 9, around * 3, around, 24 * 256, 24 * 16, 16 * 256, 1)
    )


def test_instructions_add_up_and_grow_with_the_network() -> None:
    model = fast_model()
    small, large = (model.foresee(trace(tiny(), (3, size, size))) for size in (16, 32))
    assert 0 < small.figure < large.figure
    assert all(weight >= 0 for found in model.coefficients.values() for weight in found)


def test_what_was_not_fitted_on_is_said() -> None:
    model = fast_model()
    assert "outside" in replace(model, most=1.0).foresee(trace(tiny(), SHAPE)).extrapolated
    kept = {name: c for name, c in model.coefficients.items() if not name.startswith("conv")}
    blind = replace(model, coefficients={**kept, "conv": [1.0] * 8})
    found = blind.foresee(trace(tiny(), SHAPE))
    assert "kinds of loops that the fit has not seen" in found.extrapolated
