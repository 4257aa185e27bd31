"""The status of a campaign: the figures that a person wants to see while it runs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gensynth.campaign.campaign import CampaignDriver
from gensynth.campaign.experiment import Experiment
from gensynth.campaign.finals import ranking
from gensynth.evaluation.constraint import broken
from gensynth.evaluation.measurement import Measurement
from gensynth.evaluation.outcome import Outcome
from gensynth.evaluation.score import unit_of


@dataclass(frozen=True)
class Training:
    """A training that is running, as far as it has reported."""

    number: int
    purpose: str
    epochs: int
    """Its length."""
    curve: tuple[Measurement, ...] = ()
    """What it has reported since this start."""

    @property
    def share(self) -> float:
        """Share of its epochs that are done, 0 to 1."""
        return min(self.curve[-1].epoch / self.epochs, 1.0) if self.curve else 0.0


@dataclass(frozen=True)
class Effort:
    """Amounts of training; one is a full training of the search."""

    search: float = 0.0
    """Reference networks included."""
    finals: float = 0.0
    last: float = 0.0

    @property
    def total(self) -> float:
        """All of it."""
        return self.search + self.finals + self.last


@dataclass(frozen=True)
class Status:
    """A campaign at one moment."""

    trained: int
    """Trainings of the search that have ended."""
    trials: int
    """Trainings of the search in total."""
    running: int
    """Trainings that are running, whatever their purpose."""
    phase: str
    """`references`, `search`, `finals`, `last training`, or `finished`."""
    best: Outcome | None
    """The best candidate of the search that the finals have not refused."""
    endings: Mapping[str, int]
    """Ended candidates of the search, by ending."""
    rejected: Mapping[str, int]
    """Candidates rejected before training, by the rule that they broke."""
    last: tuple[Outcome, ...]
    """The latest trainings that ended, newest first."""
    trainings: tuple[Training, ...] = ()
    """Those that are running."""
    planned: Effort = Effort()
    """All trainings, the expected finals and the last training included."""
    done: Effort = Effort()
    """Of these, with the epochs of those that are running."""
    unit: str = "dB"
    """Unit of the pursued value."""
    counted: bool = True
    """Whether the search ends after `trials`; otherwise the clock alone ends it."""
    left_s: float | None = None
    """Seconds until the campaign ends by the clock; None without one."""


def status_of(campaign: CampaignDriver) -> Status:
    """Return the campaign's present status."""
    rows = [outcome for outcome in campaign.outcomes if outcome.purpose == "search"]
    trained = [outcome for outcome in campaign.outcomes if outcome.attempt > 0]
    refused = {f.outcome.fingerprint for f in campaign.finalists() if f.refused}
    best = next((o for o in ranking(rows) if o.fingerprint not in refused), None)
    purposes = [running.row.purpose for running in campaign.ledger.running.values()]
    now = Status(
        trained=sum(o.attempt > 0 for o in rows),
        trials=campaign.context.experiment.trials,
        running=len(purposes),
        phase=_phase(purposes, campaign.outcomes),
        best=best,
        endings=Counter(outcome.ending for outcome in rows),
        rejected=_rejected(campaign, rows),
        last=tuple(reversed(trained[-4:])),
        unit=unit_of(campaign.context.score),
        counted=campaign.schedule.counts,
    )
    return moved(now, campaign)


def moved(now: Status, campaign: CampaignDriver) -> Status:
    """Return the status with the present epochs of what is running; cheap, unlike `status_of`."""
    trainings = tuple(
        Training(
            number,
            running.row.purpose,
            running.job.recipe.epochs,
            tuple(campaign.measured.get(number, ())),
        )
        for number, running in campaign.ledger.running.items()
    )
    planned = effort_of(campaign.context.experiment, len(campaign.context.references))
    done = _done(campaign.context.experiment, campaign.outcomes, trainings)
    if _decided(now, done, trainings):
        planned = replace(planned, search=done.search, finals=done.finals)
    # Finals go on where the first finalists fail, and a campaign may be extended.
    planned = Effort(
        max(planned.search, done.search), max(planned.finals, done.finals), planned.last
    )
    clock = campaign.schedule.clock
    left_s = None if clock is None else max(clock.left_s(), 0.0)
    return replace(now, trainings=trainings, planned=planned, done=done, left_s=left_s)


def _decided(now: Status, done: Effort, running: Sequence[Training]) -> bool:
    """Whether at most the last training is left: finals often take fewer than planned."""
    others = any(training.purpose != "export" for training in running)
    return done.last > 0 and not others and now.trained >= now.trials


def effort_of(experiment: Experiment, references: int = 0) -> Effort:
    """Return what an experiment trains, if enough candidates are feasible and none is stopped."""
    finals, last = experiment.finals, experiment.last_training
    return Effort(
        experiment.trials + references,
        finals.candidates * finals.replicas * finals.epochs_factor,
        last.epochs_factor * last.data_share / experiment.proxy.data_share,
    )


def _done(
    experiment: Experiment, outcomes: Sequence[Outcome], running: Sequence[Training]
) -> Effort:
    """Add up the trainings that have ended, also early, and the epochs of those under way."""
    shares: Counter[str] = Counter(o.purpose for o in outcomes if o.attempt > 0)
    parts = {purpose: float(number) for purpose, number in shares.items()}
    for training in running:
        parts[training.purpose] = parts.get(training.purpose, 0.0) + training.share
    last = effort_of(experiment).last
    return Effort(
        parts.get("search", 0.0) + parts.get("reference", 0.0),
        parts.get("final", 0.0) * experiment.finals.epochs_factor,
        min(parts.get("export", 0.0), 1.0) * last,
    )


def _phase(running: Sequence[str], outcomes: Sequence[Outcome]) -> str:
    if not running:
        return "finished" if outcomes and outcomes[-1].purpose == "export" else "search"
    words = {"reference": "references", "final": "finals", "export": "last training"}
    return words.get(running[0], "search")


def _rejected(campaign: CampaignDriver, rows: list[Outcome]) -> Mapping[str, int]:
    """Count the proposals that broke each rule, including those the generator discarded itself."""
    counts: Counter[str] = Counter()
    for row in rows:
        if row.ending == "infeasible":
            counts.update(j.constraint for j in broken(row.judgements))
    counts.update(campaign.rejections())
    return counts
