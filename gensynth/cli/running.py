"""Running a campaign from the command line: its live view, its end, what an interruption says."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from gensynth.campaign.campaign import Campaign, Done
from gensynth.campaign.context import Context
from gensynth.campaign.experiment import Experiment
from gensynth.campaign.folder import changed_rules, driving
from gensynth.cli import writable
from gensynth.cli.live import Changed, watching
from gensynth.cli.rows import print_json
from gensynth.cli.standings import show_campaign, show_end
from gensynth.data.sets import Progress as Decoded
from gensynth.errors import InputError
from gensynth.exports.cards import missed_on_test, share_of
from gensynth.exports.publish import Published, publish
from gensynth.process import Interruption, patient


def run_campaign(
    settings: Experiment,
    folder: Path,
    storage: str | None,
    address: str | None,
    as_json: bool,
    command: str = "the same command",
) -> Published | None:
    """Run, resume or extend the campaign in `folder`, export its winner, and show both.

    Once interrupted, it shows how the campaign stands, and the `command` that goes on.
    """
    changes = changed_rules(folder, settings)
    with (
        writable(str(folder)),
        decoding() as progress,
        driving(folder, settings, storage, progress) as campaign,
    ):
        remark(campaign.context)
        if not as_json:
            _announce(campaign.context, changes)
        if _impossible(campaign, as_json):
            return None
        try:
            with (
                patient() as interruption,
                watching(campaign, quiet=as_json) as changed,
            ):
                done = _run(campaign, address, changed, interruption)
        except KeyboardInterrupt:
            _farewell(campaign, as_json, command)
            raise
        published = publish(campaign, folder / "best")
        show_campaign(campaign, as_json, published)
        report = _report(campaign, learned=True)
        if not as_json:
            show_end(done.reason, published, report)
            _doubt(campaign, published)
    return published


def _doubt(campaign: Campaign, published: Published | None) -> None:
    """Say where the exported network falls short on the test split."""
    if published is None:
        return
    if missed := missed_on_test(campaign, published.finalist, published.outcome):
        Console().print(f"[yellow]the test split {escape(missed)}[/]", soft_wrap=True)


def _announce(context: Context, changes: Sequence[str]) -> None:
    """Say what is searched with: images, proxy, references, and which rules are other ones now."""
    experiment, task = context.experiment, context.task
    shape = f"{task.channels} x {task.height} x {task.width}"
    proxy = experiment.proxy
    augment = ", ".join(proxy.augment) or "none"
    lines = [
        f"{experiment.name}: {context.train_images:,} training, {context.validation_images:,} "
        f"validation and {context.test_images:,} test images of {task.classes} classes, {shape}",
        f"each candidate trains {proxy.epochs} epochs on {share_of(proxy.data_share)}the training "
        f"images; augmentation: {augment}",
    ]
    if context.references:
        lines.append(f"first, as references of the rules: {', '.join(context.references)}")
    lines += [f"changed: {change}; what is known is judged by it anew" for change in changes]
    for line in lines:
        Console(stderr=True).print(line, soft_wrap=True, highlight=False, markup=False)


def _impossible(campaign: Campaign, as_json: bool) -> bool:
    """Stop a campaign that has not begun where no candidate can keep the enforced rules."""
    if campaign.outcomes:
        return False
    from gensynth.cli.preflight_page import show_findings
    from gensynth.preflight.findings import SHORT, STEPS, look

    found = look(campaign.context, SHORT, STEPS)
    if found.impossible:
        show_findings(campaign.context.experiment.name, found, Console(stderr=True))
        if as_json:
            print_json([])
    return found.impossible


def _report(campaign: Campaign, learned: bool) -> Path | None:
    """Write the campaign's report; a folder that takes no more keeps the record all the same."""
    from gensynth.report.page import write
    from gensynth.report.rivals import kept

    file = campaign.ledger.folder / "report.html"
    try:
        return write(campaign, file, rivals=kept(campaign), learned=learned)
    except OSError as error:
        warning = f"{file}: cannot be written ({error.strerror})"
        Console(stderr=True).print(warning, style="yellow", soft_wrap=True)
        return None


def _farewell(campaign: Campaign, as_json: bool, command: str) -> None:
    """Say how far an interrupted campaign has come, and how to go on."""
    show_campaign(campaign, as_json)
    _report(campaign, learned=False)  # What was learned takes seconds, and somebody waits.
    ended, running = len(campaign.outcomes), len(campaign.ledger.running)
    Console(stderr=True).print(
        f"outcomes recorded: {ended}; trainings to be resumed: {running}; go on with:\n"
        f"{escape(command)}",
        soft_wrap=True,
        highlight=False,
    )


def _run(
    campaign: Campaign, address: str | None, changed: Changed, interruption: Interruption
) -> Done:
    if campaign.context.experiment.executor == "inline":
        if address is not None:
            raise InputError("--address", "is for the ray executor")
        from gensynth.executors.inline import run

        return run(campaign, changed, interruption)
    from gensynth.executors.ray import run as run_on_ray

    return run_on_ray(campaign, address, changed, interruption)


class Remarkable(Protocol):
    """What is known of data, in sentences."""

    @property
    def left_out(self) -> str:
        """Which images could not be read."""

    @property
    def repeated(self) -> str:
        """Which stand in several splits or classes."""


def remark(data: Remarkable) -> None:
    """Say on standard error what people should know of their data."""
    for said in filter(None, (data.left_out, data.repeated)):
        Console(stderr=True).print(said, soft_wrap=True, highlight=False, markup=False)


@contextmanager
def decoding(what: str = "decoding images") -> Iterator[Decoded]:
    """Show a progress bar on standard error, from the first call of what this yields on."""
    bar = Progress(console=Console(stderr=True), transient=True)
    task = bar.add_task(what, total=None)

    def progress(done: int, total: int) -> None:
        bar.start()
        bar.update(task, completed=done, total=total)
        if done >= total:
            bar.stop()

    try:
        yield progress
    finally:
        if bar.live.is_started:
            bar.stop()
