"""Resuming what an interrupted run left, without trusting the contents of any `job.json`.

The file may be damaged or hostile, and the campaign's folder may have been moved. So the file only
says which candidate was running and in which attempt. What is trained, and where, follows from the
candidate's decisions and the experiment, as it did the first time.
"""

from dataclasses import replace

from gensynth.campaign.context import Context
from gensynth.errors import InputError
from gensynth.evaluation.constraint import ConstraintError
from gensynth.evaluation.evaluator import EndsProcess
from gensynth.evaluation.outcome import Outcome
from gensynth.record.job_folders import JOB, RunningJob
from gensynth.record.ledger import Ledger
from gensynth.space import Source
from gensynth.training.attempt import ATTEMPTS
from gensynth.training.job import Job


def renew_jobs(ledger: Ledger, context: Context) -> None:
    """Make the running jobs again, for the folder in which the campaign is now.

    References that no constraint asks for any more are dropped. Candidates that have ended their
    process too often are recorded as lost.

    Raises:
        InputError: a `job.json` does not fit the candidate that it names; nothing was changed.
    """
    jobs: dict[int, Job] = {}
    for number, running in list(ledger.running.items()):
        if running.row.purpose == "reference" and running.row.genome_id not in context.references:
            continue
        try:
            jobs[number] = _renewed(ledger, context, running)
        except EndsProcess as error:
            ledger.lose(number, error.problem)
    ledger.renew(jobs)


def _renewed(ledger: Ledger, context: Context, running: RunningJob) -> Job:
    stored, row = running.job, running.row
    folder = ledger.folder_of(row)
    file = str(folder / JOB)
    agree = (stored.number, stored.purpose) == (row.number, row.purpose)
    if not agree or not 1 <= stored.attempt <= ATTEMPTS:
        raise _misfit(file, "number, purpose and attempt do not agree")
    job = context.job(row.number, row.purpose, _source(context, row, file), folder)
    half = job.recipe.batch_size // 2
    if stored.recipe.batch_size == half >= 2:  # The full batch had run out of memory.
        job = replace(job, recipe=replace(job.recipe, batch_size=half))
    return replace(job, attempt=stored.attempt)


def _source(context: Context, row: Outcome, file: str) -> Source:
    """Return the network that the row's decisions or the reference's name denote."""
    if row.purpose == "reference":
        return context.references[row.genome_id]
    try:
        described = context.evaluator.described(row.decisions)
    except EndsProcess:
        raise
    except (InputError, ConstraintError) as error:
        raise _misfit(file, str(error)) from error
    if (described.genome_id, described.fingerprint) != (row.genome_id, row.fingerprint):
        raise _misfit(file, f"its decisions are those of {described.genome_id}")
    return described.source


def _misfit(file: str, why: str) -> InputError:
    problem = f"does not fit this campaign ({why}); delete its folder to train the candidate again"
    return InputError(file, problem)
