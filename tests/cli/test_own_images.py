"""`gensynth search --data FOLDER`, with nothing else said."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gensynth.campaign.experiment import read_experiment
from tests.cli.test_command_line import run


def photographs(folder: Path, sizes: tuple[int, ...]) -> Path:
    """Write 250 images each of two classes: stripes that lie, and stripes that stand."""
    rng = np.random.default_rng(0)
    for name, axis in (("lying", 0), ("standing", 1)):
        (folder / name).mkdir(parents=True)
        for number in range(250):
            size = sizes[number % len(sizes)]
            stripes = np.indices((size, size))[axis] // 4 % 2 * 120
            noisy = stripes[..., None] + rng.integers(0, 100, (size, size, 3))
            Image.fromarray(noisy.astype(np.uint8)).save(folder / name / f"{number}.png")
    return folder


def test_images_of_several_sizes_are_told_how_to_be_brought_to_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = photographs(tmp_path / "photos", (20, 24))
    code, _, err = run(capsys, "search", "--data", images, "--out", tmp_path / "run")
    assert code == 2
    assert "image_size" in err and "--image-size" in err


@pytest.mark.slow
def test_from_a_folder_alone_to_a_network(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images, out = photographs(tmp_path / "photos", (20, 24)), tmp_path / "run"
    words = ["search", "--data", images, "--image-size", 16, "--out", out]
    code, _, err = run(capsys, *map(str, words), "--trials", "2", "--executor", "inline")
    assert code == 0, err
    assert (out / "best" / "attendnext.py").exists()
    used = read_experiment(out / "experiment.toml")
    assert (used.name, used.data.image_size, used.proxy.epochs) == ("photos", 16, 40)
