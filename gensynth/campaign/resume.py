"""What an interrupted run left is taken up again: nothing of a `job.json` is believed unseen.

The file may be damaged or hostile, and the folder may have been moved. So it only says which
candidate was running and at which attempt; what is trained, and where, is made anew from the
candidate's decisions by the experiment, as it was made the first time.
"""

from dataclasses import replace

from gensynth.campaign.campaign import Campaign
from gensynth.errors import InputError
from gensynth.record.pending import Pending
from gensynth.space import Source
from gensynth.training.attempt import ATTEMPTS
from gensynth.training.job import Job


def renew(campaign: Campaign) -> None:
    """Make the jobs of an interrupted run anew, in the place where the campaign now is.

    Raises:
        InputError: a `job.json` does not fit the candidate that it names; nothing was changed.
    """
    running = campaign.ledger.running
    renewed = {
        number: replace(pending, job=_job(campaign, pending))
        for number, pending in running.items()
        if not _dropped(campaign, pending)
    }
    for number in running.keys() - renewed.keys():
        _forget(campaign, running[number])
    campaign.resume(renewed)


def _dropped(campaign: Campaign, pending: Pending) -> bool:
    """Say whether it is a reference that no rule of the present experiment asks for any more."""
    row = pending.row
    return row.purpose == "reference" and row.genome_id not in campaign.context.references


def _forget(campaign: Campaign, pending: Pending) -> None:
    folder = str(campaign.folder_of(pending.row))
    campaign.ledger.in_flight.forget(replace(pending.job, folder=folder, keep_weights=False))


def _job(campaign: Campaign, pending: Pending) -> Job:
    context, said, row = campaign.context, pending.job, pending.row
    file = campaign.folder_of(row) / "job.json"
    if (said.number, said.purpose) != (row.number, row.purpose) or not (
        1 <= said.attempt <= ATTEMPTS
    ):
        raise _damaged(str(file), "number, purpose and attempt do not agree")
    source = _source(campaign, pending, str(file))
    job = replace(context.job(row, source, campaign.ledger.in_flight), attempt=said.attempt)
    half = job.recipe.batch_size // 2
    if said.recipe.batch_size == half >= 2:  # It had run out of memory.
        job = replace(job, recipe=replace(job.recipe, batch_size=half))
    return job


def _source(campaign: Campaign, pending: Pending, file: str) -> Source:
    """Build what the row's decisions say; a reference is the rule's, or what it was."""
    row, context = pending.row, campaign.context
    if row.purpose == "reference":
        return context.references[row.genome_id]
    try:
        described = campaign.evaluator.described(row.decisions)
    except InputError as error:
        raise _damaged(file, str(error)) from error
    if (described.genome_id, described.fingerprint) != (row.genome_id, row.fingerprint):
        raise _damaged(file, f"its decisions are those of {described.genome_id}")
    return described.source


def _damaged(file: str, why: str) -> InputError:
    problem = f"does not fit this campaign ({why}); remove its folder, and it is trained anew"
    return InputError(file, problem)
