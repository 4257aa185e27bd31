"""Runs a campaign in this process, one job after the other: exactly reproducible."""

from collections.abc import Callable

from gensynth.campaign.campaign import Campaign, Done, Wait
from gensynth.evaluation.measurement import Measurement
from gensynth.process import Interruption
from gensynth.training.attempt import attempt
from gensynth.training.job import Job


def run(
    campaign: Campaign,
    changed: Callable[[], None] = lambda: None,
    interruption: Interruption | None = None,
) -> Done:
    """Run the campaign to its end; `changed` is called after each step.

    An interruption leaves nothing but jobs to resume.

    Raises:
        KeyboardInterrupt: `interruption` was asked for, and the running job has a checkpoint.
    """
    interruption = interruption or Interruption()
    while True:
        interruption.heed()
        job = campaign.ask()
        changed()
        if isinstance(job, Done):
            return job
        if isinstance(job, Wait):
            raise RuntimeError("the campaign waits for a job that nobody runs")
        _train(campaign, job, interruption)
        changed()


def _train(campaign: Campaign, job: Job, interruption: Interruption) -> None:
    def watch(measurement: Measurement) -> bool:
        return not interruption.asked and campaign.report(job, measurement)

    result = attempt(job, watch)
    if result.ending == "stopped":
        interruption.heed()  # Not the rule has stopped it: it is resumed another day.
    campaign.tell(job, result)
