"""Where the seconds of a search go, from the key press to the prompt, that are not training.

    python -m experiments.benchmarks.wasted_seconds
    python -m experiments.benchmarks.wasted_seconds --executor inline --trials 4
    python -m experiments.benchmarks.wasted_seconds --commands --folder runs/digits

Runs `gensynth search` in a process of its own, as a user does, and prints the wall-clock seconds,
the share of them in which no worker trained, and what the main thread of the driver did meanwhile:
the seconds spent inside each stage, the stages within it left out. A stage of the driver costs no
time by itself while all workers train. With `--commands`, times `--help` and `show` instead.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any

from experiments.benchmarks.command_line import parser_for
from gensynth.evaluation.outcome import Outcome
from gensynth.process import usable_cores

STAGES = {
    "open the record and the data": "gensynth.campaign.campaign_folder:make_context",
    "look ahead": "gensynth.api.running:look",
    "start Ray": "gensynth.executors.ray.cluster:_started",
    "propose": "gensynth.campaign.campaign:CampaignDriver._propose",
    "describe": "gensynth.evaluation.evaluator:Evaluator.described",
    "record": "gensynth.record.ledger:Ledger.close",
    "start a job": "gensynth.record.ledger:Ledger.start",
    "export": "gensynth.api.running:publish",
    "report": "gensynth.api.running:write_page",
    "live view": "gensynth.report.live:status_of",
    "wait for workers": "gensynth.executors.ray.exchange:Exchange.messages",
    "train": "gensynth.executors.inline:attempt_together",
}
"""What is timed, as `module:function`, by name."""
CHILD = "--inside"
"""Marks the process that searches."""


def main() -> None:
    """Print the table, or the times of the commands."""
    options = _options()
    if options.inside:
        _search(options)
    elif options.commands:
        _commands(options.folder)
    else:
        _profile(options)


def _options() -> argparse.Namespace:
    parser = parser_for(__doc__)
    parser.add_argument("--executor", choices=("ray", "inline"), default="ray")
    parser.add_argument("--trials", type=int, default=None)
    parser.add_argument("--commands", action="store_true")
    parser.add_argument("--folder", type=Path, help="a finished campaign, for `show`")
    parser.add_argument("--inside", type=Path, help="used by this script itself")
    return parser.parse_args()


def _profile(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="gensynth-waste-") as folder:
        words = [sys.executable, "-m", "experiments.benchmarks.wasted_seconds", CHILD, folder]
        words += ["--executor", options.executor]
        words += [] if options.trials is None else ["--trials", str(options.trials)]
        began = time.perf_counter()
        subprocess.run(words, check=True)
        total = time.perf_counter() - began
        found = json.loads((Path(folder) / "stages.json").read_text(encoding="utf-8"))
    trained = found.pop("trained")
    workers = found.pop("workers")
    print(f"{total:.1f} s from the key press to the prompt; {workers} workers")
    print(f"not training: {max(0.0, 1 - trained / total):.1%}")
    for name, seconds in sorted(found.items(), key=lambda item: -item[1]):
        print(f"  {name}: {seconds:.2f} s ({seconds / total:.1%})")


def _search(options: argparse.Namespace) -> None:
    """Search in this process with every stage timed, and leave the times in a file."""
    began = time.perf_counter()
    import gensynth

    gensynth.search  # noqa: B018 - imports what the command imports
    clock = Stages()
    clock.add("import", time.perf_counter() - began)
    for name, target in STAGES.items():
        clock.watch(name, target)
    campaign = gensynth.search(
        executor=options.executor, trials=options.trials, out=options.inside / "run"
    )
    rows = [o for o in campaign.outcomes if o.attempt > 0]
    workers = 1 if options.executor == "inline" else usable_cores()
    found = clock.own | {"trained": trained_s(rows, workers), "workers": workers}
    (options.inside / "stages.json").write_text(json.dumps(found), encoding="utf-8")


def trained_s(rows: Sequence[Outcome], workers: int) -> float:
    """Return the seconds of all trainings, shared by the workers; the last one has a single one."""
    shared = sum(row.seconds for row in rows if row.purpose != "export")
    return shared / workers + sum(row.seconds for row in rows if row.purpose == "export")


class Stages:
    """The seconds of each stage, without those of the stages inside it."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.own: dict[str, float] = defaultdict(float)
        self._inside: list[float] = []

    def add(self, name: str, seconds: float) -> None:
        """Count seconds of a stage."""
        self.own[name] += seconds

    def watch(self, name: str, target: str) -> None:
        """Time a function from now on; one that does not exist is left out."""
        module, _, path = target.partition(":")
        *owners, last = path.split(".")
        home: Any = import_module(module)
        for owner in owners:
            home = getattr(home, owner)
        if hasattr(home, last):
            setattr(home, last, self._timed(name, getattr(home, last)))

    def _timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter()
            self._inside.append(0.0)
            try:
                return function(*args, **kwargs)
            finally:
                seconds = time.perf_counter() - began
                self.own[name] += seconds - self._inside.pop()
                if self._inside:
                    self._inside[-1] += seconds

        return timed


def _commands(folder: Path | None) -> None:
    """Print the least of five wall-clock times of `--help`, and of `show` of a campaign."""
    commands = [["--help"], *([["show", str(folder)]] if folder else [])]
    for words in commands:
        times = []
        for _ in range(5):
            began = time.perf_counter()
            subprocess.run([sys.executable, "-m", "gensynth", *words], capture_output=True)
            times.append(time.perf_counter() - began)
        print(f"gensynth {words[0]}: {min(times):.2f} s")


if __name__ == "__main__":
    main()
