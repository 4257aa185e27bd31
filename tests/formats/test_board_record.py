"""A network searched for a small board fits it: RAM by the allocator, flash by linked firmware."""

import os
import subprocess
from pathlib import Path

import pytest

import gensynth
from gensynth.formats.tflite import arena_of
from gensynth.formats.tflite_environment import interpreter
from tests.conftest import USERS_CACHE
from tests.support.firmware import need_programs

EXPERIMENT = Path(__file__).parents[2] / "experiments" / "digits_board.toml"
RAM, FLASH = 64_000, 128_000


@pytest.mark.record
def test_a_network_searched_for_a_small_board_fits_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_programs()
    monkeypatch.setenv("GENSYNTH_CACHE", os.environ[USERS_CACHE])
    try:
        interpreter()
    except gensynth.InputError as error:
        pytest.skip(str(error))
    gensynth.search(EXPERIMENT, out=tmp_path / "run")
    gensynth.export(tmp_path / "run", tmp_path / "out", ["tflite", "c"])
    assert arena_of(tmp_path / "out" / "model.tflite").total <= RAM
    project = tmp_path / "out" / "c"
    built = subprocess.run(
        ["make", "-s", "-C", str(project)], check=True, capture_output=True, text=True
    )
    text, data, bss = map(int, built.stdout.splitlines()[1].split()[:3])
    assert text + data <= FLASH and data + bss <= RAM
