"""Each way to name a network, and what a name that is none of them says."""

from pathlib import Path

import pytest

from gensynth.errors import InputError
from gensynth.exports.publish import publish_untrained
from gensynth.formats.real_inputs import noise
from gensynth.graph.trace import trace
from gensynth.models.by_name import (
    find_genome,
    find_model,
    reference_source,
    trainable,
    trainable_source,
)
from gensynth.space import Task
from search_spaces.attendnext import AttendNeXt

TASK = Task(channels=1, height=8, width=8, classes=10)
FACTORY = "from torch import nn\n\n\ndef small():\n    return nn.Conv2d(1, 2, 3)\n"


def test_a_preset_a_genome_file_and_an_export_are_one_network(tmp_path: Path) -> None:
    preset = find_model("attendnext:tiny", TASK)
    file = tmp_path / "tiny.json"
    file.write_text(find_genome("attendnext:tiny", TASK).genome_json)
    found = find_genome("attendnext:tiny", TASK)
    publish_untrained(found, tmp_path / "best", [], noise(found.source.input_shape))
    prints = {
        trace(model.module, model.input_shape).fingerprint
        for model in (preset, find_model(str(file), TASK), find_model(str(tmp_path / "best")))
    }
    assert len(prints) == 1 and preset.input_shape == (1, 8, 8)


def test_a_genome_knows_its_graph() -> None:
    found = find_genome("attendnet:prototype", TASK)
    traced = trace(find_model("attendnet:prototype", TASK).module, found.source.input_shape)
    assert found.graph().fingerprint == traced.fingerprint


def test_a_factory_is_looked_up_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "by_name_factory.py").write_text(FACTORY)
    model = find_model("by_name_factory:small", TASK, tmp_path)
    assert type(model.module).__name__ == "Conv2d" and model.input_shape == (1, 8, 8)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("attendnext:tony", "has no preset 'tony'; did you mean 'tiny'"),
        ("atendnext:tiny", "did you mean attendnext:tiny"),
        ("tiny", "is not a file, a folder or a MODEL"),
        ("missing.json", "cannot be read"),
    ],
)
def test_a_wrong_name_is_one_error_with_the_remedy(name: str, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        find_model(name, TASK)
    assert problem in str(caught.value)


def test_a_reference_is_a_preset_of_the_space_or_named_in_full() -> None:
    space = AttendNeXt()
    short = reference_source("tiny", space, TASK, "reference")
    assert short == reference_source("attendnext:tiny", space, TASK, "reference")
    with pytest.raises(
        InputError, match="reference: expected a preset or a MODEL, got 'tony'; did you mean 'tiny'"
    ):
        reference_source("tony", space, TASK, "reference")


def test_only_a_genome_is_exported_after_its_training() -> None:
    assert trainable("timm:test_resnet", TASK).genome_json == ""
    assert trainable_source("attendnext:tiny", TASK) == find_genome("attendnext:tiny", TASK).source
    with pytest.raises(InputError, match="elsewhere"):
        trainable("elsewhere:network", TASK)


def test_a_network_that_is_not_there_is_said_to_be_missing() -> None:
    with pytest.raises(InputError, match="nowhere: does not exist; expected a campaign's DIR"):
        find_genome("nowhere", Task(3, 32, 32, 10))
