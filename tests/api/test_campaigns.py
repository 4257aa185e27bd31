"""A campaign from Python: searched, interrupted, looked at, drawn, exported."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch

import gensynth
from gensynth.errors import InputError
from gensynth.exports.card_words import percent
from gensynth.report.words import count
from tests.support.campaigns import experiment


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[gensynth.Campaign]:
    yield gensynth.search(
        experiment(trials=3), out=tmp_path_factory.mktemp("api") / "run", progress=False
    )


def test_three_lines_search_and_load_the_network(searched: gensynth.Campaign) -> None:
    best = searched.best
    assert best is not None and best.test_top1 is not None and best.profile is not None
    network = best.network()
    assert network(torch.zeros(2, 1, 8, 8)).shape == (2, 10)
    assert sum(p.numel() for p in network.parameters()) == best.profile.params


def test_the_screen_the_card_and_the_report_state_the_same_figures(
    searched: gensynth.Campaign, capsys: pytest.CaptureFixture[str]
) -> None:
    card = (searched.folder / "best" / "card.md").read_text(encoding="utf-8")
    facts = dict(re.findall(r"^\| (.+?) \| (.+?) \|$", card, re.MULTILINE))
    searched.show()
    screen = " ".join(capsys.readouterr().out.split())
    report = (searched.folder / "report.html").read_text(encoding="utf-8")
    for words in ("Test top-1", "Validation top-1"):
        figure = " ".join(facts[words].split()[:2])
        assert figure.endswith(" %") and figure in screen and figure in report
    for words in ("Parameters", "MACs (conv + linear)", "Weight bytes (float32)"):
        assert count(float(facts[words].replace(",", ""))) in screen and facts[words] in report
    test = searched.plain()[0]["test_top1"]
    assert facts["Test top-1"].startswith(percent(test))


def test_a_campaign_that_is_loaded_shows_what_the_search_returned(
    searched: gensynth.Campaign,
) -> None:
    loaded = gensynth.load(searched.folder)
    assert loaded.outcomes == searched.outcomes and loaded.plain() == searched.plain()
    assert loaded.best == searched.best
    table = loaded.table()
    assert isinstance(table, pd.DataFrame) and list(table["number"]) == [
        outcome.number for outcome in loaded.outcomes
    ]


def test_the_front_holds_what_no_other_candidate_beats(searched: gensynth.Campaign) -> None:
    front = searched.front
    costs = [found.profile.macs for found in front if found.profile]
    tops = [found.outcome.top1 for found in front]
    assert front and costs == sorted(costs) and tops == sorted(tops, key=lambda t: t or 0.0)


def test_other_constraints_judge_without_training(searched: gensynth.Campaign) -> None:
    strict = experiment(trials=3, constraints={"max_params": {"limit": 1}})
    assert gensynth.load(searched.folder, strict).best is None


def test_keywords_change_an_experiment_and_its_mistakes_name_them(tmp_path: Path) -> None:
    seen: list[int] = []
    campaign = gensynth.search(
        experiment(),
        out=tmp_path / "run",
        trials=1,
        constraints={"max_params": {"limit": 10_000}},
        proxy={"epochs": 1},
        on_outcome=lambda outcome: seen.append(outcome.number),
        progress=False,
    )
    assert campaign.experiment.trials == 1 and campaign.experiment.proxy.epochs == 1
    assert list(campaign.experiment.constraints) == ["max_params"]
    assert seen == [outcome.number for outcome in campaign.outcomes]
    with pytest.raises(InputError, match="trials: must be at least 1"):
        gensynth.search(experiment(), trials=0)
    with pytest.raises(InputError, match="unknown keyword 'constraint'; did you mean"):
        gensynth.search(experiment(), constraint={})
    with pytest.raises(InputError, match="did you mean 'max_params'"):
        gensynth.search(experiment(), constraints={"max_param": {"limit": 1}}, out=tmp_path / "no")


def test_what_no_candidate_can_keep_is_not_searched(tmp_path: Path) -> None:
    campaign = gensynth.search(
        experiment(constraints={"max_params": {"limit": 1}}), out=tmp_path, progress=False
    )
    assert campaign.hopeless is not None and campaign.hopeless.impossible
    assert campaign.best is None and not campaign.outcomes and "no feasible" in repr(campaign)


def test_an_interrupted_search_hands_its_campaign_over_and_goes_on(tmp_path: Path) -> None:
    def stop(outcome: gensynth.Outcome) -> None:
        raise KeyboardInterrupt

    with pytest.raises(gensynth.Interrupted) as interrupted:
        gensynth.search(experiment(trials=2), out=tmp_path, on_outcome=stop, progress=False)
    assert len(interrupted.value.campaign.outcomes) == 1
    assert gensynth.search(experiment(trials=2), out=tmp_path, progress=False).best is not None


def test_what_was_not_exported_has_no_weights_but_can_be_built(
    searched: gensynth.Campaign,
) -> None:
    assert searched.best is not None
    other = replace(searched.best, folder=None)  # As every candidate but the exported one is.
    with pytest.raises(InputError, match="was not exported"):
        other.network()
    assert other.network(trained=False)(torch.zeros(1, 1, 8, 8)).shape == (1, 10)


def test_a_notebook_draws_campaigns_networks_and_verdicts_and_nothing_breaks_out(
    searched: gensynth.Campaign,
) -> None:
    nasty = "<script>alert(1)</script>"
    verdict = gensynth.Verdict.none_of([nasty], 1, nasty)
    judgement = gensynth.Judgement(nasty, "enforce", 1.0, False, 1.0, nasty, (nasty,))
    assessment = gensynth.Assessment(nasty, judgements=(judgement,), note=nasty)
    for drawn in (verdict, judgement, assessment, gensynth.check("attendnext:tiny"), searched):
        html = drawn._repr_html_()
        assert "<b" in html and "<script" not in html
    assert "<svg" in searched._repr_html_() and searched.folder.name in searched._repr_html_()
