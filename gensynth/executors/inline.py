"""Running a campaign in this process, one job after the other and exactly reproducibly."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from gensynth.campaign.campaign import CampaignDriver, Done, Wait
from gensynth.evaluation.measurement import Measurement
from gensynth.executors.resources import require_here
from gensynth.process import Interruption
from gensynth.record.starts import TRAINING_REASON
from gensynth.training.attempt import ATTEMPTS, Result
from gensynth.training.grouped_attempt import attempt_together
from gensynth.training.job import Job


def run_inline(
    campaign: CampaignDriver,
    changed: Callable[[], None] = lambda: None,
    interruption: Interruption | None = None,
) -> Done:
    """Run the campaign to its end, and return why it ended.

    `changed` is called after each step. After an interruption, the same call resumes the job that
    was running.

    Raises:
        InputError: this machine has not what a training asks for.
        KeyboardInterrupt: `interruption` was requested; the running job has saved a checkpoint.
    """
    require_here(campaign.context.experiment.resources)
    interruption = interruption or Interruption()
    while True:
        interruption.heed()
        job = campaign.ask()
        changed()
        if isinstance(job, Done):
            return job
        if isinstance(job, Wait):
            raise RuntimeError("the campaign waits for a job that is not running")
        _train(campaign, [job, *campaign.companions(job)], interruption, changed)
        changed()


def _train(
    campaign: CampaignDriver,
    jobs: Sequence[Job],
    interruption: Interruption,
    changed: Callable[[], None],
) -> None:
    def watch(job: Job, measurement: Measurement) -> bool:
        goes_on = not interruption.asked and campaign.report(job, measurement)
        with suppress(OSError):  # A terminal that has gone is no fault of the training.
            changed()
        return goes_on

    first, *others = jobs  # A group that ends the process counts for its first job.
    with campaign.ledger.training_here(first) as allowed:
        results = list(attempt_together(jobs, watch)) if allowed else []
    if not allowed:  # Another attempt in this process would end it, too.
        campaign.tell(replace(first, attempt=ATTEMPTS), Result("lost", detail=TRAINING_REASON))
        if others:
            _train(campaign, others, interruption, changed)
        return
    for job, result in zip(jobs, results, strict=True):
        if result.ending == "stopped":
            interruption.heed()  # Not stopped by the rule: it is resumed in the next run.
        campaign.tell(job, result)
