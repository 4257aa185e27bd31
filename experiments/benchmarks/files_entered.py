r"""How many of the project's files must a reader open to follow one flow through the code?

    python -m experiments.benchmarks.files_entered
    python -m experiments.benchmarks.files_entered --list candidate export

A profiler notes every file in which a function is entered; module and class bodies, which run when
a module is imported, do not count. The first figure of a flow counts the engine (`gensynth/`)
without the dispatcher of the command line, the second one all files of the project: the engine, the
search spaces, the constraints and the devices.

- candidate: from `ask` to `tell` of one search training in an inline campaign on digits, once the
  generator has learned from six others.
- verdict: from a TOML file with one constraint to its verdict on one network of the space.
- constraint: the same by `gensynth check`, which takes any network, traces it, and reports its
  columns and reductions too.
- data: from an image folder, not yet cached, to the first batch of tensors.
- export: a preset in every format that needs no extra, compared on digits, by `gensynth export`.
- definition: a preset as a PyTorch definition and its weights alone, by `gensynth export`.
"""

import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

from experiments.benchmarks.command_line import parser_for

ROOT = Path(__file__).parents[2]
FOLDERS = ("gensynth", "search_spaces", "constraints", "devices")
DISPATCHER = {"gensynth/cli/__init__.py", "gensynth/cli/app.py"}
CO_OPTIMIZED = 0x1
"""Flag of a code object that belongs to a function, not to a module or a class body."""
LEARNED = 6
"""Search trainings before the one that is profiled."""


class Entered:
    """Collects the files, relative to the root, in which a function is entered."""

    def __init__(self) -> None:
        """Start without any file."""
        self.files: set[str] = set()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Profile this thread, and those started meanwhile, until the block ends."""
        threading.setprofile(self._note)
        sys.setprofile(self._note)
        try:
            yield
        finally:
            sys.setprofile(None)
            threading.setprofile(None)

    def _note(self, frame: FrameType, event: str, argument: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_flags & CO_OPTIMIZED:
            path = Path(code.co_filename)
            if path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] in FOLDERS:
                self.files.add(path.relative_to(ROOT).as_posix())


def candidate(place: Path, entered: Entered) -> None:
    """Search on digits, and profile one training from `ask` to `tell`."""
    from gensynth.campaign.campaign_folder import driving
    from gensynth.campaign.experiment import embedded_experiment
    from gensynth.training.attempt import attempt
    from gensynth.training.job import Job

    digits = embedded_experiment("digits")
    short = replace(digits, executor="inline", trials=20, proxy=replace(digits.proxy, epochs=3))
    with driving(place / "campaign", short, None) as campaign:

        def step() -> str:
            job = campaign.ask()
            if not isinstance(job, Job):
                raise SystemExit("candidate: the campaign ended before enough trainings")
            campaign.tell(job, attempt(job, lambda measured: campaign.report(job, measured)))
            return job.purpose

        done = 0
        while done < LEARNED:
            done += step() == "search"
        with entered.watching():
            step()


def verdict(place: Path, entered: Entered) -> None:
    """Judge a network of the space by an experiment that has one constraint."""
    from gensynth.campaign.experiment import read_experiment
    from gensynth.evaluation.evaluator import Evaluator
    from gensynth.space import Task

    file = _one_constraint(place)
    with entered.watching():
        one = read_experiment(file)
        space, rules, score = one.make_space(), one.make_indicator(), one.make_score()
        evaluator = Evaluator(space, Task(3, 32, 32, 10), rules, score)
        described = evaluator.described(space.presets["tiny"])
        evaluator.judge_untrained(described.candidate)


def constraint(place: Path, entered: Entered) -> None:
    """Judge a preset by an experiment that has one constraint, on the command line."""
    words = ["check", "attendnext:tiny", "--experiment", str(_one_constraint(place))]
    _command([*words, "--image-size", "32"], entered)


def _one_constraint(place: Path) -> Path:
    file = place / "experiment.toml"
    file.write_text(
        'name = "one"\nspace = "attendnext"\n[constraints.max_params]\nlimit = 100000\n'
    )
    return file


def data(place: Path, entered: Entered) -> None:
    """Open an image folder and make the first training batch."""
    import numpy as np
    import torch
    from PIL import Image

    from gensynth.data.batches import Batches
    from gensynth.data.open import open_data
    from gensynth.data.sets import DataSettings

    rng = np.random.default_rng(0)
    for folder in (f"{split}/{name}" for split in ("train", "val") for name in "ab"):
        (place / folder).mkdir(parents=True)
        for number in range(20):
            pixels = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(place / folder / f"{number}.png")
    with entered.watching():
        images, cpu = open_data(DataSettings(str(place))), torch.device("cpu")
        batches = Batches(images, ("train",), (16, 16), cpu, torch.contiguous_format)
        next(iter(batches.in_order(4)))


def export(place: Path, entered: Entered) -> None:
    """Export a preset in four formats, compared on images of digits."""
    shape = "--image-size", "8", "--channels", "1", "--classes", "10"
    words = "export", "attendnext:tiny", "--format", "torch,onnx,pt2,int8", "--data", "digits"
    _command([*words, *shape, "--to", str(place / "network")], entered)


def definition(place: Path, entered: Entered) -> None:
    """Export a preset as PyTorch source."""
    _command(["export", "attendnext:tiny", "--to", str(place / "network")], entered)


def _command(words: list[str], entered: Entered) -> None:
    from gensynth.cli import main

    with redirect_stdout(sys.stderr), entered.watching():
        try:
            main(words)
        except SystemExit as ended:
            if ended.code:
                raise


FLOWS: dict[str, Callable[[Path, Entered], None]] = {
    flow.__name__: flow for flow in (candidate, verdict, constraint, data, export, definition)
}


def main() -> None:
    """Print how many files each flow enters, and with `--list` which."""
    parser = parser_for(__doc__)
    parser.add_argument("flows", nargs="*", metavar="FLOW", help=f"default: {', '.join(FLOWS)}")
    parser.add_argument("--list", action="store_true", help="print the files too")
    options = parser.parse_args()
    if unknown := set(options.flows) - set(FLOWS):
        parser.error(f"unknown flow {min(unknown)!r}; expected {', '.join(FLOWS)}")
    for name in options.flows or FLOWS:
        entered = Entered()
        with tempfile.TemporaryDirectory(prefix="gensynth-files-") as place:
            os.environ["XDG_CACHE_HOME"] = f"{place}/cache"
            (flow := Path(place) / "flow").mkdir()
            FLOWS[name](flow, entered)
        engine = [file for file in entered.files if file.startswith("gensynth/")]
        counted = len(set(engine) - DISPATCHER)
        print(f"{name}: {counted} files of the engine, {len(entered.files)} of the project")
        for file in sorted(entered.files) if options.list else ():
            print(f"  {file}")


if __name__ == "__main__":
    main()
