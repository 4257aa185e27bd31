"""`gensynth check --experiment`: for which images a network is counted and judged."""

from pathlib import Path

import pytest

from tests.cli.test_command_line import rows


@pytest.mark.parametrize(
    ("asked", "experiment", "told", "kept"),
    [
        ([], "image_size = 64", "at 64 px, 3 channels, 1,000 classes", False),
        (["--classes", "4"], "image_size = 64", "at 64 px, 3 channels, 4 classes", True),
        (["--image-size", "32"], "image_size = 64", "at 3 channels, 1,000 classes", False),
    ],
)
def test_an_experiment_tells_the_image_size(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    asked: list[str],
    experiment: str,
    told: str,
    kept: bool,
) -> None:
    file = tmp_path / "mine.toml"
    limits = "[constraints.max_params]\nlimit = 10000"
    file.write_text(f'space = "attendnext"\n[data]\npath = "x"\n{experiment}\n{limits}\n')
    code, (row,) = rows(capsys, "check", "attendnext:tiny", "--experiment", file, *asked)
    assert told in row["note"] and code == int(not kept)
    side = 32 if asked[:1] == ["--image-size"] else 64
    assert row["peak_activation_bytes"] == 4 * side**2 * 16
