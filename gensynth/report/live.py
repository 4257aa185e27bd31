"""The live view of a running search: a panel on a terminal, plain lines elsewhere.

A notebook gets the lines: a panel that redraws itself needs ipywidgets there.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from gensynth.campaign.campaign import CampaignDriver
from gensynth.campaign.status import Status, Training, moved, status_of
from gensynth.evaluation.constraint import broken
from gensynth.evaluation.outcome import Outcome
from gensynth.evaluation.score import with_unit
from gensynth.exports.card_words import percent
from gensynth.report.terminal import console
from gensynth.report.words import count, duration, what_differs

Changed = Callable[[], None]
"""Called whenever something about a campaign may have changed."""


REDRAWN_S = 0.25
"""Least time between two drawings while nothing ends."""
MOST_SHOWN = 4
"""Running trainings that are shown."""
LEAST_DONE = 0.05
"""Trainings of the search after which the remaining time is estimated."""
BLOCKS = "▁▂▃▄▅▆▇█"


@contextmanager
def watching(campaign: CampaignDriver, quiet: bool) -> Iterator[Changed]:
    """Yield a function that shows the state of the campaign on standard error at each call."""
    printer = console(stderr=True)
    if quiet:
        yield lambda: None
    elif printer.is_terminal:
        with Live(console=printer, refresh_per_second=4) as live:
            yield _Panel(campaign, live)
    else:
        yield _Lines(campaign, printer)


class _Panel:
    """Redraw the panel: at once after a training, and a few times a second in between."""

    def __init__(self, campaign: CampaignDriver, live: Live) -> None:
        self._campaign, self._live = campaign, live
        self._start, self._drawn = time.monotonic(), 0.0
        self._state: object = None
        self._now = status_of(campaign)
        self._already = self._now.done.total

    def __call__(self) -> None:
        running = self._campaign.ledger.running
        state = len(self._campaign.outcomes), tuple(running)
        seconds = time.monotonic() - self._start
        if state != self._state:
            self._now, self._state = status_of(self._campaign), state
        elif seconds - self._drawn < REDRAWN_S:
            return
        else:
            self._now = moved(self._now, self._campaign)
        self._drawn = seconds
        self._live.update(panel(self._now, seconds, self._already))


class _Lines:
    """Print one line for every training that ended since the last call."""

    def __init__(self, campaign: CampaignDriver, console: Console) -> None:
        self._campaign = campaign
        self._console = console
        self._seen = len(campaign.outcomes)

    def __call__(self) -> None:
        for outcome in self._campaign.outcomes[self._seen :]:
            if outcome.attempt > 0:
                now = status_of(self._campaign)
                self._console.print(_line(outcome, now), highlight=False, soft_wrap=True)
        self._seen = len(self._campaign.outcomes)


def _line(outcome: Outcome, now: Status) -> str:
    best = (
        f"best {with_unit(now.best.value, now.unit)}"
        if now.best and now.best.value is not None
        else "none yet"
    )
    number = f"{now.trained}/{now.trials}" if now.counted else f"{now.trained}"
    return f"[{number}] {summary(outcome, now.unit)}  ({best})"


def summary(outcome: Outcome, unit: str = "dB") -> str:
    """Summarise how one training ended in a line."""
    words = [f"{outcome.purpose} {outcome.number}", outcome.ending]
    if outcome.purpose == "export" and outcome.curve:
        words.append(f"test {percent(outcome.curve[-1].test_top1 or 0.0)}")
    elif outcome.top1 is not None:
        words.append(percent(outcome.top1))
    if outcome.profile is not None:
        words.append(f"{count(outcome.profile.params)}params")
        words.append(f"{count(outcome.profile.macs)}MACs")
    if outcome.value is not None:
        words.append(with_unit(outcome.value, unit))
    elif missed := [judgement.constraint for judgement in broken(outcome.judgements)]:
        words.append(f"misses {', '.join(missed)}")
    return "  ".join(words)


def panel(now: Status, seconds: float, already: float = 0.0) -> Group:
    """Draw the live view `seconds` after the start, when `already` trainings were done."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(style="bold", no_wrap=True, min_width=8)
    grid.add_column()
    grid.add_row(now.phase, _progress(now, seconds))
    for place, words in enumerate(_left(now, seconds, already)):
        grid.add_row("" if place else "time", _cut(Text(words)))
    for training in now.trainings[:MOST_SHOWN]:
        grid.add_row("running", _cut(Text(_moving(training))))
    best = summary(now.best, now.unit) if now.best else "no feasible candidate yet"
    grid.add_row("best", _cut(Text(best)))
    if now.best is not None:
        differs = what_differs(now.best.judgements)
        grid.add_row("", _cut(Text.from_markup(differs, emoji=False)))
    grid.add_row("ended", _cut(Text(_counts(now.endings) or "none yet")))
    grid.add_row("rejected", _cut(Text(_counts(now.rejected) or "none")))
    for place, outcome in enumerate(now.last):
        grid.add_row("latest" if place == 0 else "", _cut(Text(summary(outcome, now.unit), "dim")))
    return Group(grid)


def _cut(text: Text) -> Text:
    """Let a text be cut with an ellipsis, not wrapped, so that the panel keeps its height."""
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _progress(now: Status, seconds: float) -> Table:
    row = Table.grid(padding=(0, 2))
    row.add_column()
    row.add_column()
    completed, total = now.done.total, now.planned.total or now.trials
    if now.left_s is not None:  # The clock says how far it is, not the trainings.
        completed, total = seconds, seconds + (now.left_s if now.phase != "finished" else 0.0)
    # Rich's own grey for what is left is nearly black: on white paper it looks done.
    bar = ProgressBar(
        total=total,
        completed=completed,
        width=24,
        style="bright_black",
        complete_style="cyan",
        finished_style="green",
    )
    of = f" of {max(now.trials, now.trained)}" if now.counted else ""
    row.add_row(bar, _cut(Text(f"{now.trained}{of} trained, {now.running} running")))
    return row


def _moving(training: Training) -> str:
    """Show where one training is: its epoch, its loss, its accuracy and how that came about."""
    name = f"{training.purpose} {training.number}"
    if not training.curve:
        return f"{name}  starting, {training.epochs} epochs"
    latest, tops = training.curve[-1], [m.top1 for m in training.curve]
    return (
        f"{name}  epoch {latest.epoch}/{training.epochs}  loss {latest.loss:.2f}  "
        f"{percent(latest.top1)}  {sparkline(tops)}"
    )


def sparkline(values: Sequence[float], width: int = 16) -> str:
    """Draw up to `width` values as blocks of different heights, the least as the lowest.

    >>> sparkline([0, 50, 100])
    '▁▅█'
    """
    step = max(1, -(-len(values) // width))
    chosen = values[::-1][::step][::-1]  # The latest one is always among them.
    low, high = min(chosen), max(chosen)
    span = (high - low) or 1.0
    return "".join(BLOCKS[round((v - low) / span * (len(BLOCKS) - 1))] for v in chosen)


def _left(now: Status, seconds: float, already: float) -> list[str]:
    """Estimate the remaining time, finals and last training included, from the pace so far."""
    spent, done = f"{duration(seconds)} so far", now.done.total - already
    if now.left_s is not None and now.phase != "finished":
        return [f"{spent}, at most {duration(now.left_s)} left"]
    if done < LEAST_DONE or now.done.total >= now.planned.total:
        return [spent]
    pace, planned = seconds / done, now.planned
    search = planned.search - now.done.search
    finals = planned.finals - now.done.finals
    # The last training is alone, so it has no neighbours that share the time.
    last = (planned.last - now.done.last) * max(now.running, 1)
    parts = [("search", search), ("finals", finals), ("last training", last)]
    words = ", ".join(f"{name} {duration(pace * part)}" for name, part in parts if part > 0)
    return [f"{spent}, about {duration(pace * (search + finals + last))} left:", words]


def _counts(counts: Mapping[str, int]) -> str:
    items = sorted(counts.items(), key=lambda item: -item[1])
    return ", ".join(f"{number} {name}" for name, number in items)
