"""Running a campaign from its experiment to its exported network and its report."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from gensynth.api.disk import writable
from gensynth.api.schema import write_schema_beside
from gensynth.campaign.campaign import CampaignDriver, Done
from gensynth.campaign.campaign_folder import changed_rules, driving, is_driven, known_experiment
from gensynth.campaign.context import make_context
from gensynth.campaign.experiment import EXPERIMENT, Experiment
from gensynth.campaign.record_location import noted_whereabouts
from gensynth.campaign.schedule import FINISH, Clock, Schedule, fitted
from gensynth.campaign.trust import require_own_code
from gensynth.errors import PLUGIN_FAULTS, InputError
from gensynth.evaluation.outcome import Outcome
from gensynth.exports.publish import publish
from gensynth.feasibility.findings import SHORT, STEPS, TIMED, Findings, look, look_ahead
from gensynth.feasibility.plan import plan, spread_over_macs, workers
from gensynth.generators.problem import EarlierCampaign
from gensynth.plugins import trusted
from gensynth.process import Interruption, patient
from gensynth.report.feasibility_text import effort_words, print_findings
from gensynth.report.live import watching
from gensynth.report.page import write_page
from gensynth.report.progress import announce, print_line, progress_bar, warn
from gensynth.report.rivals import kept_rivals
from gensynth.report.terminal import console
from gensynth.report.trackers import Followed

TIMING = "timing"
"""File in a campaign's folder while candidates are timed before the search."""
BRIEFLY_S = 0.2
"""Seconds for which each of a few trainings is timed before any other search."""
TIMING_S = 0.5
"""Seconds for which each of a few trainings is timed before a search by the clock."""


@dataclass(frozen=True)
class Ran:
    """A campaign after a run of it."""

    machine: CampaignDriver
    ended: str = ""
    """Why it ended; empty if it did not."""
    report: Path | None = None
    hopeless: Findings | None = None
    """Why nothing was trained: no candidate can keep the enforced constraints."""
    interrupted: KeyboardInterrupt | None = None
    """What interrupted it."""


@dataclass(frozen=True)
class How:
    """How a campaign is run, apart from what it is."""

    storage: str | None = None
    """Database URL of the record."""
    address: str | None = None
    """`HOST:PORT` of a running Ray cluster."""
    on_outcome: Callable[[Outcome], None] | None = None
    """Called with each candidate's outcome once it is recorded."""
    trackers: tuple[Followed, ...] = ()
    """Called likewise, and with the outcomes that are recorded already."""
    progress: bool = True
    """Whether to show a live view."""
    retry_failed: bool = False
    """Whether trainings that failed are run again."""
    earlier: tuple[EarlierCampaign, ...] = ()
    """Trainings that a new campaign learns from before its first one."""


def run_campaign(settings: Experiment, schedule: Schedule, how: How) -> Ran:
    """Run the campaign of `settings` in the folder of `schedule`, and export its network."""
    folder = schedule.folder
    changes = changed_rules(folder, settings)
    with (
        writable(str(folder)),
        progress_bar() as watch,
        driving(
            *(folder, settings, how.storage, watch, trusted(), how.retry_failed, schedule),
            earlier=how.earlier,
        ) as machine,
    ):
        write_schema_beside(folder / EXPERIMENT)
        warn(machine.context)
        if how.progress:
            announce(machine.context, changes)
        if not machine.outcomes:
            found = look(machine.context, SHORT, STEPS)
            if found.impossible:
                print_findings(found, console(stderr=True))
                return Ran(machine, hopeless=found)
            if how.progress and schedule.clock is None and how.address is None:
                _say_how_long(machine, found)
        try:
            with patient() as asked, watching(machine, quiet=not how.progress) as shown:
                noticing = _noticing(machine, shown, how.on_outcome)
                with _followed(machine, how.trackers, noticing) as followed:
                    done = _run(machine, how.address, followed, asked)
            publish(machine, folder / "best")
            return Ran(machine, done.reason, _report(machine, learned=True))
        except KeyboardInterrupt as stop:
            # What was learned takes seconds to find out, and somebody waits.
            return Ran(machine, report=_report(machine, learned=False), interrupted=stop)


def _say_how_long(machine: CampaignDriver, found: Findings) -> None:
    """Say before a search how long it takes, from a few batches of a few of its candidates."""
    import torch

    mark, threads = machine.folder / TIMING, torch.get_num_threads()
    if mark.exists():  # The batches of a candidate have ended a process; its training is guarded.
        return
    chosen = spread_over_macs([c for c in found.sample.candidates if c.open], TIMED)
    mark.touch()
    try:
        expected = plan(machine.context, chosen, BRIEFLY_S)
    except PLUGIN_FAULTS:  # Each candidate's own training tells what is wrong with it.
        expected = None
    finally:
        torch.set_num_threads(threads)
        mark.unlink()
    if expected is not None:
        print_line(effort_words(expected))


def finish_campaign(folder: Path, how: How) -> Ran | None:
    """End the search in `folder`, then run its finals and the last training.

    If the campaign is running, it is told to do so, and None is returned at once.
    """
    settings = known_experiment(folder)
    if is_driven(folder):
        (folder / FINISH).touch()
        return None
    if not trusted():
        require_own_code(folder, settings, noted_whereabouts(folder))
    return run_campaign(settings, Schedule(folder, closing=True), how)


def by_the_clock(settings: Experiment, folder: Path, clock: Clock) -> tuple[Experiment, Clock]:
    """Return the experiment and the clock of a search that ends in time.

    The finals and the last training are shortened if they would take too much of it. Those of a
    campaign that has begun stay as they are.
    """
    clock = replace(clock, workers=workers(settings))
    if (folder / EXPERIMENT).exists():
        old = known_experiment(folder)
        return replace(settings, finals=old.finals, last_training=old.last_training), clock
    context = make_context(settings)
    found = look_ahead(context, SHORT, TIMING_S)
    if found.plan is None:
        return settings, clock
    return fitted(context.experiment, clock, found.plan.training_s), clock


def _run(
    machine: CampaignDriver, address: str | None, changed: Callable[[], None], asked: Interruption
) -> Done:
    if machine.context.experiment.executor == "inline":
        if address is not None:
            raise InputError("address", "is for the ray executor")
        from gensynth.executors.inline import run_inline

        return run_inline(machine, changed, asked)
    from gensynth.executors.ray import run_on_ray

    return run_on_ray(machine, address, changed, asked)


def _noticing(
    machine: CampaignDriver, shown: Callable[[], None], on_outcome: Callable[[Outcome], None] | None
) -> Callable[[], None]:
    """Return a function that passes each new outcome on and then updates the live view."""
    if on_outcome is None:
        return shown
    notice, seen = on_outcome, len(machine.outcomes)

    def changed() -> None:
        nonlocal seen
        new = machine.outcomes[seen:]
        seen += len(new)
        for outcome in new:
            notice(outcome)
        shown()

    return changed


@contextmanager
def _followed(
    machine: CampaignDriver, trackers: Sequence[Followed], noticing: Callable[[], None]
) -> Iterator[Callable[[], None]]:
    """Yield a function that passes each new outcome on to the trackers, too.

    They get those that are recorded already at once, and keep what they do not have.
    """
    for tracker in trackers:
        tracker.begin(machine.context.experiment.name, machine.folder)
    passing = [noticing]
    for tracker in trackers:
        for outcome in machine.outcomes:
            tracker(outcome)
        passing.append(_noticing(machine, lambda: None, tracker))

    def changed() -> None:
        for each in passing:
            each()

    try:
        yield changed
    finally:
        for tracker in trackers:
            tracker.end()


def _report(machine: CampaignDriver, learned: bool) -> Path | None:
    """Write the campaign's report; on a full disk the record is kept all the same."""
    file = machine.folder / "report.html"
    try:
        return write_page(machine, file, rivals=kept_rivals(machine), learned=learned)
    except OSError as error:
        print_line(f"{file}: cannot be written ({error.strerror})")
        return None
