"""TensorFlow Lite without its packages: what needs them is in `test_tflite_record.py`."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gensynth.cli import BAD_INPUT, main
from gensynth.errors import InputError
from gensynth.exports.agreement import add_format
from gensynth.formats import Deployment, find_format, formats
from gensynth.formats.real_inputs import RealInputs, noise
from gensynth.formats.tflite import MICRO, Arena, Tflite, arena_of
from gensynth.formats.tflite_environment import pip_install, prepare
from gensynth.formats.tflite_worker import decoder, encoder, strip
from tests.support import fake_litert


class Means(torch.nn.Module):
    """What a file of the stand-ins computes, if it holds a 2."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return 2 * images.mean((2, 3))


class Written(Tflite):
    """The format, with a file of the stand-ins."""

    factor = "2"

    def write(self, network: Deployment, path: Path) -> None:
        path.write_text(self.factor)


class Aborting(Written):
    """A file at which tflite-micro aborts."""

    factor = "4"


class Odd(Written):
    """A file with an operator that tflite-micro lacks."""

    factor = "-2"


def inputs() -> RealInputs:
    return noise((3, 4, 4))


def deployment() -> Deployment:
    return Deployment(Means(), (3, 4, 4), inputs().calibration)


def test_a_file_is_run_by_both_runtimes_in_another_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_litert.installed(tmp_path / "packages", monkeypatch)
    agreement = add_format(Written(), deployment(), inputs(), tmp_path)
    (micro,) = agreement.elsewhere
    assert agreement.agrees and agreement.same_class == micro.same_class == 100
    assert micro.format == f"tflite in {MICRO}" and str(agreement).count("\n") == 1
    assert arena_of(tmp_path / "model.tflite") == Arena(14608, 8192, 6416)


def test_a_file_that_the_other_runtime_computes_otherwise_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_litert.installed(tmp_path / "packages", monkeypatch, bias=0.5)
    agreement = add_format(Written(), deployment(), inputs(), tmp_path)
    assert not agreement.agrees and not (tmp_path / "model.tflite").exists()
    first, second = str(agreement).splitlines()
    assert "DISAGREES" not in first and "DISAGREES, removed" in second


def test_an_operator_that_microcontrollers_lack_is_named_and_the_file_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_litert.installed(tmp_path / "packages", monkeypatch)
    network = Deployment(torch.nn.Sequential(Means(), Times(-1)), (3, 4, 4), inputs().calibration)
    agreement = add_format(Odd(), network, inputs(), tmp_path)
    assert agreement.agrees and (tmp_path / "model.tflite").exists()
    assert "has no operator ATAN2" in str(agreement).splitlines()[1]


class Times(torch.nn.Module):
    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.factor * x


def test_a_runtime_that_aborts_is_named_and_the_file_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_litert.installed(tmp_path / "packages", monkeypatch)
    network = Deployment(torch.nn.Sequential(Means(), Times(2)), (3, 4, 4), inputs().calibration)
    agreement = add_format(Aborting(), network, inputs(), tmp_path)
    assert agreement.agrees and (tmp_path / "model.tflite").exists()
    (why,) = agreement.unable
    assert f"{MICRO}: cannot run model.tflite" in why and "SIGABRT" in why


def test_what_is_missing_is_one_line_with_the_command_that_prepares_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENSYNTH_CACHE", str(tmp_path))
    for name in ("tflite", "tflite-int8"):
        with pytest.raises(InputError, match=r"run: gensynth format setup tflite$"):
            formats([name])
    with pytest.raises(InputError, match=r"needs ai-edge-litert, not installed here"):
        Tflite().open(tmp_path / "model.tflite")


def test_an_environment_of_the_users_own_must_have_the_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENSYNTH_CACHE", str(tmp_path))
    with pytest.raises(InputError, match="cannot be run"):
        prepare(print, str(tmp_path / "no" / "python"))
    with pytest.raises(InputError, match=r"PackageNotFoundError.*litert-torch"):
        prepare(print, sys.executable)
    with pytest.raises(InputError, match="not installed"):
        Tflite().check()


def test_pip_is_watched_and_its_failure_is_one_line() -> None:
    said: list[str] = []
    script = "print('Collecting jax==0.10 (from x)'); print('Processing /files/torch-2.whl')"
    pip_install([sys.executable, "-c", script], 2, said.append)
    assert said == ["1 of 2: jax==0.10", "2 of 2: torch-2.whl"]
    failing = f"{script}; print('ERROR: No matching distribution'); raise SystemExit(1)"
    with pytest.raises(InputError, match="ERROR: No matching distribution") as told:
        pip_install([sys.executable, "-c", failing], 2, said.append)
    assert "\n" not in str(told.value)


def test_names_are_kept_on_request_and_unknown_options_are_refused() -> None:
    kept, left_out = (find_format(name) for name in ("tflite-int8+names", "tflite-int8"))
    assert kept != left_out and kept.file == left_out.file
    with pytest.raises(InputError, match=r"--format.*labels"):
        find_format("tflite+labels")


def test_a_format_without_setup_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["format", "setup", "onnx"])
    assert ended.value.code == BAD_INPUT
    assert capsys.readouterr().err == "gensynth: onnx: needs no setup\n"


def test_stripping_keeps_what_is_computed() -> None:
    def tensor(scale: Any) -> Any:
        scales = SimpleNamespace(scale=scale, min=[0.0], max=[1.0], zeroPoint=[3])
        return SimpleNamespace(name=b"x", shapeSignature=[1], quantization=scales, buffer=1)

    graph = SimpleNamespace(name=b"main", tensors=[tensor([0.5]), tensor(None)])
    model = SimpleNamespace(
        metadata=[SimpleNamespace(name=b"m", buffer=2)],
        buffers=[SimpleNamespace(data=data) for data in (None, b"weights", b"words")],
        description=b"converted",
        metadataBuffer=None,
        signatureDefs=["serving"],
        subgraphs=[graph],
    )
    strip(model)
    assert [buffer.data for buffer in model.buffers] == [None, b"weights", None]
    assert model.metadata is model.description is model.signatureDefs is graph.name is None
    assert graph.tensors[0].quantization.scale == [0.5] and graph.tensors[1].quantization is None
    assert all(each.name is None and each.buffer == 1 for each in graph.tensors)


@given(st.floats(0.001, 1), st.integers(-128, 127), st.floats(-3, 3))
def test_numbers_survive_8_bits_within_half_a_step_or_at_the_end_of_the_range(
    scale: float, zero: int, value: float
) -> None:
    scales = {"scales": np.array([scale], np.float32), "zero_points": np.array([zero])}
    details = {"shape": [1, 2, 2, 3], "dtype": np.int8, "quantization_parameters": scales}
    image = np.full((1, 3, 2, 2), value, np.float32)
    found = decoder(details)(encoder(details)(image))
    ends = ((-128 - zero) * scale, (127 - zero) * scale)
    assert found.shape == (1, 12)
    assert np.abs(found - np.clip(value, *ends)).max() <= scale * 0.51
