"""The report in a real browser: at two widths, by keyboard, as a screen reader finds it."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from gensynth.campaign.campaign_folder import driving
from gensynth.executors.inline import run_inline
from gensynth.report.page import write_page
from tests.support.campaigns import experiment

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's package chromium"),
]
WIDTHS = {"desktop": 1280, "phone": 375}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("browsed") / "run"
    rules = {"top1": {"min": 5.0}, "max_params": {"limit": 4000}, "columnar": {"mode": "prefer"}}
    settings = experiment(name="<img src=x>", generator="gensynth", trials=8, constraints=rules)
    with driving(folder, settings, None) as campaign:
        run_inline(campaign)
        return write_page(campaign, folder / "report.html", {"random": campaign.outcomes})


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with playwright.sync_playwright() as play:
        opened = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(params=WIDTHS)
def page(request: pytest.FixtureRequest, browser: "Browser", report: Path) -> Iterator["Page"]:
    """The open report; whatever the console says, or is fetched from elsewhere, is a failure."""
    viewport = {"width": WIDTHS[request.param], "height": 800}
    opened = browser.new_page(viewport=viewport)  # type: ignore[arg-type]
    trouble: list[str] = []
    opened.on("console", lambda message: trouble.append(message.text))
    opened.on("pageerror", lambda error: trouble.append(str(error)))
    opened.on("request", lambda asked: trouble.append(asked.url) if "http" in asked.url else None)
    opened.goto(report.as_uri())
    yield opened
    opened.close()
    assert trouble == []


def test_it_fits_its_width(page: "Page") -> None:
    width, room = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width <= room


def test_every_picture_is_visible_and_has_a_name(page: "Page") -> None:
    pictures = page.locator("svg[role=img]")
    assert pictures.count() >= 4
    for index in range(pictures.count()):
        picture = pictures.nth(index)
        box = picture.bounding_box()
        assert (
            picture.get_attribute("aria-label") and box and box["width"] > 200 < 4 * box["height"]
        )


def test_hovering_a_point_tells_its_genome(page: "Page") -> None:
    point = page.locator("circle.p-best").first
    point.scroll_into_view_if_needed()
    point.hover()
    tip = page.locator("#tip")
    assert tip.is_visible() and "parameters" in tip.inner_text()
    assert tip.inner_text().split(":")[0] in page.locator("#answer").inner_text()


def test_the_keyboard_reaches_the_answer_and_the_points(page: "Page") -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the answer"
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.classList.contains('pt')"):
            break
    assert page.locator("#tip").is_visible()
    told = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert page.locator("#tip").inner_text() == told
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") != "BODY"


def test_a_screen_reader_finds_headings_regions_and_tables_in_order(page: "Page") -> None:
    headings = page.locator("h1, h2").all_inner_texts()
    assert headings[:3] == ["<img src=x>", "Candidates", "The course of the search"]
    assert page.locator("main").count() == 1 and page.locator("html[lang=en]").count() == 1
    assert page.locator("table:not(:has(caption)):not(details table)").count() == 0
    assert page.locator("th:not([scope])").count() <= 1, "but for an empty corner"


def test_every_table_is_whole_or_scrolls_in_its_box_with_a_hint(page: "Page") -> None:
    opened(page)
    assert page.locator("table").count() >= 5
    assert page.evaluate(CLIPPED) == []
    wide = page.locator(".scroll.more").count()
    assert wide or page.evaluate("innerWidth") > 1000, "a phone is narrower than they are"
    assert page.evaluate(OVERFLOWING) == []


def test_the_keyboard_reaches_whatever_does_something(page: "Page") -> None:
    opened(page)
    wanted = page.evaluate(f"[...document.querySelectorAll('{ACTIVE}')].length")
    page.evaluate("document.activeElement.blur()")
    for _ in range(wanted):
        page.keyboard.press("Tab")
        page.evaluate("document.activeElement.dataset.seen = 1")
    seen = "[...document.querySelectorAll('{}')].filter(e => !e.dataset.seen).map(e => e.outerHTML)"
    assert page.evaluate(seen.format(ACTIVE)) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_words_stand_out_from_their_ground(
    page: "Page", scheme: Literal["light", "dark"]
) -> None:
    """WCAG AA: a contrast of 4.5 between each text and what it stands on."""
    page.emulate_media(color_scheme=scheme)
    opened(page)
    found = page.evaluate(CONTRASTS)
    assert len(found) > 200 and [each for each in found if each[0] < 4.5] == []


def opened(page: "Page") -> None:
    """Unfold what is folded, so that all of the page is there."""
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    page.wait_for_function("[...document.querySelectorAll('details')].every(d => d.open)")
    page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")


ACTIVE = 'a[href], summary, [tabindex="0"]'
CLIPPED = """() => [...document.querySelectorAll("table")].filter(table => {
  const box = table.closest(".scroll"), wide = box && box.scrollWidth > box.clientWidth + 1;
  if (!box || getComputedStyle(box).overflowX !== "auto") return true;
  const hint = getComputedStyle(box, "::before").content.includes("scroll sideways");
  return box.getBoundingClientRect().right > innerWidth || (wide && !(hint && box.tabIndex === 0));
}).map(table => table.outerHTML.slice(0, 200))"""
"""Tables of which something cannot be seen, and nothing says where it is."""
OVERFLOWING = """() => [...document.querySelectorAll("p, figcaption, li, dt, dd, h1, h2, h3")]
  .filter(e => e.offsetWidth && e.scrollWidth > e.clientWidth + 1).map(e => e.textContent)"""
"""Texts that leave their box."""
CONTRASTS = """() => {
  const parse = colour => { const c = (colour.match(/[0-9.]+/g) || []).map(Number);
    return c.length < 3 || c[3] === 0 ? null : c.slice(0, 3); };
  const light = c => { const [r, g, b] = c.map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = e => { const style = getComputedStyle(e);
    if (e.closest("svg") && e.tagName !== "svg")
      return e.closest("text") || style.fill === "none" ? null : parse(style.fill);
    return parse(style.backgroundColor); };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
  for (let node; (node = texts.nextNode());) {
    const e = node.parentElement, range = document.createRange();
    if (!node.data.trim() || e.closest("script, style, title, #tip, .skip")) continue;
    range.selectNodeContents(node);
    e.scrollIntoView({block: "center", inline: "nearest"});
    const box = range.getClientRects()[0];
    if (!box || !box.width) continue;
    const x = Math.min(Math.max(box.left + 1, 1), innerWidth - 2), y = box.top + box.height / 2;
    const halo = getComputedStyle(e).paintOrder === "stroke" && parse(getComputedStyle(e).stroke);
    const below = halo || document.elementsFromPoint(x, y).map(ground).find(c => c)
      || parse(getComputedStyle(document.body).backgroundColor);
    const style = getComputedStyle(e), ink = parse(e.closest("svg") ? style.fill : style.color);
    const [a, b] = [light(ink), light(below)];
    found.push([(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), node.data.trim()]);
  }
  return found;
}"""
"""The contrast of each text with what lies below its first letter, and the text."""
