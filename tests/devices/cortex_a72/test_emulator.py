"""The emulated Cortex-A72: what it computes is checked, what it counts is reproducible."""

import json
from typing import Any

import pytest

from devices.cortex_a72.calibration import anchor, anchors
from devices.cortex_a72.compare import emulate_model
from devices.cortex_a72.convert import emulated
from devices.cortex_a72.counts import NAMES, Counts
from gensynth.cli import BAD_INPUT, DONE, main
from gensynth.errors import InputError
from gensynth.evaluation.latency import Question
from gensynth.models.by_name import Model
from tests.support.emulation import emulation, fickle, outlandish, tiny

SHAPE = (3, 32, 32)


def counts(**known: float) -> Counts:
    return Counts(**{name: known.get(name, 0.0) for name in NAMES})


def command(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["compare", "--image-size", "32", "--classes", "10", *arguments])
    return int(ended.value.code or 0)


@pytest.mark.slow
def test_two_runs_count_the_same_within_a_thousandth() -> None:
    emulation()
    first, second = (emulate_model(Model("tiny", tiny(), SHAPE)) for _ in range(2))
    assert second.counts.instructions == pytest.approx(first.counts.instructions, rel=1e-3)
    assert second.milliseconds == pytest.approx(first.milliseconds, rel=1e-3)
    assert first.extrapolated and first.milliseconds < 1


def test_the_counts_are_those_of_the_network() -> None:
    """16 x 27 and 16 x 36 products at 16 x 16 places, four of them in an instruction."""
    parts = emulation()
    found, lines = emulated(Model("tiny", tiny(), SHAPE), parts, by_layer=True)
    of_kind = dict(zip([line.split()[0] for line in lines], found.layers, strict=True))
    assert 16 * 27 * 256 / 4 <= of_kind["Convolution"].fma < 1.6 * 16 * 27 * 256 / 4
    assert of_kind["ConvolutionDepthWise"].fma > 16 * 36 * 256 / 8
    total = sum(layer.instructions for layer in found.layers)
    assert total == pytest.approx(found.counts.instructions, rel=0.05)
    assert found.counts.written_bytes >= 4 * 16 * 256
    assert found.shapes[0] == (32, 32, 3, 1) and found.shapes[1] == (16, 16, 4, 4)


@pytest.mark.slow
def test_a_network_that_was_converted_to_another_is_refused() -> None:
    parts = emulation()
    with pytest.raises(InputError, match=r"fickle: .* outputs differ by"):
        emulated(Model("fickle", fickle(), SHAPE), parts)


def test_a_network_that_ncnn_cannot_express_is_one_line() -> None:
    parts = emulation()
    with pytest.raises(InputError, match=r"outlandish: .*matrix_exp") as raised:
        emulated(Model("outlandish", outlandish(), SHAPE), parts)
    assert "\n" not in str(raised.value)


@pytest.mark.slow
def test_compare_tells_counts_and_calls_its_milliseconds_modelled(
    capsys: pytest.CaptureFixture[str],
) -> None:
    emulation()
    model = "tests.support.emulation:tiny"
    assert command(model, "--device", "cortex-a72") == DONE
    said = " ".join(capsys.readouterr().out.split())
    assert "modelled, not measured" in said and "extrapolated" in said and "ncnn" in said
    assert command(model, "--device", "cortex-a72", "--threads", "4", "--json") == DONE
    (row,) = json.loads(capsys.readouterr().out)
    assert row["ratio"] == 1.0 and row["runtime"] == "ncnn" and row["threads"] == 4
    assert row["calibration"]["networks"] == anchors()["ncnn-4"].networks


@pytest.mark.parametrize(
    "options, line",
    [
        (["--threads", "3"], "with 1, 4 threads, not 3"),
        (["--batch", "2"], "one image at a time, not 2"),
        (["--runtime", "torch"], "runs ncnn, not torch"),
    ],
)
def test_what_the_device_cannot_answer_is_refused(
    options: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("tests.support.emulation:tiny", "--device", "cortex-a72", *options) == BAD_INPUT
    said = capsys.readouterr().err
    assert line in said and said.count("\n") == 1


def test_ncnn_is_not_timed_here() -> None:
    with pytest.raises(InputError, match="unknown runtime 'ncnn'; valid: onnxruntime, torch"):
        Question("ncnn")
    assert str(Question(device="cortex-a72")) == "ncnn, 1 thread, batch 1 on cortex-a72"
    assert Question("ncnn", device="cortex-a72") == Question(device="cortex-a72")
    assert Question("onnxruntime", device="cortex-a72").runtime == "ncnn", "as recorded before"


def test_anchors_are_never_mixed_and_add_up() -> None:
    one, four = anchor(1), anchor(4)
    some: dict[str, Any] = {"instructions": 2e6, "l2_misses": 1e3, "fma": 1e6}
    by_hand = 2 * one.nanoseconds["instructions"] + 1e-3 * one.nanoseconds["l2_misses"]
    assert one.milliseconds(counts(**some)) == pytest.approx(by_hand)
    assert one.nanoseconds != four.nanoseconds and all(w >= 0 for w in one.nanoseconds.values())
    assert one.median_error <= 0.05 and one.rho >= 0.993, "the figures that are documented"
    assert one.extrapolates(one.from_ms / 2) and not one.extrapolates(one.to_ms)
