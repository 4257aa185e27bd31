"""Campaigns of earlier runs: opened, or ended with what there is."""

from pathlib import Path

from gensynth.api.campaigns import Campaign
from gensynth.api.experiments import Given, experiment_of
from gensynth.campaign.campaign_folder import viewing
from gensynth.plugins import trusted


def load(folder: str | Path, experiment: Given = None, trust: bool = False) -> Campaign:
    """Open the campaign in `folder`, under its own constraints or under those of `experiment`.

    Code that the folder names is run only if you have started the campaign, or with `trust`;
    otherwise the campaign is what its record says.

    Raises:
        InputError: there is no campaign, or the experiment differs in what may not change.

    >>> import gensynth
    >>> gensynth.load("runs/mine").best is not None
    True
    """
    other = None if experiment is None else experiment_of(experiment)
    return Campaign(viewing(Path(folder), other, trust=trust or trusted()))


def finish(folder: str | Path, *, progress: bool = True) -> Campaign:
    """End the search of a campaign now: run the finals and the last training, and export.

    Args:
        folder: the campaign's folder. If its search is running, the search does so itself, and
            this returns at once.
        progress: show a live view on standard error, in a terminal or a notebook.

    Raises:
        InputError: the folder is not a campaign's.
        KeyboardInterrupt: Ctrl-C; the same call resumes the trainings that were running.

    >>> import gensynth
    >>> gensynth.finish("runs/mine", progress=False).best.top1 > 0
    True
    """
    campaign = load(folder)
    campaign.finish(progress)
    return campaign
