"""TensorFlow Lite by the real packages, which weigh 2 GB: `gensynth format setup tflite` first."""

import os
from pathlib import Path

import pytest
import torch
from PIL import Image

import gensynth
from gensynth.formats.tflite import arena_of
from gensynth.formats.tflite_environment import interpreter
from tests.conftest import USERS_CACHE

FOUND = Path(__file__).parents[2] / "experiments/results/attendnext_cifar10/found"


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENSYNTH_CACHE", os.environ[USERS_CACHE])
    try:
        interpreter()
    except gensynth.InputError as error:
        pytest.skip(str(error))


@pytest.mark.record
def test_the_network_of_record_is_run_by_both_runtimes(prepared: None, tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    for number, name in enumerate(("cat", "dog")):
        for index in range(12):
            path = pictures / name / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            _noise(number * 12 + index).save(path)
    formats = ["tflite", "tflite-int8", "int8"]
    exported = gensynth.export(FOUND, tmp_path / "out", formats, data=str(pictures))
    float32, int8, _ = exported.agreements
    assert exported.agrees and not float32.unable and not int8.unable
    assert float32.same_class == float32.elsewhere[0].same_class == 100
    content = (tmp_path / "out" / "model.int8.tflite").read_bytes()
    assert len(content) == 41_328 and b"serving_default" not in content
    assert arena_of(tmp_path / "out" / "model.int8.tflite").total == 14_608
    files = sorted(str(path) for path in pictures.rglob("*.png"))
    expected = [one.best for one in gensynth.predict(tmp_path / "out", files)]
    found = [one.best for one in gensynth.predict(tmp_path / "out" / "model.tflite", files)]
    assert found == expected


def _noise(seed: int) -> Image.Image:
    rng = torch.Generator().manual_seed(seed)
    return Image.fromarray(torch.randint(0, 256, (32, 32, 3), generator=rng).byte().numpy())
