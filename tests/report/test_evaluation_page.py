"""The mistakes on the page of an evaluation are shown as the network has seen them."""

import io
import re
from base64 import b64decode
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gensynth.prediction.evaluation import Evaluation, Mistake
from gensynth.report.evaluation_page import SIDE, write_evaluation_page

TALL = (SIDE, SIDE // 2)


def drawn(kind: str) -> Image.Image:
    """A picture twice as high as wide, black above and white below."""
    levels = np.zeros((400, 200), dtype=np.uint8)
    levels[200:] = 255
    if kind == "deep":  # Twelve of 16 bits.
        return Image.fromarray(levels.astype("uint16") * 16)
    if kind == "transparent":
        image = Image.new("RGBA", (200, 400), (0, 0, 0, 255))
        image.putalpha(Image.fromarray(255 - levels))
        return image
    return Image.fromarray(levels)


@pytest.mark.parametrize("kind", ["plain", "deep", "transparent"])
def test_a_mistake_is_shown_whole_and_with_its_levels(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "x.png"
    drawn(kind).save(file)
    mistakes = tuple(
        Mistake(Path(path).name, path, "a<b>", "b", 0.9)
        for path in (str(file), str(tmp_path / "gone.png"))
    )
    found = Evaluation("net", "images", ("a<b>", "b"), ((1, 1), (0, 2)), mistakes)
    write_evaluation_page(found, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    (data,) = re.findall(r'src="data:image/png;base64,([^"]+)"', text)
    shown = np.asarray(Image.open(io.BytesIO(b64decode(data))))
    assert shown.shape == (*TALL, 3) and "gone.png" in text and "a<b>" not in text
    assert shown[: SIDE // 4].max() < 5 and shown[-SIDE // 4 :].min() > 250
