"""The report of a campaign: it tells what is recorded, and nothing can break out of its place."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from gensynth.campaign.campaign_folder import driving, viewing
from gensynth.campaign.finals import Finalist
from gensynth.evaluation.constraint import Judgement
from gensynth.evaluation.latency import Interval, Latency
from gensynth.executors.inline import run_inline
from gensynth.graph.profile import Profile
from gensynth.report.chart import Axis, Line, Point, scatter, steps
from gensynth.report.contents import contents_of, fidelity_of, front_of
from gensynth.report.page import render, write_page
from gensynth.report.rivals import Rival, Rivals, keep_rivals, kept_rivals
from tests.support.campaigns import experiment, measurement, outcome

NASTY = "<img src=x onerror=alert(1)> & 'quotes' \""


class Page(HTMLParser):
    """Collects what a browser would see: tags, headings, text, links to elsewhere."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.linked: list[str] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.linked += [v for k, v in attrs if k in ("src", "href") and v]

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A campaign of the engine's own generator that has run to its end."""
    folder = tmp_path_factory.mktemp("reported") / "run"
    with driving(folder, settings(), None) as campaign:
        run_inline(campaign)
    yield folder


def settings(**changes: Any) -> Any:
    tables: dict[str, Any] = {
        "name": "toys",
        "generator": "gensynth",
        "trials": 7,
        "constraints": {
            "top1": {"min": 5.0},
            "max_params": {"limit": 4000},
            "columnar": {"mode": "prefer"},
        },
    }
    return experiment(**(tables | changes))


def page_of(folder: Path, **more: Any) -> tuple[str, Page]:
    campaign = viewing(folder)
    text = render(contents_of(campaign, more.get("beside", {})), more.get("rivals"))
    return text, Page(text)


def test_the_page_links_to_the_files_of_the_export_from_wherever_it_lies(
    finished: Path, tmp_path: Path
) -> None:
    best = finished / "best"
    best.mkdir(exist_ok=True)
    (best / "model.onnx").write_bytes(b"0" * 2500)
    try:
        for file in (finished / "report.html", tmp_path / "elsewhere.html"):
            text = write_page(viewing(finished), file, learned=False).read_text(encoding="utf-8")
            (link,) = [each for each in Page(text).linked if each.endswith("model.onnx")]
            assert (file.parent / link).resolve() == best / "model.onnx"
            assert "2.5 kB" in text and "gensynth predict" in text and "trained as long as" in text
    finally:
        shutil.rmtree(best)


def test_the_answer_comes_first_and_is_what_is_recorded(finished: Path) -> None:
    campaign = viewing(finished)
    exported = campaign.exported()
    assert exported is not None and exported.profile is not None
    _, page = page_of(finished)
    answer = page.words.partition("The exported network")[0]
    assert f"{exported.profile.params:,} parameters" in answer
    assert f"{exported.curve[-1].test_top1:.2f} % of the test images" in answer
    for told in (
        "Verdicts at the lower bound",
        "max_params",
        "preferred",
        "Finals",
        exported.genome_id,
    ):
        assert told in page.words


def test_every_trained_candidate_is_in_the_table_and_in_the_charts(finished: Path) -> None:
    text, page = page_of(finished)
    told = contents_of(viewing(finished), {})
    assert len(told.trained) == 7
    for candidate in told.trained:
        assert candidate.genome_id in page.words
        assert text.count(f'data-tip="{candidate.genome_id}: ') == 2, "parameters and MACs"


def test_what_was_learned_is_told(finished: Path) -> None:
    told = contents_of(viewing(finished), {})
    assert told.learned is not None
    assert {i.decision for i in told.learned.influences} >= {"width", "depth"}
    effects = [i.effect_db for i in told.learned.influences]
    assert effects == sorted(effects, reverse=True) and effects[0] > 0
    assert 0 <= told.learned.end.feasible <= 1 and told.learned.end.seeds == 32


def test_what_to_do_again_and_what_to_compare_name_the_same_folder(finished: Path) -> None:
    _, page = page_of(finished)
    assert f"gensynth report {finished} --beside OTHER" in page.words
    assert f"gensynth search {finished}/experiment.toml --out again" in page.words
    assert f"gensynth show {finished}" in page.words


def test_before_the_inquisitor_has_judged_nothing_was_learned(tmp_path: Path) -> None:
    with driving(tmp_path / "run", settings(trials=4), None) as campaign:
        run_inline(campaign)
        told = contents_of(campaign, {})
    words = Page(render(told)).words
    assert told.learned is None and "Nothing yet: the first 4 proposals" in words
    assert "best answer" not in words


@pytest.mark.parametrize(
    ("networks", "told"),
    [
        (2, "2, too few to assess how well the proxy ranks them"),
        (4, "1.00 over 4 networks, too few to generalize"),
        (5, "chosen because the proxy rates them alike"),
    ],
)
def test_a_rank_correlation_is_told_with_what_it_is_worth(
    finished: Path, networks: int, told: str
) -> None:
    done = [
        Finalist(outcome(number=n, curve=(measurement(top1=80.0 + n),)), (), 0, mean=90.0 + n)
        for n in range(networks)
    ]
    page = Page(render(replace(contents_of(viewing(finished), {}), fidelity=fidelity_of(done))))
    assert told in page.words


def test_the_page_needs_nothing_but_itself(finished: Path) -> None:
    _, page = page_of(finished)
    assert all(link.startswith(("#", "data:")) for link in page.linked), page.linked
    assert "link" in page.tags and "script" in page.tags and "iframe" not in page.tags


def test_names_and_reasons_cannot_break_out(finished: Path) -> None:
    campaign = viewing(finished)
    hostile = Judgement(NASTY, "enforce", 1.0, False, 0.5, NASTY, (NASTY,))
    told = contents_of(campaign, {NASTY: campaign.outcomes})
    told = replace(told, judgements=(hostile,), stages=[NASTY],
                   endings={NASTY: 1}, rejections={NASTY: 2})  # fmt: skip
    safe, page = render(contents_of(campaign, {})), Page(render(told))
    assert page.tags.count("img") == Page(safe).tags.count("img") == 0
    assert page.words.count(NASTY) >= 5


def test_courses_of_several_campaigns_stand_side_by_side(finished: Path) -> None:
    rows = [outcome(number=n, attempt=1, value=v) for n, v in enumerate([1.0, None, 3.0, 2.0])]
    told = contents_of(viewing(finished), {"other": rows})
    assert [c.name for c in told.courses] == ["gensynth", "other"]
    assert (told.courses[1].trainings, told.courses[1].best) == ((1, 2, 3, 4), (1.0, 1.0, 3.0, 3.0))
    assert ">other</text>" in render(told)


def test_a_campaign_without_a_winner_says_so(tmp_path: Path) -> None:
    hard = settings(generator="random", trials=2, constraints={"top1": {"min": 100.0}})
    with driving(tmp_path / "run", hard, None) as campaign:
        run_inline(campaign)
        file = write_page(campaign, tmp_path / "run" / "report.html")
    page = Page(file.read_text(encoding="utf-8"))
    assert "No network was found: none of 2 trained ones keeps every constraint." in page.words
    assert not list(file.parent.glob("*.part"))


def test_a_campaign_that_has_not_begun_has_a_report(tmp_path: Path) -> None:
    with driving(tmp_path / "run", settings(), None) as campaign:
        text = render(contents_of(campaign, {}))
    assert "none of 0 trained ones" in Page(text).words


def test_latencies_beside_others_are_kept_for_the_network_they_are_of(
    finished: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    campaign = viewing(folder)
    exported = campaign.exported()
    assert exported is not None and kept_rivals(campaign) is None
    interval = Interval(0.9, 1.1)
    times = Latency(1.0, interval, interval, 2.5, Interval(2.4, 2.6), 0.95, 120, "a machine")
    noisy = replace(times, ratio_interval=Interval(1.0, 9.0))
    rows = (Rival("found", times), Rival("known", times), Rival("noisy", noisy))
    keep_rivals(Rivals(exported.genome_id, "torch", rows), folder)
    _, page = page_of(folder, rivals=kept_rivals(campaign))
    assert "2.5 (2.4 to 2.6)" in page.words and "too noisy to tell" in page.words
    keep_rivals(Rivals("another", "torch", rows), folder)
    assert kept_rivals(campaign) is None


@pytest.mark.parametrize("values", [(11_616.0, 14_370.0), (422.0, 1_746.0), (3.0, 3.3), (1.0, 1e6)])
def test_every_logarithmic_axis_has_figures(values: tuple[float, float]) -> None:
    points = [Point(x, y, "feasible", "") for x, y in zip(values, (90.0, 95.0), strict=True)]
    drawn = scatter(points, Axis("MACs", logarithmic=True), Axis("top-1"), "label")
    assert len(re.findall(r'text-anchor="middle"[^>]*>[\d.]+(?: [kMG])?<', drawn)) >= 2


def test_charts_of_one_point_of_equal_values_and_of_none_are_drawn() -> None:
    axes = Axis("MACs", logarithmic=True), Axis("top-1")
    for points in ([], [Point(10.0, 90.0, "best", "one")], [Point(5.0, 1.0, "broken", "x")] * 3):
        assert scatter(points, *axes, "label").count("<circle") == len(points)
    assert "nan" not in steps([Line("a", (1,), (2.0,))], Axis("x"), Axis("y"), "label").lower()
    wide = [Point(x, x, "feasible", "") for x in (1.0, 1e12)]
    assert "T" in scatter(wide, *axes, "label") or "1000 G" in scatter(wide, *axes, "label")


def test_points_that_are_broken_lie_beneath_and_out_of_the_keyboards_way() -> None:
    points = [Point(2, 2, "best", "b"), Point(1, 1, "broken", "a")]
    drawn = scatter(points, Axis("x"), Axis("y"), "label")
    assert drawn.index("p-broken") < drawn.index("p-best")
    assert drawn.count('tabindex="0"') == 1


def test_a_front_leaves_out_what_another_beats() -> None:
    def row(number: int, macs: int, top1: float) -> Any:
        profile = Profile(10, macs, 40, 40)
        made = outcome(number=number, profile=profile, value=1.0, attempt=1)
        return replace(made, curve=(measurement(top1=top1),))

    rows = [row(0, 100, 90.0), row(1, 50, 91.0), row(2, 200, 95.0), row(3, 50, 80.0)]
    assert front_of(rows) == {1, 2}
