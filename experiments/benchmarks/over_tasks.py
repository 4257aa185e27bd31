r"""Evaluations of one generator relative to another, over several tasks together.

    python -m experiments.benchmarks.over_tasks --others gp,tpe nb.json cb.json ns.json ns_gp.json

The files are written by `sample_efficiency.py --json`, one or more for each task. Runs of one task
with the same number saw the same permuted table, so each such pair gives a ratio of evaluations; a
run that missed its target counts as budget + 1.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import wilcoxon

from experiments.benchmarks.command_line import parser_for

Evaluations = dict[tuple[str, int], int]
"""By task and run number."""


def main() -> None:
    """Print the ratios over all tasks, then the pairs of each task."""
    parser = parser_for(__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--first", default="gensynth")
    parser.add_argument("--others", default="gp,tpe")
    options = parser.parse_args()
    contents = [json.loads(file.read_text()) for file in options.files]
    ours = evaluations(contents, options.first)
    for name in options.others.split(","):
        theirs = evaluations(contents, name)
        pairs = sorted(ours.keys() & theirs.keys())
        print(f"all tasks, {name}: {_told([(ours[p], theirs[p]) for p in pairs])}")
        for task in dict.fromkeys(task for task, _ in pairs):
            chosen = [(ours[p], theirs[p]) for p in pairs if p[0] == task]
            print(f"  {task}: {_told(chosen)}")


def evaluations(contents: Sequence[Any], generator: str) -> Evaluations:
    """Return the number of evaluations of each run of a generator."""
    return {
        (_name(content["task"]), run["number"]): run["reached"] or content["task"]["budget"] + 1
        for content in contents
        for run in content["runs"]
        if run["generator"] == generator
    }


def _name(task: Any) -> str:
    words = [Path(task["table"]).stem, task["target"], task["score"] or task["maximize"]]
    return " ".join([*words, *task["enforce"]])


def _told(pairs: Sequence[tuple[int, int]]) -> str:
    ours, theirs = np.array(pairs, dtype=float).T
    ratios = np.log(ours / theirs)
    chance = wilcoxon(ratios, zero_method="zsplit").pvalue
    return (
        f"{np.exp(ratios.mean()):.2f} of its evaluations (geometric mean of {len(pairs)} runs, "
        f"p = {chance:.1g}); medians {np.median(ours):g} and {np.median(theirs):g}, "
        f"means {ours.mean():.0f} and {theirs.mean():.0f}"
    )


if __name__ == "__main__":
    main()
