from pathlib import Path

import pytest
from torch import nn

from gensynth.errors import InputError
from gensynth.exports.publish import publish_untrained
from gensynth.formats.real_inputs import noise
from gensynth.models.by_name import find_genome
from gensynth.models.exported import load_folder
from gensynth.space import Task

TASK = Task(channels=1, height=8, width=8, classes=10)


def test_a_preset_is_published_with_running_statistics_of_the_images(tmp_path: Path) -> None:
    found = find_genome("attendnext:tiny", TASK)
    inputs = noise(found.source.input_shape)
    assert publish_untrained(found, tmp_path / "network", [], inputs) == ()
    norms = [
        m for m in load_folder(tmp_path / "network").modules() if isinstance(m, nn.BatchNorm2d)
    ]
    assert norms and all(bool(norm.running_mean.any()) for norm in norms)  # type: ignore[union-attr]
    assert "images of noise" in (tmp_path / "network" / "card.md").read_text()
    with pytest.raises(InputError, match="exists already"):
        publish_untrained(found, tmp_path / "network", [], inputs)
