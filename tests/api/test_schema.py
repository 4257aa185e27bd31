"""The schema of an experiment file: it accepts what is read, and names the place of a mistake."""

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import gensynth
from gensynth.api.experiment_file import experiment_text
from gensynth.campaign.experiment import parse_experiment
from gensynth.errors import InputError
from tests.support.campaigns import experiment

ROOT = Path(__file__).parents[2]
FILES = [
    file
    for folder in ("experiments", "gensynth", "tests")
    for file in sorted((ROOT / folder).rglob("*.toml"))
]


@pytest.fixture(scope="module")
def validator() -> Any:
    made = gensynth.schema()
    jsonschema.Draft202012Validator.check_schema(made)
    return jsonschema.Draft202012Validator(made)


def places(validator: Any, plain: Any) -> set[str]:
    """Return the places of all mistakes; of alternatives, those inside them too."""
    found, waiting = set(), list(validator.iter_errors(plain))
    while waiting:
        error = waiting.pop()
        found.add(error.json_path.removeprefix("$").removeprefix("."))
        waiting += error.context or []
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_experiment_file_of_the_repository_is_valid(validator: Any, file: Path) -> None:
    assert places(validator, tomllib.loads(file.read_text(encoding="utf-8"))) == set()


@pytest.mark.parametrize("data", ["digits", "photos"])
def test_what_init_writes_is_valid_and_names_the_schema_beside_it(
    validator: Any, tmp_path: Path, data: str
) -> None:
    text = experiment_text(tmp_path / "my.toml", {"data": data, "max_params": "200k"})
    assert places(validator, tomllib.loads(text)) == set()
    file = gensynth.new_experiment(tmp_path / "my.toml", data=data)
    first = file.read_text(encoding="utf-8").splitlines()[0]
    assert first == "#:schema ./gensynth.schema.json"
    assert json.loads((tmp_path / "gensynth.schema.json").read_text(encoding="utf-8")) == (
        gensynth.schema()
    )


SPACE = 'space = "attendnext"\n'
MISTAKES = [
    ("trials = 'many'", "trials"),
    ("trials = 2.5", "trials"),
    ("seed = '0'", "seed"),
    ("executor = 'rai'", "executor"),
    ("keep_weights = 1", "keep_weights"),
    ("triasl = 3", ""),
    ("score = 3", "score"),
    ("[space]\nuse = 'attendnext'\nwidth = [1]", "space"),
    ("[space]\nuse = 'attendnext'\nwidths = 4", "space.widths"),
    ("[data]\nimage_size = '64'", "data.image_size"),
    ("[data]\nchannels = 2", "data.channels"),
    ("[data]\npaht = 'x'", "data"),
    ("[proxy]\noptimizer = 'adam'", "proxy.optimizer"),
    ("[proxy]\naugment = ['crop', 'flop']", "proxy.augment[1]"),
    ("[proxy]\nepochs = 'ten'", "proxy.epochs"),
    ("[finals]\nreplicas = 1.5", "finals.replicas"),
    ("[last_training]\nema = 0.9", "last_training"),
    ("[resources]\ndevice = 1", "resources.device"),
    ("[constraints.max_params]\nlimit = '5 ms'", "constraints.max_params.limit"),
    ("[constraints.max_params]\nlimt = 5", "constraints.max_params"),
    ("[constraints.top1]\nmode = 'enforced'", "constraints.top1.mode"),
    ("[constraints.small]\nuse = 'max_params'\nlimit = true", "constraints.small.limit"),
    ("[stopping]\nrule = 'halving'\nfirst = 'one'", "stopping.first"),
]


@pytest.mark.parametrize(("mistake", "place"), MISTAKES)
def test_a_mistake_is_rejected_where_it_stands(validator: Any, mistake: str, place: str) -> None:
    plain = tomllib.loads(mistake if "[space]" in mistake else SPACE + mistake)
    assert place in places(validator, plain)
    with pytest.raises(gensynth.InputError):  # The schema refuses nothing that can be read.
        experiment = parse_experiment({"name": "x", **plain}, "x.toml")
        experiment.make_indicator()
        experiment.make_space()
        experiment.make_stopping()


def test_a_plugin_of_ones_own_may_have_any_keys(validator: Any) -> None:
    plain = {
        "space": {"use": "mine:Space", "anything": 1},
        "constraints": {"layers": {"use": "limits:MaxLayers", "limit": 40}},
        "score": "scores:Mine",
    }
    assert places(validator, plain) == set()


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    place = tmp_path / "missing" / "schema.json"
    with pytest.raises(InputError, match=r"schema\.json: cannot be written \(No such file"):
        gensynth.schema(place)


@pytest.mark.parametrize("kind", ["constraint", "space", "device", "early_stopping"])
def test_the_experiment_of_a_new_plugin_is_valid_and_names_the_schema_beside_it(
    validator: Any, tmp_path: Path, kind: str
) -> None:
    file = gensynth.new_plugin(kind, "some_plugin", tmp_path).files[-1]
    named_and_valid(validator, file)


def test_the_experiment_of_a_campaign_is_valid_and_names_the_schema_beside_it(
    validator: Any, tmp_path: Path
) -> None:
    gensynth.search(experiment(trials=1), out=tmp_path / "run", progress=False)
    named_and_valid(validator, tmp_path / "run" / "experiment.toml")


def named_and_valid(validator: Any, file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    named = text.splitlines()[0].removeprefix("#:schema ")
    assert named == "./gensynth.schema.json"
    assert places(validator, tomllib.loads(text)) == set()
    beside = json.loads((file.parent / named).read_text(encoding="utf-8"))
    assert beside == gensynth.schema()
