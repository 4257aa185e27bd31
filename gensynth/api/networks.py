"""Single networks: what they cost, what they score, which constraints they keep."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gensynth.api.assessing import Criteria, assess, criteria_of
from gensynth.api.experiments import Given, experiment_of
from gensynth.errors import InputError
from gensynth.evaluation.constraint import Indicator, Rule
from gensynth.evaluation.score import NetScore
from gensynth.graph.profile import Profile
from gensynth.plugins import create
from gensynth.report.network_assessment import Assessment
from gensynth.tflm.boards import BOARDS, Board, find_board

if TYPE_CHECKING:
    from torch import nn

Image = tuple[int, int, int]
"""(C, H, W)."""


def check(
    model: "str | Path | nn.Module",
    image: Image | None = None,
    *,
    experiment: Given = None,
    board: str | None = None,
    image_size: int | None = None,
    channels: int | None = None,
    classes: int | None = None,
) -> Assessment:
    """Judge a network by the constraints of the paper, or by those of an experiment.

    Args:
        model: a `torch.nn.Module`; or `timm:NAME`, `SPACE:PRESET`, `module:factory`, a genome file,
            an exported folder, or `published:OFA-62`.
        image: (C, H, W) of the input; alternatively `image_size` and `channels`.
        experiment: a TOML file or an `Experiment` whose constraints apply.
        board: a board of `gensynth.boards()` that the network in int8 must fit, too.
        image_size: height and width in pixels; by default an experiment's, a timm network's own,
            or 224.
        channels: channels of the input; by default an experiment's, or 3.
        classes: number of classes that a named network is built for; by default an experiment's,
            or 1000.

    Returns:
        Costs, verdicts and columns; `ok` is true if no enforced constraint is broken.

    Raises:
        InputError: `model` names no network, or `board` no board.

    >>> import gensynth, torch
    >>> network = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 1, stride=2), torch.nn.ReLU())
    >>> found = gensynth.check(network, image=(3, 64, 64))
    >>> found.ok, found.profile.params
    (False, 32)
    >>> [verdict.word for verdict in found.judgements if verdict.constraint == "strided_pointwise"]
    ['broken']
    """
    criteria = _criteria(experiment, image, image_size, channels, classes)
    if board is not None:
        rule = Rule("board", create("constraint", "board", {"name": find_board(board).name}, board))
        criteria = replace(criteria, rules=Indicator((*criteria.rules.rules, rule)))
    return assess(_named(model), criteria)


def boards() -> list[Board]:
    """Return the microcontroller boards that are known, by size.

    `check` takes the name of one, and so does the constraint `board` of an experiment.

    >>> import gensynth
    >>> next(b.ram_bytes for b in gensynth.boards() if b.name == "nucleo-f446re")
    131072
    """
    return list(BOARDS.values())


def score(
    model: "str | Path | nn.Module | None" = None,
    image: Image | None = None,
    *,
    top1: float | None = None,
    params: float | None = None,
    macs: float | None = None,
    experiment: Given = None,
    published: bool | None = None,
    opinions: bool | None = None,
    image_size: int | None = None,
    channels: int | None = None,
    classes: int | None = None,
) -> Assessment:
    """Count a network and compute its universal performance U; or compute U of three numbers.

    Args:
        model: as in `check`; None to score `top1`, `params` and `macs`.
        image: (C, H, W) of the input; alternatively `image_size` and `channels`.
        top1: accuracy in percent; without it, a network's published ImageNet top-1 may count.
        params: parameters, without a model.
        macs: multiply-accumulates, without a model.
        experiment: a TOML file or an `Experiment` whose score applies.
        published: whether the published top-1 counts; by default only without an experiment.
        opinions: whether fvcore and torch count the network, too; by default if that is cheap.
        image_size: as in `check`.
        channels: as in `check`.
        classes: as in `check`.

    Returns:
        Costs and score in decibels; no score while an operator is not counted.

    Raises:
        InputError: `model` names no network, or the numbers have no score.

    >>> import gensynth
    >>> round(gensynth.score(top1=75.8, params=5.8e6, macs=208e6).score, 2)
    74.37
    >>> gensynth.score("attendnext:tiny", image=(1, 8, 8), classes=10, top1=98).score > 100
    True
    """
    if model is None:
        return _of_numbers(top1, params, macs)
    if params is not None or macs is not None:
        raise InputError("params, macs", "are counted for a model, not given")
    criteria = _criteria(experiment, image, image_size, channels, classes)
    if published and experiment is not None:
        # Its constraints are about its own data, the published accuracy is about ImageNet.
        criteria = Criteria(Indicator(), criteria.score)
    return assess(_named(model), criteria, top1, opinions)


def profile(
    model: "str | Path | nn.Module",
    image: Image | None = None,
    *,
    image_size: int | None = None,
    channels: int | None = None,
    classes: int | None = None,
) -> Profile:
    """Count parameters, multiply-accumulates, weight bytes and peak activation bytes.

    Args:
        model: as in `check`.
        image: (C, H, W) of the input; alternatively `image_size` and `channels`.
        image_size: as in `check`.
        channels: as in `check`.
        classes: as in `check`.

    Raises:
        InputError: `model` names no network, or it cannot run on such an image.

    >>> import gensynth, torch
    >>> gensynth.profile(torch.nn.Conv2d(3, 8, 3, padding=1), image=(3, 32, 32)).macs
    221184
    """
    found = assess(_named(model), _criteria(None, image, image_size, channels, classes))
    if found.profile is None:
        raise InputError(found.model, found.note)
    return found.profile


def _named(model: "str | Path | nn.Module") -> "str | nn.Module":
    return str(model) if isinstance(model, Path) else model


def _criteria(
    experiment: Given,
    image: Image | None,
    image_size: int | None,
    channels: int | None,
    classes: int | None,
) -> Criteria:
    if image is not None:
        channels, height, width = image
        if height != width:
            raise InputError("image", f"expected as high as wide, got {height} x {width} pixels")
        image_size = height
    given = None if experiment is None else experiment_of(experiment)
    return criteria_of(given, image_size, channels, classes)


def _of_numbers(top1: float | None, params: float | None, macs: float | None) -> Assessment:
    if top1 is None or params is None or macs is None:
        raise InputError("score", "give a MODEL, or all of --top1, --params and --macs")
    try:
        value = NetScore().of(top1, params, macs)
    except ValueError as error:
        raise InputError("score", str(error)) from None
    return Assessment("numbers", top1=top1, score=value, params=params, macs=macs)
