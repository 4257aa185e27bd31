"""The duration of a campaign on this machine, predicted from a few of its candidates."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

from gensynth.campaign.context import Context
from gensynth.campaign.experiment import Experiment
from gensynth.feasibility.sample import Sampled
from gensynth.process import usable_cores
from gensynth.space import Source
from gensynth.training.training_speed import Pace, pace

START_UP_S = 0.5
"""Of a training, apart from its batches: building the network, opening the data, recording."""


@dataclass(frozen=True)
class Plan:
    """What a campaign trains, and how long that takes on this machine."""

    trainings: int
    """Trainings of the search, if none is stopped early."""
    proxy_s: tuple[float, ...]
    """Predicted seconds of the proxy training of the candidates that were timed."""
    finals: int
    """Trainings of the finals, if enough candidates are feasible and one of the first holds."""
    final_factor: float
    """Length of each of them, as a multiple of the proxy's."""
    last_factor: float
    """Length of the winner's last training, as a multiple of the proxy's."""
    workers: int
    """Concurrent trainings on this machine."""

    @property
    def training_s(self) -> float:
        """Predicted seconds of one training of the search, in the mean."""
        return fmean(self.proxy_s) + START_UP_S

    @property
    def hours(self) -> float:
        """Predicted hours of the whole campaign, if no training is stopped early."""
        mean = self.training_s
        side_by_side = mean * (self.trainings + self.finals * self.final_factor)
        return (side_by_side / self.workers + mean * self.last_factor) / 3600


def plan(context: Context, chosen: Sequence[Sampled], limit_s: float) -> Plan | None:
    """Time a few batches of each candidate of `chosen`; None if it is empty."""
    experiment = context.experiment
    if not chosen:
        return None
    paces = paces_of(context, [candidate.source for candidate in chosen], limit_s)
    seconds = tuple(pace.seconds(experiment.proxy.epochs) for pace in paces)
    finals, last = experiment.finals, experiment.last_training
    return Plan(
        trainings=experiment.trials + len(context.references),
        proxy_s=seconds,
        finals=finals.candidates * finals.replicas,
        final_factor=finals.epochs_factor,
        last_factor=last.epochs_factor * last.data_share / experiment.proxy.data_share,
        workers=workers(experiment),
    )


def paces_of(context: Context, sources: Sequence[Source], limit_s: float) -> list[Pace]:
    """Train a few batches of each network like a candidate of the search; keep nothing."""
    with TemporaryDirectory() as folder:
        jobs = [context.job(0, "search", source, Path(folder) / "job") for source in sources]
        return [pace(job, limit_s) for job in jobs]


def workers(experiment: Experiment) -> int:
    """Return the number of concurrent trainings on this machine."""
    import torch

    if experiment.executor == "inline":
        return 1
    resources = experiment.resources
    room = usable_cores() / resources.cpus_per_trial
    if resources.gpus_per_trial > 0:
        room = min(room, torch.cuda.device_count() / resources.gpus_per_trial)
    return max(1, int(room))


def spread_over_macs(candidates: Sequence[Sampled], count: int) -> list[Sampled]:
    """Choose up to `count` candidates, evenly spaced in their ranking by MACs."""
    order = sorted(candidates, key=lambda c: c.profile.macs)
    if len(order) <= count:
        return order
    return [order[round((k + 0.5) * len(order) / count - 0.5)] for k in range(count)]
