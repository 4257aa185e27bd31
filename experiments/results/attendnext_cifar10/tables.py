r"""Tables and plots of the campaign of record, from the measurements of compare.py.

    python -m experiments.results.attendnext_cifar10.tables \
        experiments/results/attendnext_cifar10/comparison.json --ours MODEL,MODEL,... \
        --found MODEL --plots experiments/results/attendnext_cifar10

`--ours` are the networks of our curve, `--found` the one to compare with the claims of the paper;
other genome files appear in the table only. Speed at matched top-1 is read off our curve: straight
lines between our points over the logarithm of the latency, never extrapolated. If a peer's family
has several members (its name up to the underscore: MobileNet-V1 at its widths, MobileViT in its
sizes), speed at the found network's top-1 is read off the line through them. `--plots` is the
folder for two plots, of the latency here and on the Cortex-A72.
"""

import argparse
import json
import re
from collections.abc import Sequence
from itertools import pairwise
from math import exp, log
from pathlib import Path
from typing import Any

from experiments.benchmarks.command_line import parser_for
from experiments.benchmarks.tables import heading, markdown
from experiments.results.attendnext_cifar10.scatter import Point, write_scatter
from gensynth.models.timm_variants import SMALL_IMAGES

Row = dict[str, Any]
PAPER = {
    "timm:fbnetc_100": ("more than 10", 10.0),
    "timm:mobileone_s1": ("more than 10", 10.0),
    "timm:mobilenetv3_large_100": ("more than 6", 6.0),
    "timm:mobilevit_xs": ("about 4", 4.0),
}
"""How many times faster than these the AttendNeXt of arXiv 2208.06980 is on a Cortex-A72."""
COSTS = {"host_ratio": ("here", "here"), "a72_ratio": ("cortex_a72", "on a Cortex-A72")}
"""For each latency, the file name of its plot and its words."""
SMALLER = 1.37
"""How many times smaller than MobileNetV3-L it is."""
HEADS = (
    "network",
    "input",
    "test top-1",
    "params",
    "MACs",
    "NetScore",
    "here, ms",
    "here, ratio",
    "Cortex-A72, ms",
    "ratio",
    "int8",
    "int8 top-1",
    "steady under shifts",
)


def main() -> None:
    """Print the tables and write the plots."""
    options = _options()
    content = json.loads(options.comparison.read_text())
    rows = {short(row["model"]): row for row in reversed(content["networks"])}
    rows = dict(reversed(rows.items()))  # In order; the first of two with one name.
    ours = [rows[short(name)] for name in options.ours.split(",")]
    found = rows[short(options.found)]
    others = [row for row in rows.values() if row not in ours]
    peers = [row for row in others if not row["model"].endswith(".json")]
    known = [row for row in peers if row["test_top1"] is not None]
    tables = comparison([*others, *ours]), claims(found, peers), matched(ours, known)
    for part in (*tables, scaled(found, known)):
        print("\n".join(part), end="\n\n")
    if options.plots:
        for cost, (file, words) in COSTS.items():
            across = f"latency {words}, as a multiple of {content['reference']}'s (one thread)"
            points = [_point(row, row in ours, cost, found) for row in [*known, *ours] if row[cost]]
            write_scatter(
                options.plots / f"top1_latency_{file}.svg", points, across, "test top-1, %"
            )


def _options() -> argparse.Namespace:
    parser = parser_for(__doc__)
    parser.add_argument("comparison", type=Path)
    parser.add_argument("--ours", required=True, help="comma-separated names of our networks")
    parser.add_argument("--found", required=True, help="network that the campaign exported")
    parser.add_argument("--plots", type=Path, help="folder of the two plots")
    return parser.parse_args()


def short(model: str) -> str:
    """Return the name of a network: that of a genome file, or of the network of a set-up."""
    return Path(model).stem if model.endswith(".json") else model.removesuffix(SMALL_IMAGES)


def comparison(rows: Sequence[Row]) -> list[str]:
    """Return the table of all measurements."""
    return [*heading(HEADS), *map(_line, rows)]


def _line(row: Row) -> str:
    slow, slower = row["host_interval"]
    cells = [
        short(row["model"]),
        f"{row['image_size']} px",
        _top1(row),
        f"{row['params'] / 1e6:.3f} M",
        f"{row['macs'] / 1e6:.2f} M",
        f"{row['netscore']:.2f}" if row["netscore"] else "-",
        f"{row['host_ms']:.3f}",
        f"{row['host_ratio']:.3f} ({slow:.3f} to {slower:.3f})",
        f"{row['a72_ms']:.2f}" if row["a72_ms"] else "-",
        f"{row['a72_ratio']:.3f}" if row["a72_ms"] else "-",
        f"{row['int8_bytes'] / 1e3:.0f} kB" if row["int8_bytes"] else "-",
        f"{row['int8_top1']:.2f}" if row["int8_bytes"] else "-",
        f"{row['shift_consistency']:.2f}" if row["shift_consistency"] else "-",
    ]
    return markdown(cells)


def _top1(row: Row) -> str:
    if row["test_top1"] is None:
        return "not trained"
    low, high = row["test_interval"]
    return f"{row['test_top1']:.2f} ({low:.2f} to {high:.2f})"


def claims(found: Row, others: Sequence[Row]) -> list[str]:
    """Compare the ratios of the paper with those of the found network."""
    lines = heading(
        ["against", "top-1", "faster here", "on a Cortex-A72", "the paper's, there", "reached"]
    )
    for row in others:
        if short(row["model"]) in PAPER:
            lines.append(_claim(found, row))
    large = next(row for row in others if short(row["model"]) == "timm:mobilenetv3_large_100")
    smaller = large["params"] / found["params"]
    lines.append(f"\n{smaller:.1f} times as small as MobileNetV3-L (the paper's: {SMALLER})")
    return lines


def _claim(found: Row, other: Row) -> str:
    words, wanted = PAPER[short(other["model"])]
    here = other["host_ratio"] / found["host_ratio"]  # Both relative to one reference.
    there = other["a72_ms"] / found["a72_ms"] if other["a72_ms"] else None
    gain = None if other["test_top1"] is None else found["test_top1"] - other["test_top1"]
    fast = here >= wanted and (there is None or there >= wanted)
    reached = "unknown" if gain is None else "yes" if fast and gain >= 0 else "no"
    cells = [short(other["model"]), "-" if gain is None else f"{gain:+.2f}", f"{here:.2f}"]
    cells += ["not expressible" if there is None else f"{there:.2f}", words]
    return markdown([*cells, reached])


def matched(ours: Sequence[Row], others: Sequence[Row]) -> list[str]:
    """Return how much faster our curve is at the top-1 of each other network."""
    lines = heading(
        ["against", "its top-1", "faster here", "on a Cortex-A72", "the paper's", "reached"]
    )
    for row in others:
        ratios = [_ratio(ours, row, cost) for cost in COSTS]
        words, wanted = PAPER.get(short(row["model"]), ("-", None))
        told = [f"{ratio[0]}{ratio[1]:.2f}" if ratio else "-" for ratio in ratios]
        cells = [short(row["model"]), f"{row['test_top1']:.2f}", *told, words]
        measured = [ratio[1] for ratio in ratios if ratio]
        reached = wanted is not None and bool(measured) and min(measured) >= wanted
        cells.append("-" if wanted is None else "yes" if reached else "no")
        lines.append(markdown(cells))
    return lines


def scaled(found: Row, others: Sequence[Row]) -> list[str]:
    """Return how much faster `found` is than families of other networks at its own top-1."""
    lines = heading(["against the line of", "members", "faster here", "on a Cortex-A72"])
    for name in dict.fromkeys(family(row) for row in others):
        members = [row for row in others if family(row) == name]
        if len(members) > 1:
            told = [_against(found, members, cost) for cost in COSTS]
            lines.append(markdown([name, f"{len(members)}", *told]))
    return lines


def family(row: Row) -> str:
    """Return the family of a peer, without sizes and widths: its name up to the underscore."""
    return re.split(r"[_+]", short(row["model"]).removeprefix("timm:"))[0]


def _against(found: Row, members: Sequence[Row], cost: str) -> str:
    read = _latency_at(members, cost, found["test_top1"])
    if read is None or found[cost] is None:
        return "-"
    faster, latency = read
    return f"{'at most ' if faster else ''}{latency / found[cost]:.2f}"


def _ratio(ours: Sequence[Row], other: Row, cost: str) -> tuple[str, float] | None:
    """Return the ratio of latencies, with `at least` if our fastest network is already better."""
    read = _latency_at(ours, cost, other["test_top1"]) if other[cost] is not None else None
    return ("at least " if read[0] else "", other[cost] / read[1]) if read else None


def _latency_at(line: Sequence[Row], cost: str, top1: float) -> tuple[bool, float] | None:
    """Read the latency at a top-1 off the line through the Pareto front of some networks.

    The flag is true if the fastest of them is already better; None if none is as good.
    """
    known = [(row[cost], row["test_top1"]) for row in line if row[cost] is not None]
    front = [p for p in sorted(known) if all(q[1] < p[1] for q in known if q[0] < p[0])]
    if front and front[0][1] >= top1:
        return True, front[0][0]
    for (fast, low), (slow, high) in pairwise(front):
        if low <= top1 <= high:
            share = (top1 - low) / (high - low)
            return False, exp(log(fast) + share * (log(slow) - log(fast)))
    return None


def _point(row: Row, ours: bool, cost: str, found: Row) -> Point:
    low, high = row["test_interval"]
    name = short(row["model"]).removeprefix("timm:").removeprefix("attendnext:")
    name = name.replace(short(found["model"]), "found", 1) if ours else name
    name = re.sub(r"_?resolution_(\d+)", r", \1 px", name.replace("_100", ""))
    name = name.replace("+width", " x ").replace("_", " ")
    return Point(name, row[cost], row["test_top1"], low, high, ours, "" if ours else family(row))


if __name__ == "__main__":
    main()
