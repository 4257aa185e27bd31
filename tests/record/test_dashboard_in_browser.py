"""A campaign's record in Optuna's dashboard, seen through a real browser."""

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from gensynth.campaign.campaign_folder import driving
from gensynth.evaluation.outcome import Outcome
from gensynth.executors.inline import run_inline
from tests.support.campaigns import experiment

if TYPE_CHECKING:
    from playwright.sync_api import Page

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DASHBOARD = Path(sys.executable).with_name("optuna-dashboard")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's package chromium"),
    pytest.mark.skipif(not DASHBOARD.exists(), reason="needs optuna-dashboard"),
]
RULES = {"top1": {"min": 5.0}, "max_params": {"limit": 4000}, "columnar": {"mode": "prefer"}}


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Outcome]]:
    folder = tmp_path_factory.mktemp("dashboard") / "run"
    settings = experiment(trials=12, proxy={"epochs": 1}, constraints=RULES)
    with driving(folder, settings, None) as driven:
        run_inline(driven)
        return folder / "study.db", list(driven.outcomes)


@pytest.fixture(scope="module")
def address(campaign: tuple[Path, list[Outcome]]) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [DASHBOARD, f"sqlite:///{campaign[0]}", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(url)
        yield url
    finally:
        server.terminate()
        server.wait()


def _wait_for(url: str) -> None:
    for _ in range(240):
        try:
            urlopen(url).close()
            return
        except URLError:
            time.sleep(0.5)
    raise AssertionError(f"no dashboard at {url}")


@pytest.fixture
def page(address: str) -> Iterator["Page"]:
    with playwright.sync_playwright() as play:
        opened = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = opened.new_page(viewport={"width": 1400, "height": 1600}, base_url=address)
        page.set_default_timeout(120_000)
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        yield page
        opened.close()
        assert not errors


def test_the_study_shows_the_best_value_its_name_and_importances(
    page: "Page", campaign: tuple[Path, list[Outcome]]
) -> None:
    searched = [o for o in campaign[1] if o.purpose == "search" and o.ending == "completed"]
    best = max(searched, key=lambda o: o.value or 0.0)
    page.goto("/dashboard/studies/1")
    page.get_by_text(f"Best Trial (number={best.number})").wait_for()
    page.get_by_text(str(best.value)).wait_for()
    parameters = ", ".join(f"{name}: {answer}" for name, answer in best.decisions.items())
    page.get_by_text(f"Params = [{parameters}]").wait_for()
    page.get_by_text("pursued value").first.wait_for()
    importance = page.locator("#hyperparameter-importance-plot, .js-plotly-plot").all_inner_texts()
    bars = next(text for text in importance if "Hyperparameter Importance" in text)
    assert {"width", "depth"} <= set(bars.split())


def test_a_trial_shows_why_it_is_infeasible(
    page: "Page", campaign: tuple[Path, list[Outcome]]
) -> None:
    rejected = next(o for o in campaign[1] if o.ending == "infeasible")
    page.goto(f"/dashboard/studies/1/trials?numbers={rejected.number}")
    page.get_by_role("heading", name=f"Trial {rejected.number} (").wait_for()
    shown = page.inner_text("body")
    reason = next(j.reason for j in rejected.judgements if j.constraint == "max_params")
    assert f"enforce max_params broken: {reason}" in shown
    assert "ending infeasible" in shown
    for name, answer in rejected.decisions.items():
        assert f"{name} {answer}" in shown


def test_a_trained_trial_shows_that_its_constraints_hold(
    page: "Page", campaign: tuple[Path, list[Outcome]]
) -> None:
    trained = next(o for o in campaign[1] if o.ending == "completed" and o.purpose == "search")
    page.goto(f"/dashboard/studies/1/trials?numbers={trained.number}")
    page.get_by_role("heading", name=f"Trial {trained.number} (").wait_for()
    shown = page.inner_text("body")
    assert str(trained.value) in shown and f"1 {trained.top1}" in shown
    for judgement in trained.judgements:
        holds = "holds" if judgement.ok else "broken"
        assert f"{judgement.mode} {judgement.constraint} {holds}: {judgement.reason}" in shown
