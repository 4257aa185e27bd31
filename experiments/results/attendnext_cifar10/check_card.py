r"""Does the exported network of the campaign of record reach the top-1 stated on its card?

    python -m experiments.results.attendnext_cifar10.check_card \
        experiments/results/attendnext_cifar10/network \
        --data CIFAR10_FOLDER --image-size 64

Loads the exported folder without the campaign and classifies the test images, decoded at `--image-
size` and normalised as in the training (the mean depends on `--validation-share`). Exits with 1 if
the top-1 differs from the stated one.
"""

import re
import sys
from pathlib import Path

import torch

from experiments.benchmarks.command_line import parser_for
from gensynth.data.batches import Batches
from gensynth.data.open import open_data
from gensynth.data.sets import DataSettings
from gensynth.models.exported import input_shape, load_folder

SAME = 0.05
"""Points: rounding on another processor may change the class of five of 10,000 images."""


def main() -> None:
    """Measure and compare."""
    parser = parser_for(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--image-size", type=int, default=64)
    parser.add_argument("--validation-share", type=float, default=0.05)
    options = parser.parse_args()
    settings = DataSettings(
        str(options.data.resolve()),
        options.image_size,
        validation_share=options.validation_share,
    )
    stated = stated_top1(options.folder)
    measured = top1(options.folder, settings)
    print(f"stated {stated:.2f} %, measured {measured:.2f} %")
    sys.exit(abs(stated - measured) > SAME)


def stated_top1(folder: Path) -> float:
    """Return the test top-1 (percent) stated on the card."""
    found = re.search(r"Test top-1 \| ([\d.]+) %", (folder / "card.md").read_text(encoding="utf-8"))
    if found is None:
        raise SystemExit(f"{folder / 'card.md'}: states no test top-1")
    return float(found[1])


def top1(folder: Path, settings: DataSettings) -> float:
    """Return the top-1 (percent) of the exported network on the test images."""
    network, shape = load_folder(folder).eval(), input_shape(folder)
    assert shape is not None, "an export says what it takes"
    images = open_data(settings)
    cpu = torch.device("cpu")
    test = Batches(images, ("test",), (shape[1], shape[2]), cpu, torch.contiguous_format)
    right = 0
    with torch.inference_mode():
        for batch, labels in test.in_order(512):
            right += int((network(batch).argmax(1) == labels).sum())
    return 100 * right / len(test)


if __name__ == "__main__":
    main()
