"""The live view of a running search: a panel on a terminal, plain lines elsewhere.

A notebook gets the lines: a panel that redraws itself needs ipywidgets there.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from gensynth.campaign.campaign import CampaignDriver
from gensynth.campaign.status import Status, status_of
from gensynth.evaluation.constraint import broken
from gensynth.evaluation.outcome import Outcome
from gensynth.report.terminal import console
from gensynth.report.words import count, duration, verdicts

Changed = Callable[[], None]
"""Called whenever something about a campaign may have changed."""


@contextmanager
def watching(campaign: CampaignDriver, quiet: bool) -> Iterator[Changed]:
    """Yield a function that shows the state of the campaign on standard error at each call."""
    printer = console(stderr=True)
    if quiet:
        yield lambda: None
    elif printer.is_terminal:
        start, already = time.monotonic(), status_of(campaign).trained
        with Live(console=printer, refresh_per_second=4) as live:

            def changed() -> None:
                live.update(panel(status_of(campaign), time.monotonic() - start, already))

            yield changed
    else:
        yield _Lines(campaign, printer)


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
        f"best {now.best.value:.2f} dB" if now.best and now.best.value is not None else "none yet"
    )
    return f"[{now.trained}/{now.trials}] {summary(outcome)}  ({best})"


def summary(outcome: Outcome) -> str:
    """Summarise how one training ended in a line."""
    words = [f"{outcome.purpose} {outcome.number}", outcome.ending]
    if outcome.purpose == "export" and outcome.curve:
        words.append(f"test {outcome.curve[-1].test_top1 or 0.0:.2f} %")
    elif outcome.top1 is not None:
        words.append(f"{outcome.top1:.2f} %")
    if outcome.profile is not None:
        words.append(f"{count(outcome.profile.params)}params")
        words.append(f"{count(outcome.profile.macs)}MACs")
    if outcome.value is not None:
        words.append(f"{outcome.value:.2f} dB")
    elif missed := [judgement.constraint for judgement in broken(outcome.judgements)]:
        words.append(f"misses {', '.join(missed)}")
    return "  ".join(words)


def panel(now: Status, seconds: float, already: int = 0) -> Group:
    """Draw the live view `seconds` after the start, when `already` trainings were done."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(style="bold", no_wrap=True, min_width=8)
    grid.add_column(no_wrap=True, overflow="ellipsis")
    grid.add_row(now.phase, _progress(now))
    grid.add_row("time", _left(now, seconds, already))
    grid.add_row("best", summary(now.best) if now.best else "no feasible candidate yet")
    if now.best is not None:
        grid.add_row("", Text.from_markup(verdicts(now.best.judgements)))
    grid.add_row("ended", _counts(now.endings) or "none yet")
    grid.add_row("rejected", _counts(now.rejected) or "none")
    for place, outcome in enumerate(now.last):
        grid.add_row("latest" if place == 0 else "", Text(summary(outcome), style="dim"))
    return Group(grid)


def _progress(now: Status) -> Table:
    row = Table.grid(padding=(0, 2))
    row.add_column()
    row.add_column(no_wrap=True, overflow="ellipsis")
    bar = ProgressBar(total=now.trials, completed=now.trained, width=24)
    row.add_row(bar, f"{now.trained} of {now.trials} trained, {now.running} running")
    return row


def _left(now: Status, seconds: float, already: int) -> str:
    """Estimate the remaining time of the search from the pace since this start."""
    spent, done = f"{duration(seconds)} so far", now.trained - already
    if done == 0 or now.trained >= now.trials:
        return spent
    return f"{spent}, about {duration(seconds / done * (now.trials - now.trained))} left"


def _counts(counts: Mapping[str, int]) -> str:
    items = sorted(counts.items(), key=lambda item: -item[1])
    return ", ".join(f"{number} {name}" for name, number in items)
