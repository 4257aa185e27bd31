"""Write docs/gallery.md and its drawings from the networks in experiments/results.

    python docs/build_gallery.py

`tests/docs/test_gallery.py` holds both equal to what this gives. Figures are those of the card that
each network was exported with.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from gensynth.graph.trace import trace
from gensynth.models.exported import PREDICT, input_shape, load_folder
from gensynth.report.html import drawing_svg

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "experiments" / "results"
PAGE = ROOT / "docs" / "gallery.md"
DRAWINGS = ROOT / "docs" / "gallery"
FIGURES = (
    "Parameters",
    "MACs",
    "Weight",
    "Peak",
    "Validation top-1",
    "Test top-1",
    "Latency",
    "Data",
    "Training",
)
"""Beginnings of the card's rows that the gallery shows, in the card's order."""
HEAD = """\
# Found networks

Networks that searches have found, with the figures of the cards that they were exported with. Made
by `python docs/build_gallery.py` from [experiments/results](../experiments/README.md), which tells
the commands and the hardware. Each folder holds code, weights and card; in a clone of the
repository, `gensynth train FOLDER --data YOUR_IMAGES` goes on from its weights."""


def main() -> None:
    """Write the page and the drawings."""
    DRAWINGS.mkdir(exist_ok=True)
    for path, text in gallery().items():
        path.write_text(text, encoding="utf-8")


def gallery() -> Mapping[Path, str]:
    """Return the text of each file."""
    files, parts = {}, [HEAD]
    for card in sorted(RESULTS.rglob("card.md")):
        folder = card.parent
        name = "_".join(folder.relative_to(RESULTS).parts).removesuffix("_network")
        files[DRAWINGS / f"{name}.svg"] = _drawing(folder)
        parts += _entry(name, folder, card.read_text(encoding="utf-8"))
    return {PAGE: "\n\n".join(parts) + "\n", **files}


def _entry(name: str, folder: Path, card: str) -> Iterator[str]:
    place = f"../{folder.relative_to(ROOT).as_posix()}"
    yield f"## {name}"
    yield f"![The network {name}, block by block](gallery/{name}.svg)"
    yield "\n".join(["| what | value |", "|---|---|", *_figures(card)])
    if kept := re.findall(r"^\| (\w+) \| enforce \| yes \|", card, re.MULTILINE):
        yield f"It keeps: {', '.join(f'`{rule}`' for rule in kept)}."
    others = (f"[{file.name}]({place}/{file.name})" for file in sorted(folder.glob("attend*.py")))
    links = ", ".join([f"[card]({place}/card.md)", *others])
    yield f"Folder `{place.removeprefix('../')}`: {links}."
    if (folder / PREDICT).exists():
        yield f"`gensynth predict {place.removeprefix('../')} PICTURE` classifies with it."


def _figures(card: str) -> Iterator[str]:
    for row in card.partition("\n## ")[0].splitlines():
        if row.startswith(tuple(f"| {figure}" for figure in FIGURES)):
            yield row


def _drawing(folder: Path) -> str:
    shape = input_shape(folder)
    if shape is None:
        raise SystemExit(f"{folder}: its config.json states no shape of the images")
    return drawing_svg(trace(load_folder(folder), shape)) + "\n"


if __name__ == "__main__":
    main()
