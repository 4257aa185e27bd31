"""`gensynth compare --device cortex-a72`: networks side by side on an emulated processor."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

from gensynth.evaluation.latency import Question
from gensynth.serialization import to_plain

if TYPE_CHECKING:
    from devices.cortex_a72.measure import Emulation
    from gensynth.models.by_name import Model

HEADS = ("model", "input", "M instructions", "fma", "MB moved", "L2 misses k", "model ms", "ratio")


def compare_emulated(models: "Sequence[Model]", question: Question, as_json: bool) -> None:
    """Count each network in emulation and print it beside the first one.

    Nothing is timed: the counts are the same on any machine. `InputError` where one cannot run.
    """
    from devices.cortex_a72.measure import emulate_model

    found = [emulate_model(model, question.threads) for model in models]
    if as_json:
        rows = [_row(each, found[0], question) for each in found]
        typer.echo(json.dumps(rows, indent=2))
    else:
        _show(found, question.threads)


def _row(each: "Emulation", first: "Emulation", question: Question) -> dict[str, Any]:
    return {
        "model": each.model,
        "input_shape": list(each.input_shape),
        "device": question.device,
        "runtime": question.runtime,
        "threads": question.threads,
        "batch": question.batch,
        "counts": to_plain(each.counts),
        "modelled_ms": each.milliseconds,
        "extrapolated": each.extrapolated,
        "reference": first.model,
        "ratio": each.milliseconds / first.milliseconds,
        "calibration": to_plain(each.anchor),
    }


def _show(found: "Sequence[Emulation]", threads: int) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    from gensynth.report.tables import wide_console

    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for head in HEADS:
        justify: Any = "left" if head in ("model", "input") else "right"
        table.add_column(head, justify=justify, no_wrap=True)
    for each in found:
        table.add_row(escape(each.model), *_cells(each, found[0]))
    console = wide_console()
    console.print(table)
    console.print(_footnote(found, threads), soft_wrap=True, markup=False)


def _cells(each: "Emulation", first: "Emulation") -> tuple[str, ...]:
    counts = each.counts
    mark = "*" if each.extrapolated else ""
    return (
        "x".join(map(str, each.input_shape)),
        f"{counts.instructions / 1e6:.4g}",
        f"{counts.fma / counts.instructions:.0%}",
        f"{(counts.read_bytes + counts.written_bytes) / 1e6:.4g}",
        f"{counts.l2_misses / 1e3:.4g}",
        f"{each.milliseconds:.4g}{mark}",
        f"{each.milliseconds / first.milliseconds:.3g}",
    )


def _footnote(found: "Sequence[Emulation]", threads: int) -> str:
    several = f"; the milliseconds are those of {threads} threads" if threads > 1 else ""
    text = (
        "instructions of ncnn's arm64 kernels on an emulated Cortex-A72, one inference on one "
        f"thread after a warm-up, and traffic through its caches, simulated{several}. The "
        f"milliseconds are modelled, not measured: {found[0].anchor}; a ratio is within "
        f"{found[0].anchor.ratio_error_90:.1%} for nine of ten pairs"
    )
    if any(each.extrapolated for each in found):
        low, high = found[0].anchor.from_ms, found[0].anchor.to_ms
        text += f"; * = outside the {low:.4g} to {high:.4g} ms of these networks: extrapolated"
    return text
