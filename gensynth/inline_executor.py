"""Runs a campaign in this process, one job after the other: exactly reproducible."""

from collections.abc import Callable
from functools import partial

from gensynth.attempt import attempt
from gensynth.campaign import Campaign, Done, Wait


def run(campaign: Campaign, changed: Callable[[], None] = lambda: None) -> Done:
    """Run the campaign to its end; `changed` is called after each step.

    An interruption leaves nothing but jobs to resume.
    """
    while True:
        job = campaign.ask()
        changed()
        if isinstance(job, Done):
            return job
        if isinstance(job, Wait):
            raise RuntimeError("the campaign waits for a job that nobody runs")
        campaign.tell(job, attempt(job, partial(campaign.report, job)))
        changed()
