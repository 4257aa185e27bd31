"""One preprocessing: what training decodes is what an export and timm prepare."""

from dataclasses import replace
from importlib import import_module
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from gensynth.campaign.context import make_context
from gensynth.data.batches import Batches
from gensynth.data.open import open_data
from gensynth.data.picture import png
from gensynth.data.preprocessing import Preprocessing, decode, decoding, pixels_of, prepared
from gensynth.data.sets import DataSettings
from gensynth.models.timm_models import import_timm
from gensynth.space import Source
from tests.support.campaigns import experiment
from tests.support.trainings import write_pictures

HALVES = ((0.5,) * 3, (0.25,) * 3)


def file_of(image: Image.Image, kind: str = "PNG", **options: object) -> BytesIO:
    file = BytesIO()
    image.save(file, kind, **options)
    file.seek(0)
    return file


def noise(*shape: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))


@pytest.mark.parametrize("size", [(32, 32), (640, 480), (360, 640), (31, 47), (9, 5), (500, 20)])
def test_it_is_what_timm_prepares(size: tuple[int, int]) -> None:
    import_timm()
    create_transform = import_module("timm.data").create_transform
    mean, std = HALVES
    transform = create_transform(
        (3, 32, 32), interpolation="bilinear", crop_pct=1.0, mean=mean, std=std
    )
    picture, how = noise(*size, 3), Preprocessing(3, 32, 32, *HALVES)
    ours = torch.from_numpy(prepared(file_of(picture), how))
    assert (transform(picture) - ours).abs().max() < 1e-5


def test_a_picture_is_turned_upright_and_transparency_becomes_white() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    wide = noise(20, 30, 3)
    turned = decode(file_of(wide, exif=exif), Preprocessing(3, 30, 20))
    assert np.array_equal(turned, np.rot90(np.asarray(wide), 3))
    glyph = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    glyph.putpixel((1, 2), (0, 0, 0, 255))
    for picture in (glyph, glyph.convert("LA"), glyph.convert("PA")):
        kind = "TIFF" if picture.mode == "PA" else "PNG"
        pixels = decode(file_of(picture, kind), Preprocessing(1, 4, 4))[..., 0]
        assert pixels[2, 1] == 0 and (pixels == 255).sum() == 15


def test_the_chain_of_earlier_versions_is_kept() -> None:
    """Transparency is dropped, and a fractional box of the picture is sampled."""
    picture = noise(70, 91, 4)
    expected = ImageOps.fit(picture.convert("RGB"), (32, 32), Image.Resampling.BILINEAR)
    how = decoding("two_resizes", 3, 32, 32)
    assert np.array_equal(pixels_of(file_of(picture), how), np.asarray(expected))


def test_every_chain_is_prepared_alike_by_training_and_from_a_file() -> None:
    for chain in ("one_resize", "two_resizes"):
        data = open_data(DataSettings(chain=chain), size=(5, 6))
        batches = Batches(data, ("test",), (5, 6), torch.device("cpu"), torch.contiguous_format)
        twice = chain == "two_resizes"
        assert data.task.height == (8 if twice else 5)
        how = data.preprocessing((5, 6))
        assert (how.then, how.size) == ((5, 6) if twice else None, (5, 6))
        raw = open_data(DataSettings()).splits["test"].images[:20]
        ours = np.stack([prepared(png(image), how) for image in raw])
        assert np.allclose(batches.at(torch.arange(20))[0].numpy(), ours, atol=1e-5)


def test_sixteen_bits_are_scaled_by_the_range_of_the_data(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / "deep" / name).mkdir(parents=True)
        for number in range(6):
            values = (900 + rng.integers(0, 350, (8, 8))).astype("uint16")
            Image.fromarray(values).save(tmp_path / "deep" / name / f"{number}.png")
    settings = DataSettings(str(tmp_path / "deep"))
    found = open_data(settings, tmp_path / "cache")
    assert found.white > 1200 and found.splits["train"].images.max() == 255
    assert len(np.unique(found.splits["train"].images)) > 60
    before = open_data(replace(settings, chain="two_resizes"), tmp_path / "cache")
    assert len(np.unique(before.splits["train"].images)) == 2


def test_a_campaign_decodes_at_the_size_of_each_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record of an earlier one names no chain, and it keeps two resizes."""
    monkeypatch.setenv("GENSYNTH_CACHE", str(tmp_path / "cache"))
    write_pictures(tmp_path / "pictures", {"a": 8, "b": 8}, size=16)
    source = Source("tests.support.toy_blocks", {}, (1, 8, 8))
    new = make_context(experiment(data={"path": str(tmp_path / "pictures")}))
    assert new.experiment.data.chain == "one_resize"
    job = new.job(0, "search", source, tmp_path)
    assert job.data_fingerprint != new.data_fingerprint
    assert new.data_at((8, 8)).splits["train"].images.shape[2:] == (8, 8)
    assert new.stimuli is not None
    images = new.data_at((8, 8)).splits["train"].images
    assert len(new.stimuli.resized(8, 8).images) == len(images)
    old = make_context(
        experiment(data={"path": str(tmp_path / "pictures"), "chain": "two_resizes"})
    )
    assert old.data_fingerprint == new.data_fingerprint
    assert old.job(0, "search", source, tmp_path).data_fingerprint == old.data_fingerprint
