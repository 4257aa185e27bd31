"""Searches: a campaign from its experiment to its exported network, and a look ahead of it."""

import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from gensynth.api.campaigns import Campaign
from gensynth.api.experiments import Given, changed, embedded, experiment_of, with_keywords
from gensynth.api.running import How, Ran, by_the_clock, run_campaign
from gensynth.api.warm_start import earlier_campaigns
from gensynth.campaign.context import make_context
from gensynth.campaign.experiment import EXPERIMENT, Experiment
from gensynth.campaign.record_location import noted_whereabouts
from gensynth.campaign.schedule import Clock, Schedule
from gensynth.campaign.trust import require_own_code
from gensynth.errors import InputError
from gensynth.evaluation.outcome import Outcome
from gensynth.feasibility.findings import USUAL, Findings, ignore, look_ahead
from gensynth.plugins import trusted, trusting
from gensynth.process import Stopped, exit_code
from gensynth.report.progress import print_line, progress_bar, warn
from gensynth.report.trackers import Followed, Tracker, tracker


class Interrupted(Stopped):
    """A search was interrupted; the same call resumes it.

    Its `campaign` shows how far the search came.

    >>> import gensynth
    >>> issubclass(gensynth.Interrupted, KeyboardInterrupt)
    True
    """

    def __init__(self, campaign: Campaign, number: int = signal.SIGINT) -> None:
        """Keep the campaign as it stands, and the number of the signal."""
        super().__init__(number)
        self.campaign = campaign


def search(
    experiment: Given = None,
    *,
    data: str | Path | None = None,
    image_size: int | None = None,
    class_level: int | None = None,
    space: str | Mapping[str, Any] | None = None,
    constraints: Mapping[str, Mapping[str, Any]] | None = None,
    score: str | Mapping[str, Any] | None = None,
    generator: str | Mapping[str, Any] | None = None,
    trials: int | None = None,
    minutes: float | None = None,
    out: str | Path | None = None,
    executor: str | None = None,
    address: str | None = None,
    storage: str | None = None,
    seed: int | None = None,
    on_outcome: Callable[[Outcome], None] | None = None,
    track: str | Tracker | Sequence[str | Tracker] | None = None,
    progress: bool = True,
    trust: bool = False,
    retry_failed: bool = False,
    earlier: str | Path | Sequence[str | Path] = (),
    **tables: Mapping[str, Any] | float | str | None,
) -> Campaign:
    """Search, train and export a network; the same call again resumes or extends the campaign.

    Args:
        experiment: a TOML file or an `Experiment`. Without one, the campaign in `out` goes on;
            if there is none, the search is the embedded one for digits or for a folder of images.
        data: a folder of images, `hub:NAME`, or `digits`.
        image_size: resize images to this height and width in pixels.
        class_level: which folders are the classes; see `[data]` of an experiment.
        space: the search space by name, or a table `{"use": NAME, ...}` of its fields.
        constraints: tables by name, such as `{"max_params": {"limit": 20_000}}`.
        score: the score by name, or its table.
        generator: the generator by name, or its table.
        trials: number of candidates to train.
        minutes: end after this time, finals and last training included. They are shortened if
            necessary, and the search goes on for as long as they leave, or for `trials`.
        out: the campaign's folder, `runs/NAME` by default.
        executor: `ray` (all cores, or a cluster) or `inline` (this process, reproducible).
        address: `HOST:PORT` of a running Ray cluster.
        storage: database URL of the record; `study.db` in the folder by default.
        seed: random seed.
        on_outcome: called with each candidate's `Outcome` once it is recorded.
        track: where else each training is kept: `mlflow`, `trackio` or `mlflow,trackio`, a
            `Tracker` of your own, or a list of them.
        progress: show a live view on standard error, in a terminal or a notebook.
        trust: run code that the folder `out` names, even if somebody else has started it, and
            that exported folders bring.
        retry_failed: let the trainings that failed count no more, so that as many are run again;
            this is also done if the resources have changed.
        earlier: folders of campaigns that are over, or files that `import_trainings` wrote: the
            generator learns from their trainings before the first one of a new campaign. Their
            images, limits and devices may differ, and their space as far as decisions coincide.
        tables: keys of `proxy`, `stopping`, `finals`, `last_training` and `resources` to change;
            and shorthands: `max_params`, `max_macs`, `max_weight_bytes`,
            `max_peak_activation_bytes`, `max_ram_bytes`, `max_flash_bytes`, `max_latency_ms`,
            `min_top1` (percent) and `epochs`, as numbers or as texts with a unit, such as
            `"200k"`, `"64 kB"` and `"5 ms"`.

    Returns:
        The campaign; its `best` is None if no candidate kept every enforced constraint.

    Raises:
        InputError: the experiment, the data or the folder cannot be used; says what to change.
        Interrupted: Ctrl-C, SIGTERM or SIGHUP; running trainings are saved.

    A search that is over in seconds, and the network that it found:

    >>> import gensynth, torch
    >>> campaign = gensynth.search(
    ...     data="digits",
    ...     constraints={"max_params": {"limit": 20_000}},
    ...     trials=2,
    ...     out="runs/small",
    ...     generator="random",
    ...     executor="inline",
    ...     progress=False,
    ...     proxy={"epochs": 1},
    ...     finals={"candidates": 1, "replicas": 1},
    ... )
    >>> campaign.best.network()(torch.zeros(1, 1, 8, 8)).shape
    torch.Size([1, 10])
    """
    folder = Path(out) if out is not None else None
    clock = None if minutes is None else Clock(minutes)
    images = None if data is None else str(data)
    settings = experiment_of(experiment, images, folder)
    if experiment is None and folder is not None:
        _require_own(folder, settings, trust)
    settings = changed(settings, images, image_size, trials, executor, seed, class_level)
    plugins = {"space": space, "constraints": constraints, "score": score, "generator": generator}
    settings = with_keywords(settings, {**plugins, **tables})
    folder = _writable(folder or Path("runs") / settings.name)
    how = How(storage, address, on_outcome, _trackers(track), progress, retry_failed)
    with trusting(trust), _nothing_left(folder):
        how = replace(how, earlier=earlier_campaigns(earlier, (folder / EXPERIMENT).is_file()))
        return _opened(_run(settings, folder, clock, clock is None or trials is not None, how))


def _run(settings: Experiment, folder: Path, clock: Clock | None, counts: bool, how: How) -> Ran:
    if clock is not None:
        settings, clock = by_the_clock(settings, folder, clock)
    return run_campaign(settings, Schedule(folder, clock, counts=counts), how)


def _require_own(folder: Path, settings: Experiment, trust: bool) -> None:
    if not (trust or trusted()):
        require_own_code(folder, settings, noted_whereabouts(folder))


def _trackers(track: str | Tracker | Sequence[str | Tracker] | None) -> tuple[Followed, ...]:
    if isinstance(track, str):
        track = [name.strip() for name in track.split(",") if name.strip()]
    several = [track] if isinstance(track, Tracker) else track or ()
    return tuple(Followed(tracker(each) if isinstance(each, str) else each) for each in several)


def _opened(ran: Ran) -> Campaign:
    campaign = Campaign(ran.machine, ran.ended, ran.report)
    campaign.hopeless = ran.hopeless
    if ran.interrupted is not None:
        raise Interrupted(campaign, exit_code(ran.interrupted) - 128)
    return campaign


def _writable(folder: Path) -> Path:
    """Make the campaign's folder and return it, or raise `InputError` if that is impossible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        problem = f"no folder can be made or written here ({error.strerror}); choose another --out"
        raise InputError(str(folder), problem) from None
    return folder


@contextmanager
def _nothing_left(folder: Path) -> Iterator[None]:
    """Remove the campaign's folder if a mistake was found before anything was written to it."""
    try:
        yield
    except InputError:
        with suppress(OSError):  # It holds something.
            folder.rmdir()
        raise


def preflight(
    experiment: Given = None,
    *,
    data: str | Path | None = None,
    image_size: int | None = None,
    class_level: int | None = None,
    samples: int = USUAL,
    progress: bool = True,
    **tables: Mapping[str, Any] | float | str | None,
) -> Findings:
    """Return whether a search can succeed, what hinders it, and how long it will take.

    Draws `samples` candidates, judges them by all constraints that need no training, and times
    the training of three and the latency of six. Nothing is kept.

    Args:
        experiment: a TOML file or an `Experiment`; by default the embedded one for `data`.
        data: a folder of images, `hub:NAME`, or `digits`.
        image_size: resize images to this height and width in pixels.
        class_level: which folders are the classes; see `[data]` of an experiment.
        samples: number of candidates to draw.
        progress: say on standard error what is done.
        tables: other keys and shorthands, as in `search`.

    Raises:
        InputError: the experiment or its data cannot be used.

    >>> import gensynth
    >>> found = gensynth.preflight(data="digits", samples=20, progress=False)
    >>> found.impossible, found.sample.drawn
    (False, 20)
    """
    images = None if data is None else str(data)
    given = embedded(images) if experiment is None else experiment_of(experiment)
    settings = changed(given, images, image_size, class_level=class_level)
    settings = with_keywords(settings, tables)
    settings.make_indicator()  # A mistake in the file is told in one line, before anything else.
    tell = print_line if progress else _silent
    tell(f"preflight of {settings.name}: opening the images of {settings.data.path}")
    with progress_bar() as watch:
        context = make_context(settings, watch)
    warn(context)
    if context.evaluator.questions:
        tell("checking that latencies can be measured")
    context.check_measurable()  # Once, or every candidate would fail for it.
    with progress_bar("judging candidates") if progress else nullcontext(ignore) as bar:
        return look_ahead(context, samples, watch=bar, tell=tell)


def _silent(line: str) -> None:
    """Say nothing."""
