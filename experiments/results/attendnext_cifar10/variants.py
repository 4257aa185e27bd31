r"""Genome files of one network with one change each, for ablations and curves.

    python -m experiments.results.attendnext_cifar10.variants \
        experiments/results/attendnext_cifar10/found.json --to runs/record/variants

`without_dcac` replaces attention by plain residual blocks, `with_dcac` adds the DC-AC of the
paper's text to every stage, `one_column` uses dense convolutions of as many channels, and `aliased`
replaces blurred downsampling by strided 3x3 convolutions (the paper's DC-AC condenses, so such
stages lose their attention too: compare with `without_dcac`). `half` and `double` scale the widths;
`resolution_32` and so on use other sizes of a 64-pixel image.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from experiments.benchmarks.command_line import parser_for
from gensynth.genome import from_json, to_json
from search_spaces.attendnext import AttendNeXt
from search_spaces.attendnext.genome import AttendNeXtGenome, AttendNeXtStage

Change = Callable[[AttendNeXtGenome], AttendNeXtGenome]


def each_stage(change: Callable[[AttendNeXtStage], AttendNeXtStage]) -> Change:
    """Change every stage of a genome alike."""
    return lambda genome: replace(genome, stages=tuple(map(change, genome.stages)))


def plain(stage: AttendNeXtStage) -> AttendNeXtStage:
    """Remove the attention; downsample a condensed map by Rect-2 instead."""
    return replace(stage, attention="none", place="first", condense=1, pool="max_blur")


def attending(stage: AttendNeXtStage) -> AttendNeXtStage:
    """Add the DC-AC of the paper's text."""
    return stage if stage.attention == "text" else replace(stage, attention="text")


def aliased(stage: AttendNeXtStage) -> AttendNeXtStage:
    """Subsample without a filter."""
    stage = plain(stage) if stage.attention == "text" else stage
    return replace(stage, down="strided_3x3")


def one_column(stage: AttendNeXtStage) -> AttendNeXtStage:
    """Merge the channels of all columns into one column."""
    whole = stage.columns * stage.width
    return replace(stage, columns=1, width=whole, mix="same", interaction="none")


def scaled(share: float) -> Change:
    """Scale every width, including the stem's."""

    def change(genome: AttendNeXtGenome) -> AttendNeXtGenome:
        stages = tuple(
            replace(stage, width=max(2, round(stage.width * share))) for stage in genome.stages
        )
        stem = replace(genome.stem, width=max(2, round(genome.stem.width * share)))
        return replace(genome, stem=stem, stages=stages)

    return change


def at_resolution(share: float) -> Change:
    """Use the image at another share of its size."""
    return lambda genome: replace(genome, resolution=share)


CHANGES: Mapping[str, Change] = {
    "without_dcac": each_stage(plain),
    "with_dcac": each_stage(attending),
    "one_column": each_stage(one_column),
    "aliased": each_stage(aliased),
    "half": scaled(0.5),
    "double": scaled(2.0),
    "resolution_32": at_resolution(0.5),
    "resolution_48": at_resolution(0.75),
    "resolution_64": at_resolution(1.0),
}


def main() -> None:
    """Write the variants that differ from the network itself."""
    parser = parser_for(__doc__)
    parser.add_argument("genome", type=Path)
    parser.add_argument("--to", type=Path, required=True)
    options = parser.parse_args()
    space = AttendNeXt()
    text = options.genome.read_text(encoding="utf-8")
    genome = from_json(AttendNeXtGenome, text, space.version, str(options.genome))
    options.to.mkdir(parents=True, exist_ok=True)
    for name, change in CHANGES.items():
        changed = change(genome)
        if changed != genome:
            file = options.to / f"{options.genome.stem}_{name}.json"
            file.write_text(to_json(changed, "attendnext", space.version) + "\n", encoding="utf-8")
            print(file)


if __name__ == "__main__":
    main()
