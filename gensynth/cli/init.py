"""`gensynth init`: write an experiment file with comments, to be changed and then searched."""

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

import gensynth
from gensynth.cli.options import ClassLevel, Images, ResizedTo, Short
from gensynth.cli.search import NamedExecutor, NamedGenerator, NamedScore, Seed, Trials
from gensynth.report.terminal import console


def init(
    file: Annotated[Path, typer.Argument(metavar="[FILE.toml]", help="File to write.")] = Path(
        "experiment.toml"
    ),
    data: Images = None,
    image_size: ResizedTo = None,
    class_level: ClassLevel = None,
    trials: Trials = None,
    score: NamedScore = None,
    generator: NamedGenerator = None,
    executor: NamedExecutor = None,
    seed: Seed = None,
    short: Short = {},  # noqa: B006 - never changed
) -> None:
    """Write an experiment file with comments: what `search` does with the same options.

    Change what you like in it. Limits that no option asks for stand in it as comments.
    """
    given: dict[str, Any] = {
        "data": data,
        "image_size": image_size,
        "class_level": class_level,
        "trials": trials,
        "score": score,
        "generator": generator,
        "executor": executor,
        "seed": seed,
    }
    written = gensynth.new_experiment(file, **given, **short)
    name = escape(shlex.quote(str(written)))
    for line in (
        f"written: {escape(str(written))}",
        f"check it: gensynth preflight {name}",
        f"search: gensynth search {name}",
    ):
        console().print(line, highlight=False, soft_wrap=True)
