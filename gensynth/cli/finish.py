"""`gensynth finish`: end a search now, with what it has found."""

import typer

import gensynth
from gensynth.cli.options import AsJson, CampaignFolder, print_json
from gensynth.report.terminal import console


def finish(folder: CampaignFolder, as_json: AsJson = False) -> None:
    """End a search now: run the finals and the last training, and export.

    If the search is still running, in another terminal or on another machine,
    it does so itself, and this command returns at once.

    Exits with 0 if a network was exported or the running search was told to
    finish, with 1 if no candidate was feasible.
    """
    campaign = gensynth.finish(folder, progress=not as_json)
    if as_json:
        print_json(campaign.plain())
    elif campaign.ended:
        campaign.show()
    else:
        words = f"{folder}: the running search ends now; finals and the last training follow there"
        console(stderr=True).print(words, highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(1 if campaign.ended and not campaign.published else 0)
