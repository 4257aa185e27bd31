"""Kill a campaign at random moments, restart it until it ends, and count the damage.

    python -m experiments.benchmarks.crash --kills 50 --executor inline
    python -m experiments.benchmarks.crash --kills 50 --executor ray --storage postgresql

Half of the signals are SIGKILL, to the driver, to one of its workers, or to all of its processes; a
third are SIGTERM and a sixth SIGHUP, to the driver. They come while the campaign starts, trains,
exports or writes a file. At the end, each row is compared with what the driver was told.
`--grouped` trains two finalists three times each, every three trainings in the same steps.
`--storage postgresql` starts a private server (see postgres.py); any other value is used as a
database URL. The trainings are real but short: tiny networks on the digits. Exits with 1 if
anything was lost, doubled, altered, left running or left behind.
"""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import gensynth
from experiments.benchmarks.command_line import parser_for
from experiments.benchmarks.crash_audit import Audit, witness_of
from experiments.benchmarks.crash_scene import Moment, Scene, Target, begin
from experiments.benchmarks.crash_witness import bear_witness
from experiments.benchmarks.postgres import postgres
from gensynth.campaign.experiment import Experiment, parse_experiment

ROOT = Path(__file__).parents[2]
STEP = 4
"""Trainings by which a campaign that has ended is extended while kills are left."""
HARM = (
    "began again in spite of one",
    "lost",
    "doubled",
    "gaps in the numbers",
    "altered",
    "wrong exit codes",
    "left running",
    "files left behind",
)
"""Counts that must be 0 at the end."""
SIGNALS = (*3 * (signal.SIGKILL,), *2 * (signal.SIGTERM,), signal.SIGHUP)
"""Half, a third, and a sixth: each six kills are by these, in an order of chance."""
IMPORTED_ONCE = (
    "torch._dynamo",
    "torch._inductor",
    "optuna",
    "alembic.command",
    "sklearn.datasets",
    "scipy.stats",
    "gensynth.executors.inline",
    "gensynth.exports.publish",
    "gensynth.report.page",
)
"""Modules that the benchmark imports, so that its forked drivers start fast."""
USUAL: tuple[Moment, ...] = ("start", "training", "training", "write", "write", "export")


def main() -> None:
    """Run the benchmark and print its counts; exit with 1 if there was any harm."""
    options = _options()
    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ["PYTHONPATH"] = str(ROOT)  # Ray's workers import the space too.
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # Ray reads it when it is imported.
    for module in IMPORTED_ONCE:  # For all forked drivers.
        import_module(module)

    with tempfile.TemporaryDirectory(prefix="gensynth-crash-") as place, _storage(options) as url:
        os.environ["XDG_CACHE_HOME"] = place
        found = Benchmark(Path(place) / "campaign", url, options).run()
    print(json.dumps(found, indent=1))
    harm = any(found[name] for name in HARM)
    sys.exit(harm or found["outcomes"] != found["outcomes asked for"])


class Benchmark:
    """One campaign, killed again and again."""

    def __init__(self, folder: Path, storage: str | None, options: argparse.Namespace) -> None:
        """Begin with a new folder."""
        folder.mkdir()
        self.folder, self.storage, self.options = folder, storage, options
        self.wanted: int = options.kills
        self.rng = random.Random(options.seed)
        self.audit = Audit(folder, storage)
        self.kills: Counter[str] = Counter()
        self.signals: list[signal.Signals] = []
        """Those of the next kills, the next one last."""
        self.start_s = 2.0
        self.trials = STEP

    def run(self) -> dict[str, object]:
        """Kill as often as requested, let the campaign end, and count the damage."""
        start, runs = time.monotonic(), 0
        while True:
            scene = begin(partial(self._drive, self.trials), self.folder)
            runs += 1
            killed = self._kill(scene) if self._left() else scene.until(lambda: False)
            if killed:
                continue
            if scene.status != 0:
                raise RuntimeError(self.folder.with_suffix(".out").read_text()[-4000:])
            if not self._left():
                break
            self.trials += STEP
        found = self.audit.finish(self.trials)
        by = ", ".join(f"{n} {name}" for name, n in sorted(self.kills.items()))
        seconds = round(time.monotonic() - start)
        return {"kills": self.kills.total(), "by": by, "runs": runs, "seconds": seconds, **found}

    def _kill(self, scene: Scene) -> bool:
        """Kill this run's driver, perhaps after some workers; return False if it ended unharmed."""
        while self._left():
            target: Target = self.rng.choice(self._targets())
            moment: Moment = self.rng.choice(USUAL)
            if target == "worker" and moment == "start":
                moment = "training"
            if not scene.reach(moment, self.rng, self.start_s):
                return False
            self.signals = self.signals or self.rng.sample(SIGNALS, len(SIGNALS))
            number = self.signals[-1]
            if number != signal.SIGKILL:
                target = "driver"
            if not scene.kill(target, number):
                continue
            self.signals.pop()
            if scene.status not in (None, 0, -signal.SIGKILL, 128 + number) and moment != "start":
                self._tell_wrong_exit(scene, number)
            self._took_notice(target, moment, scene, number)
            if target != "worker":
                return True
        scene.until(lambda: False)
        return False

    def _tell_wrong_exit(self, scene: Scene, number: int) -> None:
        self.audit.problems["exit"] += 1
        said = self.folder.with_suffix(".out").read_text(encoding="utf-8")[-4000:]
        print(f"exit {scene.status} after signal {number}:\n{said}", file=sys.stderr, flush=True)

    def _took_notice(self, target: Target, moment: Moment, scene: Scene, number: int) -> None:
        word = "" if number == signal.SIGKILL else f" by {signal.Signals(number).name}"
        self.kills[f"{target}{word} ({moment})"] += 1
        self.audit.look_at_checkpoints()
        self.start_s = scene.start_s() or self.start_s
        if (
            target != "worker" and self.rng.random() < 0.5
        ):  # Otherwise the next driver reads it first.
            self.audit.look_at_record()
        print(f"kill {self.kills.total()}: {target} ({moment})", file=sys.stderr, flush=True)

    def _targets(self) -> tuple[Target, ...]:
        if self.options.executor == "inline":
            return ("driver", "group")
        # Workers are killed more often: a dead driver costs a whole start of Ray.
        return (*get_args(Target), "worker", "worker", "worker")

    def _left(self) -> bool:
        return self.kills.total() < self.wanted

    def _drive(self, trials: int) -> None:
        bear_witness(witness_of(self.folder))
        settings = replace(self._experiment(), trials=trials)
        gensynth.search(settings, out=self.folder, storage=self.storage, progress=False)

    def _experiment(self) -> Experiment:
        tables: dict[str, Any] = {
            "name": "crash",
            "space": "experiments.benchmarks.tiny_space:TinySpace",
            "generator": "random",
            "executor": self.options.executor,
            "folder": str(ROOT),
            "proxy": {"epochs": self.options.epochs},
            "constraints": {"max_params": {"limit": 1_000_000}},
            "stopping": {"rule": "none"},
            "finals": {"candidates": 1, "most": 1, "replicas": 1, "epochs_factor": 1.0},
            "resources": {"checkpoint_s": 0.0, "device": "cpu"},
        }
        if self.options.grouped:
            tables["finals"] = {"candidates": 2, "most": 2, "replicas": 3, "epochs_factor": 1.0}
            tables["resources"] |= {"grouping": "always"}
        return parse_experiment(tables, "crash.toml")


@contextmanager
def _storage(options: argparse.Namespace) -> Iterator[str | None]:
    if options.storage != "postgresql":
        yield options.storage
        return
    with postgres() as server:
        yield server.url


def _options() -> argparse.Namespace:
    parser = parser_for(__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--executor", choices=("inline", "ray"), default="inline")
    parser.add_argument("--storage", help="a database URL, or postgresql for a private server")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--grouped", action="store_true", help="finals in the same steps")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
