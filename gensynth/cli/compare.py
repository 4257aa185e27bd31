"""`gensynth compare`: how fast are networks, measured side by side?"""

import json
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional, get_args

import typer

from gensynth.cli.compare_emulated import compare_emulated
from gensynth.cli.options import AsJson, Channels, Classes, PeerSize
from gensynth.errors import InputError, unknown
from gensynth.evaluation.latency import HERE, Latency, Question, Runtime
from gensynth.space import Task

if TYPE_CHECKING:
    from gensynth.models.by_name import Model

    Pairs = list[tuple[Model, Latency]]

MODELS = (
    "timm:NAME, SPACE:PRESET (attendnext:xa325), module:factory, a genome file or an exported "
    "folder."
)
ROUNDS = 12
"""Samples of each network in each block."""


def compare(
    models: Annotated[list[str], typer.Argument(metavar="MODEL...", help=MODELS)],
    runtime: Annotated[str, typer.Option(help="onnxruntime or torch.")] = "onnxruntime",
    threads: Annotated[int, typer.Option(help="Threads of the runtime.", min=1)] = 1,
    batch: Annotated[int, typer.Option(help="Images of one inference.", min=1)] = 1,
    image_size: PeerSize = None,
    channels: Channels = 3,
    classes: Classes = 1000,
    reference: Annotated[
        Optional[str],  # noqa: UP045 - typer reads it at run time
        typer.Option(help="The MODEL that the others are compared with; default the first."),
    ] = None,
    rounds: Annotated[
        Optional[int],  # noqa: UP045 - typer reads it at run time
        typer.Option(help="Samples of each network in each of 10 blocks; default 12."),
    ] = None,
    device: Annotated[
        str, typer.Option(help="here, or cortex-a72: in emulation, as `gensynth device` prepares.")
    ] = HERE,
    as_json: AsJson = False,
) -> None:
    """Time networks on this machine, interleaved in one run.

    Tells the median and the quartiles of one inference, and its ratio to the
    reference with an interval. A ratio that the noise does not carry is not
    told. While this measures, trainings of gensynth on this machine wait.
    With --device cortex-a72 it counts in emulation instead, and times nothing.
    """
    question = Question(_runtime(runtime), threads, batch, device)
    if rounds is not None and rounds < 1:
        raise InputError("--rounds", f"expected at least 1, got {rounds}")
    if rounds is not None and device != HERE:
        raise InputError("--rounds", f"{device} is counted, not timed: leave it out")
    names = list(dict.fromkeys([*([reference] if reference else []), *models]))
    built_for = image_size, channels, classes
    if question.device != HERE:
        return compare_emulated(_quietly_built(names, built_for), question, as_json)
    with redirect_stdout(sys.stderr):  # What a network prints is no part of the answer.
        pairs = _timed(names, question, built_for, rounds or ROUNDS)
    _print_rows(pairs, question) if as_json else _show(pairs, question)


def _print_rows(pairs: "Pairs", question: Question) -> None:
    rows = [_row(*pair, question, pairs[0][0].name) for pair in pairs]
    typer.echo(json.dumps(rows, indent=2))


def _quietly_built(names: list[str], built_for: tuple[int | None, int, int]) -> "list[Model]":
    with redirect_stdout(sys.stderr):
        return [_model(name, *built_for) for name in names]


def _timed(
    names: list[str], question: Question, built_for: tuple[int | None, int, int], rounds: int
) -> "Pairs":
    from gensynth.latency.here import timed
    from gensynth.latency.paired import Plan
    from gensynth.latency.runtimes import check, prepare
    from gensynth.process import check_threads

    threads = question.threads
    check(question.runtime)
    check_threads(threads)
    found = [_model(name, *built_for) for name in names]
    networks = [prepare(model, question.runtime, threads, question.batch) for model in found]
    latencies = timed(networks, threads, 0, Plan(rounds=rounds))
    return list(zip(found, latencies, strict=True))


def _runtime(word: str) -> Runtime:
    for known in get_args(Runtime):
        if known == word:
            return known  # type: ignore[no-any-return]
    raise unknown("--runtime", "runtime", word, get_args(Runtime))


def _model(name: str, image_size: int | None, channels: int, classes: int) -> "Model":
    from gensynth.models import timm_models
    from gensynth.models.by_name import IMAGENET, find_model

    kind, _, word = name.partition(":")
    if kind == "published":
        raise InputError(name, "is known by its figures only, so there is nothing to time")
    size = (
        image_size or (timm_models.image_size(word) if kind == "timm" else None) or IMAGENET.height
    )
    model = find_model(name, Task(channels, size, size, classes), Path.cwd())
    if image_size is not None and Path(name).is_dir() and model.input_shape[1] != image_size:
        takes = "x".join(map(str, model.input_shape))
        raise InputError(name, f"takes {takes} images, not {image_size} px; leave --image-size out")
    return model


def _row(model: "Model", latency: Latency, question: Question, reference: str) -> dict[str, Any]:
    told, interval = latency.told_ratio, latency.ratio_interval
    return {
        "model": model.name,
        "input_shape": list(model.input_shape),
        "params": sum(p.numel() for p in model.module.parameters()),
        "runtime": question.runtime,
        "threads": question.threads,
        "batch": question.batch,
        "machine": latency.machine,
        "samples": latency.samples,
        "median_ms": latency.median_ms,
        "median_interval_ms": [latency.interval_ms.low, latency.interval_ms.high],
        "quartiles_ms": [latency.quartiles_ms.low, latency.quartiles_ms.high],
        "reference": reference,
        "ratio": told,
        "ratio_interval": [interval.low, interval.high] if interval else None,
        "confidence": latency.confidence,
    }


def _show(pairs: "Pairs", question: Question) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    from gensynth.report.tables import wide_console

    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for head in ("model", "input", "median ms", "quartiles", "ratio", "interval"):
        justify: Any = "left" if head in ("model", "input") else "right"
        table.add_column(head, justify=justify, no_wrap=head != "model", overflow="fold")
    for model, latency in pairs:
        shape = "x".join(map(str, model.input_shape))
        table.add_row(escape(model.name), shape, *_cells(latency))
    console = wide_console()
    console.print(table)
    reference, latency = pairs[0]
    console.print(
        f"ratio to {reference.name}; {question}; {latency.machine}; {latency.samples} samples of "
        f"each, interleaved; intervals: {latency.confidence:.1%} confidence (order statistics of "
        "block medians)",
        soft_wrap=True,
        markup=False,
    )


def _cells(latency: Latency) -> tuple[str, str, str, str]:
    quartiles, interval = latency.quartiles_ms, latency.ratio_interval
    told = latency.told_ratio
    assert interval is not None
    return (
        f"{latency.median_ms:.4g}",
        f"{quartiles.low:.4g} to {quartiles.high:.4g}",
        "too noisy to tell" if told is None else f"{told:.3g}",
        f"{interval.low:.3g} to {interval.high:.3g}",
    )
