"""A campaign that asks for a whole front: searched, shown, and exported within limits."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import gensynth
from gensynth.errors import InputError
from gensynth.process import STATE
from tests.cli.test_command_line import run
from tests.support.campaigns import experiment


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[gensynth.Campaign]:
    asked = experiment(
        trials=5,
        generator="gensynth",
        score={"use": "accuracy"},
        front={"costs": ["params", "macs"]},
        finals={"candidates": 2, "most": 4, "replicas": 2, "epochs_factor": 1.0, "confidence": 0.6},
    )
    folder = tmp_path_factory.mktemp("front") / "run"
    yield gensynth.search(asked, out=folder, progress=False)


def test_no_member_of_the_front_is_as_good_as_another_at_no_higher_costs(
    searched: gensynth.Campaign,
) -> None:
    front = searched.front
    assert any(member.confirmed for member in front)
    for member in front:
        assert member.interval is not None and member.interval[0] <= member.top1
        for other in front:
            cheap = member is not other and all(
                getattr(other.profile, cost) <= getattr(member.profile, cost)
                for cost in ("params", "macs")
            )
            assert not (cheap and other.confirmed and other.top1 >= member.top1)


def test_the_recommended_member_is_the_one_that_was_exported(searched: gensynth.Campaign) -> None:
    (recommended,) = [member for member in searched.front if member.recommended]
    assert searched.best is not None and searched.best.genome_id == recommended.genome_id


def test_the_front_is_shown_in_words_at_eighty_columns(
    capsys: pytest.CaptureFixture[str],
    searched: gensynth.Campaign,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = run(capsys, "show", searched.folder, "--front")
    assert all(len(line) <= 80 for line in out.splitlines()) and "…" not in out
    assert code == 0 and "recommended" in out and "90 % interval" in out
    assert all(str(member.outcome.number) in out for member in searched.front)


def test_values_of_the_accuracy_are_points_wherever_they_are_shown(
    searched: gensynth.Campaign, tmp_path: Path
) -> None:
    assert searched.best is not None
    page = searched.report(tmp_path / "page.html").read_text(encoding="utf-8")
    told = page.replace("worth 6 dB", "")  # What NetScore is, among the words of the report.
    shown = [told, searched._repr_html_(), searched.best._repr_html_()]
    assert "points" in told and not any("dB" in text for text in shown)
    assert "dB" not in searched.generate(seeds=2)._repr_html_()


def test_the_member_within_limits_leaves_with_the_weights_of_its_finals(
    capsys: pytest.CaptureFixture[str], searched: gensynth.Campaign, tmp_path: Path
) -> None:
    confirmed = [member for member in searched.front if member.confirmed]
    smallest = min(confirmed, key=lambda member: member.profile.params if member.profile else 0)
    assert smallest.profile is not None
    limit = smallest.profile.params
    code, out, _ = run(
        capsys, "export", searched.folder, "--to", tmp_path / "small", "--max-params", str(limit)
    )
    assert code == 0 and "weights from" in out
    exported = searched.export(tmp_path / "same", max_params=limit)
    network = exported.network()
    assert sum(p.numel() for p in network.parameters()) <= limit


def test_a_record_whose_code_is_not_run_has_a_front_of_unknown_certainty(
    searched: gensynth.Campaign, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(STATE, str(tmp_path / "state"))
    stranger = tmp_path / "run"
    shutil.copytree(searched.folder, stranger)
    front = gensynth.load(stranger).front
    assert front and all(member.interval == (0.0, 100.0) for member in front)


def test_what_no_member_keeps_is_said_in_one_line(
    searched: gensynth.Campaign, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="no network of the front keeps max_params = 1"):
        gensynth.export(searched.folder, tmp_path / "none", max_params=1)
    with pytest.raises(InputError, match="limits choose among the networks of a campaign"):
        gensynth.export("attendnext:tiny", tmp_path / "none", max_params="20k")
    with pytest.raises(InputError, match="did you mean 'max_params'"):
        searched.export(tmp_path / "none", max_parms=100)


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({"costs": ["parms"]}, "unknown cost; did you mean 'params'"),
        ({"costs": ["params", "params"]}, "each cost may be named once"),
        ({"costs": ["params"], "tolerance": -1.0}, "must be 0 or more"),
    ],
)
def test_a_wrong_front_is_refused_where_it_stands(table: dict[str, object], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        experiment(front=table)
