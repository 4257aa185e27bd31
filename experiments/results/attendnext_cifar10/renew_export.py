r"""Write an export of an earlier version anew, with the preprocessing that it was trained with.

    python -m experiments.results.attendnext_cifar10.renew_export \
        experiments/results/attendnext_cifar10/found --to network \
        --data CIFAR10_FOLDER --image-size 64 --format onnx,int8

Exports of that time did not state that pictures are decoded to `--image-size` before they become
the network's input. The weights stay as they are. The new folder's own `predict.py` classifies the
test pictures, and nothing is written if its top-1 differs from the card's by more than 0.1 points.
"""

import re
import sys
from pathlib import Path

from safetensors.torch import load_file

from experiments.benchmarks.command_line import parser_for
from experiments.results.attendnext_cifar10.check_card import stated_top1
from gensynth.data.open import open_data
from gensynth.data.sets import DataSettings
from gensynth.exports.agreement import Extras
from gensynth.exports.card_words import evaluation_section, percent
from gensynth.exports.export_folder import ExportError, write_folder
from gensynth.exports.hub_files import Images
from gensynth.exports.verified_top1 import tested
from gensynth.formats import formats
from gensynth.formats.real_inputs import of_data
from gensynth.models.by_name import read_genome
from gensynth.models.exported import EXPORTED_WEIGHTS
from gensynth.prediction.evaluation import Evaluation


def main() -> None:
    """Write the folder."""
    parser = parser_for(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--image-size", type=int, default=64)
    parser.add_argument("--validation-share", type=float, default=0.05)
    parser.add_argument("--format", default="torch")
    options = parser.parse_args()
    settings = DataSettings(
        str(options.data.resolve()),
        options.image_size,
        validation_share=options.validation_share,
        chain="two_resizes",
    )
    try:
        renew(options.folder, options.to, settings, options.format.split(","))
    except ExportError as error:
        sys.exit(f"{options.folder}: not written: {error}")


def renew(folder: Path, to: Path, settings: DataSettings, names: list[str]) -> None:
    """Write `folder` anew as `to`, in the formats called `names`, and print how these agree."""
    data = open_data(settings)
    found = read_genome(folder / "genome.json", data.task)
    size = found.source.input_shape[1:]

    def card(evaluation: Evaluation) -> str:
        return renewed_card((folder / "card.md").read_text(encoding="utf-8"), evaluation)

    inputs = of_data(data, "cifar10", "test", size, trained=True)
    check = write_folder(
        to,
        found.space,
        found.source,
        load_file(folder / EXPORTED_WEIGHTS),
        found.genome_json,
        replace=to.exists(),
        extras=Extras(formats(names), inputs),
        images=Images(data.preprocessing(size), data.class_names),
        tested=tested(settings, data, size, stated_top1(folder), card),
    )
    for agreement in check.agreements:
        print(agreement)
    print(f"{to}: {percent(stated_top1(to))} on the card")


def renewed_card(card: str, found: Evaluation) -> str:
    """Return an earlier card, with the figures of the folder itself and without its last parts."""
    head = card.partition("\n## Loading")[0].partition("\n## The test split")[0].rstrip()
    low, high = found.interval
    row = f"| Test top-1 | {found.top1:.2f} % on {found.images:,} images (95 % interval "
    head = re.sub(r"\| Test top-1 \|.*", f"{row}{low:.2f} to {high:.2f} %) |", head)
    return "\n".join([head, "", *evaluation_section(found), ""])


if __name__ == "__main__":
    main()
