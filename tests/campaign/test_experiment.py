from pathlib import Path
from typing import Any

import pytest
import tomli_w

from gensynth.campaign.experiment import embedded_experiment, parse_experiment, read_experiment
from gensynth.campaign.immutable import refuse_change
from gensynth.errors import InputError
from tests.support.campaigns import experiment


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_minimal_file_gets_its_name_and_the_defaults(tmp_path: Path) -> None:
    read = read_experiment(written(tmp_path, 'space = "attendnext"\n[constraints]\n'))
    assert read.name == "mine"
    assert (read.score.use, read.generator.use, read.executor) == ("netscore", "gensynth", "ray")
    assert Path(read.folder) == tmp_path


def test_constraints_keep_their_name_mode_weight_and_fields(tmp_path: Path) -> None:
    text = """
        space = "attendnext"
        [constraints.columnar]
        mode = "prefer"
        weight = 3
        min_share = 0.7
        [constraints.mine]
        use = "limits:Mine"
    """
    tables = read_experiment(written(tmp_path, text)).constraints
    assert (tables["columnar"].use, tables["columnar"].mode) == ("columnar", "prefer")
    assert tables["columnar"].weight == 3.0
    assert tables["columnar"].options == {"min_share": 0.7}
    assert (tables["mine"].use, tables["mine"].mode) == ("limits:Mine", "enforce")


def test_the_resolved_experiment_reads_back_the_same() -> None:
    from gensynth.campaign.campaign_folder import _without_none
    from gensynth.serialization import to_plain

    original = embedded_experiment("digits")
    text = tomli_w.dumps(_without_none(to_plain(original)))
    import tomllib

    assert parse_experiment(tomllib.loads(text), "again") == original


def test_relative_data_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    text = 'space = "attendnext"\n[data]\npath = "images"\n[constraints]\n'
    assert read_experiment(written(tmp_path, text)).data.path == str(tmp_path / "images")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("trials = [", "mine.toml: not valid TOML"),
        ("[constraints]\n", "mine.toml: space: missing"),
        ('space = "a"\ntrails = 3\n[constraints]', "trails: unknown field; did you mean 'trials'?"),
        ('space = "a"\ntrials = 0\n[constraints]', "trials: must be at least 1, got 0"),
        ('space = "a"\ntrials = "3"\n[constraints]', 'trials: expected an integer, got "3"'),
        ('name = "../x"\nspace = "a"\n[constraints]', "'../x' cannot be the name of a folder"),
        ('name = ""\nspace = "a"\n[constraints]', "'' cannot be the name of a folder"),
        (
            'space = "a"\n[proxy]\nepochs = 10000000\n[constraints]',
            "proxy.epochs: must be from 1 to",
        ),
        (
            'space = "a"\n[data]\nimage_size = 9999\n[constraints]',
            "data.image_size: must be from 4 to",
        ),
        ('space = "a"\nexecutor = "rya"\n[constraints]', "did you mean 'ray'?"),
        ('space = "a"\n[constraints.x]\nmode = "forbid"', "constraints.x.mode: expected one of"),
        ('space = "a"\n[constraints]\nx = 3', "constraints.x: must be a table"),
        ('space = "a"\n[proxy]\nepoch = 3\n[constraints]', "proxy.epoch: unknown field"),
        (
            'space = "a"\n[finals]\nconfidence = 2\n[constraints]',
            "finals.confidence: must be",
        ),
        ("[space]\nwidths = [1]\n[constraints]", "space.use: missing"),
        ('space = "a"\n[constraints.x]\nweight = -1', "constraints.x.weight: must be 0 or more"),
        ('space = "a"\n[resources]\ncpus_per_trial = -1', "cpus_per_trial: must be greater than 0"),
        ('space = "a"\n[resources]\ngpus_per_trial = -1', "gpus_per_trial: must be 0 or more"),
        (
            'space = "a"\n[finals]\nepochs_factor = 1e9',
            "finals.epochs_factor: times",
        ),
        ('space = "a"\n[last_training]\nepochs_factor = 1e4', "last_training.epochs_factor: times"),
        ('space = "a"\n[data]\npath = ""', "data.path: expected `digits` or a folder, got ''"),
        ('space = "a"\n[data]\npath = "a\\u0000"', "expected `digits` or a folder"),
        ('space = "a"\n[resources]\ntime_limit_s = 0', "time_limit_s: must be greater than 0"),
    ],
)
def test_mistakes_are_one_line_with_the_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_experiment(written(tmp_path, text))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_experiment(tmp_path / "nowhere.toml")


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"seed": 5}, "seed"),
        ({"proxy": {"epochs": 3}}, "proxy.epochs"),
        ({"data": {"split_seed": 2}}, "data.split_seed"),
        (
            {"space": {"use": "tests.support.toy_space:ToySpace", "widths": [2]}},
            "space.options.widths",
        ),
    ],
)
def test_what_may_not_change_is_refused_by_name(change: dict[str, Any], place: str) -> None:
    with pytest.raises(InputError, match=place):
        refuse_change(experiment(), experiment(**change), "DIR")


def test_what_may_change_is_let_through() -> None:
    changed = experiment(trials=99, generator="tpe", finals={"replicas": 5}, executor="ray")
    refuse_change(experiment(), changed, "DIR")


def test_an_unknown_plugin_names_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'attendnext'"):
        experiment(space="attendnxt").make_space()


def test_a_wrong_field_of_a_plugin_names_its_place() -> None:
    wrong = experiment(space={"use": "tests.support.toy_space:ToySpace", "widht": 3})
    with pytest.raises(InputError, match=r"space\.widht: unknown field; did you mean 'widths'"):
        wrong.make_space()


def test_a_file_with_a_byte_order_mark_reads_like_one_without(tmp_path: Path) -> None:
    text = 'space = "a"\n[constraints]'
    assert read_experiment(written(tmp_path, "\ufeff" + text)).space.use == "a"


def test_a_constraint_that_does_not_say_what_it_needs_is_refused(tmp_path: Path) -> None:
    rule = "from dataclasses import dataclass\n\n@dataclass\nclass Mute:\n    limit: int = 3\n"
    (tmp_path / "mute_rule.py").write_text(rule, encoding="utf-8")
    text = 'space = "attendnext"\n[constraints.quiet]\nuse = "mute_rule:Mute"'
    with pytest.raises(InputError, match=r"constraints\.quiet: mute_rule:Mute must be .* `needs`"):
        read_experiment(written(tmp_path, text)).make_indicator()
