"""The earlier trainings of a warm start, kept in the campaign's folder.

What is learned from them stands in `generators/synthesis/earlier.py`.

A campaign repeats its generator's calls when it goes on, so it must learn from the same trainings
then, wherever the earlier campaign has gone and however it has grown.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from gensynth.errors import InputError
from gensynth.evaluation.outcome import Outcome
from gensynth.generators.problem import FAILED, EarlierCampaign
from gensynth.generators.protocol import Generator, LearnsFromEarlier
from gensynth.generators.synthesis.earlier import fitting
from gensynth.serialization import dumps, from_plain, loads, read_file, write_whole
from gensynth.space import SearchSpace

EARLIER = "earlier.json"
"""File in a campaign's folder."""
OPTION = "--from"
TELLING = ("completed", "stopped", *FAILED)
"""Endings from which there is something to learn."""


def trainings_of(name: str, outcomes: Iterable[Outcome]) -> EarlierCampaign:
    """Return what there is to learn from a campaign's outcomes."""
    told = tuple(
        replace(
            outcome, profile=None, judgements=(), latencies={}, reactions={}, score=None, value=None
        )
        for outcome in outcomes
        if outcome.purpose == "search" and outcome.ending in TELLING
    )
    return EarlierCampaign(name, told, len(told))


def kept_earlier(folder: Path) -> tuple[EarlierCampaign, ...]:
    """Return what the campaign in `folder` learns from; nothing if it began cold."""
    file = folder / EARLIER
    return read_earlier(file) if file.exists() else ()


def keep_earlier(folder: Path, campaigns: Sequence[EarlierCampaign], begun: bool) -> None:
    """Keep what a new campaign in `folder` learns from; a start that failed may have left more."""
    if begun:
        return
    if campaigns:
        write_earlier(folder / EARLIER, campaigns)
    else:
        (folder / EARLIER).unlink(missing_ok=True)


def read_earlier(file: Path) -> tuple[EarlierCampaign, ...]:
    """Read a file of earlier trainings; raise `InputError` if it is none."""
    try:
        text = read_file(file)
    except OSError as error:
        raise InputError(str(file), f"cannot be read ({error.strerror})") from None
    found = from_plain(tuple[EarlierCampaign, ...], loads(text, str(file)), str(file))
    top1s = [line.top1 for each in found for o in each.outcomes for line in o.curve]
    if not all(0 <= top1 <= 100 for top1 in top1s):
        raise InputError(str(file), "has a top-1 that is not between 0 and 100 percent")
    return found


def write_earlier(file: Path, campaigns: Sequence[EarlierCampaign]) -> None:
    """Write a file of earlier trainings."""
    write_whole(file, dumps(tuple(campaigns)))


def earlier_for(
    folder: Path, begun: bool, given: Sequence[EarlierCampaign]
) -> tuple[EarlierCampaign, ...]:
    """Return what the campaign in `folder` learns from: once it has `begun`, what it began with.

    Of what is `given` then only the names count.
    """
    if not begun:
        return tuple(given)
    kept = kept_earlier(folder)
    if given and {each.name for each in given} != {each.name for each in kept}:
        began = f"from {', '.join(each.name for each in kept)}" if kept else "without one"
        problem = f"the campaign in {folder} began {began}; use another --out folder"
        raise InputError(OPTION, problem)
    return kept


def fitting_campaigns(
    space: SearchSpace[object], campaigns: Iterable[EarlierCampaign]
) -> tuple[EarlierCampaign, ...]:
    """Return earlier trainings as candidates of `space`; raise `InputError` if none is one."""
    found = tuple(fitting(space, campaign) for campaign in campaigns)
    for campaign in found:
        if not campaign.outcomes:
            problem = f"none of the {campaign.trainings} trainings of {campaign.name} fits "
            raise InputError(OPTION, f"{problem}the space that is searched")
    return found


def require_learning(generator: Generator, use: str) -> None:
    """Raise `InputError` if a generator ignores earlier trainings."""
    if not (isinstance(generator, LearnsFromEarlier) and generator.learns_from_earlier):
        raise InputError(OPTION, f"the generator {use!r} does not learn from earlier campaigns")


def warm_start_words(campaigns: Sequence[EarlierCampaign]) -> list[str]:
    """Say what the generator learns from before the first training."""
    return [
        f"warm start: learns from {len(each.outcomes)} of the {each.trainings} trainings of "
        f"{each.name}"
        for each in campaigns
    ]
