"""Whether the trainings of a finalist take their steps together, decided once for a campaign."""

from collections.abc import Callable, Sequence

from gensynth.campaign.context import Context
from gensynth.campaign.experiment import Experiment
from gensynth.campaign.finals import Finalist
from gensynth.evaluation.outcome import Outcome
from gensynth.record.ledger import Ledger
from gensynth.training.job import Job

GROUPED = "grouped"
"""Name of the note that holds the decision."""
MOST_BYTES = 6e6
"""Activations of a group's step, in bytes, up to which it takes less time than one step after the
other on a core: more leave the core's own cache.

The limit is fixed and not timed, so that a campaign that is run again decides alike."""


def grouped(
    context: Context, ledger: Ledger, job: Job, finalists: Callable[[], Sequence[Finalist]]
) -> Finalist | None:
    """Return the finalist whose other trainings share the steps of `job`; None if none do.

    The first training of a finalist is one by itself if it may refute the finalist, as most do.
    """
    row = ledger.running[job.number].row
    if job.purpose != "final" or not _is_decided(context, ledger, row):
        return None
    finalist = next((f for f in finalists() if f.outcome.genome_id == row.genome_id), None)
    waits = finalist is not None and not finalist.replicas and _may_refute(context)
    return None if waits else finalist


def _is_decided(context: Context, ledger: Ledger, row: Outcome) -> bool:
    """Return whether this campaign groups trainings; its first finalist decides it by its size."""
    grouping = context.experiment.resources.grouping
    if grouping != "auto":
        return grouping == "always"
    noted = ledger.noted(GROUPED)
    if noted is None:
        noted = _pays(context.experiment, row)
        ledger.note(GROUPED, noted)
    return bool(noted)


def _pays(experiment: Experiment, row: Outcome) -> bool:
    """Return whether a group of this network is faster; on a GPU, small steps only wait for it."""
    if experiment.resources.gpus_per_trial > 0:
        return True
    largest = row.profile.peak_activation_bytes if row.profile else 0
    return largest * experiment.proxy.batch_size * experiment.finals.replicas <= MOST_BYTES


def _may_refute(context: Context) -> bool:
    """Return whether an enforced rule asks for an accuracy, which one training may miss by far."""
    rules = context.indicator.rules
    return any(rule.constraint.needs == "proxy" and rule.mode == "enforce" for rule in rules)
