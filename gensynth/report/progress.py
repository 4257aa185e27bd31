"""What a command says while it works: a progress bar, what it searches with, what to know."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from rich.progress import Progress

from gensynth.campaign.context import Context
from gensynth.campaign.earlier import warm_start_words
from gensynth.data.sets import Progress as Watch
from gensynth.exports.card_words import share_of
from gensynth.report.terminal import console


class Described(Protocol):
    """Data that knows what is wrong with it, in sentences."""

    @property
    def left_out(self) -> str:
        """Which images could not be read; empty if all could."""

    @property
    def repeated(self) -> str:
        """Which images occur in several splits or classes; empty if none does."""

    @property
    def nested(self) -> str:
        """Which folders the class folders hold; empty if they hold none."""

    @property
    def imbalanced(self) -> str:
        """How the numbers of images of the classes differ; empty if they do not."""


def warn(data: Described) -> None:
    """Print on standard error what a user should know about the data."""
    known = (data.left_out, data.repeated, data.nested, data.imbalanced)
    for sentence in filter(None, known):
        print_line(sentence)


def announce(context: Context, changes: Sequence[str]) -> None:
    """Print images, proxy, reference networks, and which constraints have changed."""
    experiment, task = context.experiment, context.task
    shape = f"{task.channels}x{task.height}x{task.width}"
    proxy = experiment.proxy
    augment = ", ".join(proxy.augment) or "none"
    print_line(
        f"{experiment.name}: {context.train_images:,} training, {context.validation_images:,} "
        f"validation and {context.test_images:,} test images of {task.classes} classes, {shape}"
    )
    print_line(
        f"each candidate trains {proxy.epochs} {'epoch' if proxy.epochs == 1 else 'epochs'} on "
        f"{share_of(proxy.data_share)}the training images; augmentation: {augment}"
    )
    if context.references:
        print_line(f"Training reference networks first: {', '.join(context.references)}")
    for sentence in warm_start_words(context.earlier):
        print_line(sentence)
    for change in changes:
        print_line(f"changed: {change}; recorded candidates are re-evaluated")


def print_line(line: str) -> None:
    """Print a line on standard error as it is; a terminal gets it wrapped between words."""
    printer = console(stderr=True)
    printer.print(line, soft_wrap=not printer.is_terminal, highlight=False, markup=False)


@contextmanager
def progress_bar(what: str = "decoding images") -> Iterator[Watch]:
    """Yield a function of (done, total) that draws a progress bar on standard error."""
    bar = Progress(console=console(stderr=True), transient=True)
    task = bar.add_task(what, total=None)

    def watch(done: int, total: int) -> None:
        bar.start()
        bar.update(task, completed=done, total=total)
        if done >= total:
            bar.stop()

    try:
        yield watch
    finally:
        if bar.live.is_started:
            bar.stop()
