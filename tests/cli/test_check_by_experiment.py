"""`gensynth check --experiment`: for which images a network is counted and judged."""

from pathlib import Path

import pytest
from PIL import Image

from tests.cli.test_command_line import rows

LIMITS = "[constraints.max_params]\nlimit = 10000"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Make a folder of four classes, of pictures in colour, 24 pixels high and wide."""
    for label in range(4):
        folder = tmp_path / "photos" / f"class{label}"
        folder.mkdir(parents=True)
        for number in range(3):
            colour = (60 * label, 20 * number, 90)
            Image.new("RGB", (24, 24), colour).save(folder / f"{number}.png")
    return tmp_path / "photos"


def experiment(folder: Path, data: str) -> Path:
    file = folder / "mine.toml"
    file.write_text(f'space = "attendnext"\n[data]\n{data}\n{LIMITS}\n', encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("asked", "more", "told", "side"),
    [
        ([], "", "at 24 px, 3 channels, 4 classes", 24),
        ([], "image_size = 64", "at 64 px, 3 channels, 4 classes", 64),
        ([], "image_size = 64\nchannels = 1", "at 64 px, 1 channels, 4 classes", 64),
        (["--classes", "7"], "", "at 24 px, 3 channels, 7 classes", 24),
        (["--image-size", "32"], "image_size = 64", "at 3 channels, 4 classes", 32),
    ],
)
def test_an_experiments_images_give_size_channels_and_classes(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    photos: Path,
    asked: list[str],
    more: str,
    told: str,
    side: int,
) -> None:
    file = experiment(tmp_path, f'path = "{photos.as_posix()}"\n{more}')
    code, (row,) = rows(capsys, "check", "attendnext:tiny", "--experiment", file, *asked)
    assert told in row["note"] and code == 0
    assert row["peak_activation_bytes"] == 4 * side**2 * 16


def test_an_experiment_on_digits_judges_networks_for_digits(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = experiment(tmp_path, 'path = "digits"')
    _, (row,) = rows(capsys, "check", "attendnext:tiny", "--experiment", file)
    assert "at 8 px, 1 channels, 10 classes" in row["note"]
    assert row["peak_activation_bytes"] == 4 * 8**2 * 16


def test_without_its_images_an_experiment_says_what_is_assumed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = experiment(tmp_path, 'path = "x"\nimage_size = 64')
    _, (row,) = rows(capsys, "check", "attendnext:tiny", "--experiment", file)
    assert "at 64 px, 3 channels, 1,000 classes; assumed in part" in row["note"]
    assert "no such folder" in row["note"]
