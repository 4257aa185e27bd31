import numpy as np
import pytest
import torch

from gensynth.data.stored_pictures import Original
from gensynth.errors import InputError
from gensynth.prediction.classifier import Classifier
from gensynth.prediction.evaluation import evaluated


def grey(level: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.full((1, 2, 2), level, dtype=np.uint8)


def by_level() -> Classifier:
    """A classifier of dark, grey and light by the mean; its output has three classes."""

    def prepare(file: object) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        from PIL import Image

        return np.asarray(Image.open(file), dtype=np.float32)[None]  # type: ignore[arg-type]

    def run(images: torch.Tensor) -> torch.Tensor:
        level = images.mean((1, 2, 3))
        return -torch.stack([(level - middle).abs() for middle in (0, 100, 200)], 1) / 10

    return Classifier("by level", prepare, run, ("dark", "grey", "light"))


def pictures(*levels: tuple[int, int]) -> list[Original]:
    return [
        Original(f"{k}.png", label, embedded=grey(level)) for k, (label, level) in enumerate(levels)
    ]


def test_figures_of_each_class_and_the_most_confident_mistakes() -> None:
    names = ("light", "dark", "unknown")  # In another order than the network's.
    shown = pictures((0, 200), (0, 190), (0, 90), (1, 10), (1, 195), (2, 10))
    found = evaluated(by_level(), shown, names, "greys")
    assert found.confusion == ((1, 0, 1), (0, 0, 0), (0, 1, 2))
    assert found.images == 5 and found.top1 == pytest.approx(60)
    assert found.lacking == ("unknown",)
    assert found.commonest[0] == "light" and found.commonest[1] == pytest.approx(60)
    assert found.balanced_accuracy == pytest.approx((50 + 200 / 3) / 2)
    dark, middle, light = found.per_class
    assert (dark.images, dark.sensitivity, dark.precision) == (2, 50, 100)
    assert (middle.images, middle.sensitivity, middle.precision) == (0, None, 0)
    assert light.precision == pytest.approx(200 / 3)
    assert [one.name for one in found.mistakes] == ["4.png", "2.png"]
    assert (found.mistakes[0].truth, found.mistakes[0].predicted) == ("dark", "light")


def test_pictures_that_cannot_be_read_are_named_and_not_counted() -> None:
    shown = [*pictures((0, 0)), Original("gone.png", 1, "/nowhere/gone.png")]
    found = evaluated(by_level(), shown, ("dark", "light"), "greys")
    assert found.images == 1 and found.unreadable == ("gone.png: no such file",)
    with pytest.raises(InputError, match="none of its 1 pictures can be read"):
        evaluated(by_level(), shown[1:], ("dark", "light"), "greys")
    told = r"have none of the classes of by level \(dark, grey, light\), but cat, dog"
    with pytest.raises(InputError, match=told):
        evaluated(by_level(), shown, ("cat", "dog"), "greys")
