import hashlib
import os
import struct
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngImageFile

from gensynth.data import decoding_memory, picture
from gensynth.data.decoding_memory import SHARED, Memory
from gensynth.data.picture import CHUNK, PictureChanged, decode, in_parallel, inspect
from gensynth.data.preprocessing import Preprocessing, decoding, pixels_of, prepared
from gensynth.prediction.classifier import Classifier


def stored(path: Path, image: Image.Image, **options: object) -> str:
    image.save(path, **options)  # type: ignore[arg-type]
    return str(path)


def pixels(path: str, how: Preprocessing) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    decoded = decode(path, inspect(path).sha256, how)
    assert not isinstance(decoded, str), decoded
    return decoded


def test_look_sees_size_and_colour(tmp_path: Path) -> None:
    path = stored(tmp_path / "a.png", Image.new("RGB", (7, 5)))
    seen = inspect(path)
    assert (seen.size, seen.grey, seen.problem) == ((5, 7), False, "")
    assert seen.sha256 == hashlib.sha256(Path(path).read_bytes()).hexdigest()
    assert inspect(stored(tmp_path / "b.png", Image.new("L", (7, 5)))).grey


def test_decoding_keeps_pixels_of_the_right_size(tmp_path: Path) -> None:
    original = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    path = stored(tmp_path / "a.png", Image.fromarray(original))
    assert np.array_equal(pixels(path, Preprocessing(3, 5, 7)), original.transpose(2, 0, 1))


def test_another_size_is_scaled_and_cut_around_the_centre(tmp_path: Path) -> None:
    wide = np.zeros((10, 30), dtype=np.uint8)
    wide[:, 10:20] = 200
    path = stored(tmp_path / "wide.png", Image.fromarray(wide))
    centre = pixels(path, Preprocessing(1, 5, 5))
    assert centre.shape == (1, 5, 5)
    assert np.all(centre[:, :, 1:4] == 200)
    assert np.all(centre > 150)


def test_sixteen_bits_become_eight(tmp_path: Path) -> None:
    deep = np.array([[0, 256], [32768, 65535]], dtype=np.uint16)
    path = stored(tmp_path / "deep.png", Image.fromarray(deep))
    assert inspect(path).grey
    assert inspect(path).white == 65535
    assert pixels(path, Preprocessing(1, 2, 2)).tolist() == [[[0, 0], [127, 255]]]
    assert pixels(path, decoding("two_resizes", 1, 2, 2)).tolist() == [[[0, 1], [128, 255]]]


@pytest.mark.parametrize("kind", ["float32", "int32"])
def test_pixels_of_an_unknown_range_are_no_picture(kind: str, tmp_path: Path) -> None:
    path = stored(tmp_path / "a.tiff", Image.fromarray(np.ones((4, 4), dtype=kind)))
    assert "32-bit" in inspect(path).problem


def test_a_turned_photograph_stands_upright(tmp_path: Path) -> None:
    image = Image.fromarray(np.array([[10, 10, 200, 200]] * 2, dtype=np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    path = stored(tmp_path / "turned.png", image, exif=exif)
    assert inspect(path).size == (4, 2)
    assert pixels(path, Preprocessing(1, 4, 2))[0, :, 0].tolist() == [10, 10, 200, 200]


def test_palettes_and_transparency_become_plain_colours(tmp_path: Path) -> None:
    red = Image.new("RGBA", (3, 3), (250, 10, 20, 255))
    path = stored(tmp_path / "red.png", red.convert("P"))
    assert inspect(path).grey is False
    assert pixels(path, Preprocessing(3, 3, 3)).shape == (3, 3, 3)


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n" + bytes(64)])
def test_damage_is_put_into_words(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bad.png"
    path.write_bytes(data)
    seen = inspect(str(path))
    words = seen.problem or decode(str(path), seen.sha256, Preprocessing(1, 4, 4))
    assert isinstance(words, str)
    assert words
    assert "\n" not in words


def test_a_body_cut_off_is_found_by_decoding(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    path = Path(stored(tmp_path / "cut.jpg", Image.fromarray(noise)))
    path.write_bytes(path.read_bytes()[:-1000])
    seen = inspect(str(path))
    assert seen.problem == ""
    assert isinstance(decode(str(path), seen.sha256, Preprocessing(1, 64, 64)), str)


def test_a_file_that_changed_or_went_is_not_decoded(tmp_path: Path) -> None:
    path = stored(tmp_path / "a.png", Image.new("L", (4, 4)))
    with pytest.raises(PictureChanged):
        decode(path, "another", Preprocessing(1, 4, 4))
    sha256 = inspect(path).sha256
    Path(path).unlink()
    with pytest.raises(PictureChanged, match="No such file"):
        decode(path, sha256, Preprocessing(1, 4, 4))
    assert "No such file" in inspect(path).problem


def test_each_keeps_the_order() -> None:
    items = list(range(2 * CHUNK + 3))
    assert list(in_parallel(lambda item: item * 2, items)) == [2 * item for item in items]


HEIC = b"\0\0\0\x18ftypheic" + bytes(40)


def test_a_heic_picture_names_what_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture, "HAS_HEIF", False)
    for name in ("phone.HEIC", "renamed.jpg"):
        (tmp_path / name).write_bytes(HEIC)
        assert 'pip install "pillow-heif' in inspect(str(tmp_path / name)).problem


def test_a_heic_picture_is_read_where_pillow_heif_is_installed(tmp_path: Path) -> None:
    pytest.importorskip("pillow_heif")
    path = stored(tmp_path / "phone.heic", Image.new("RGB", (16, 16), (200, 10, 10)))
    assert abs(int(pixels(path, Preprocessing(3, 16, 16))[0, 8, 8]) - 200) < 4


def test_a_picture_too_large_for_memory_is_named_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding_memory, "MOST_PIXELS", 1_000)
    monkeypatch.setattr(decoding_memory, "MOST_PIXELS_16", 400)
    deep = Image.fromarray(np.zeros((21, 20), dtype=np.uint16))
    problem = inspect(stored(tmp_path / "deep.png", deep)).problem
    assert problem.startswith("has 20 x 21 pixels of 16 bits, more than 400")
    wide = inspect(stored(tmp_path / "wide.png", Image.new("RGB", (50, 21))))
    assert wide.problem.startswith("has 50 x 21 pixels, more than 1,000")
    assert not inspect(stored(tmp_path / "good.png", Image.new("L", (50, 20)))).problem


def test_a_picture_beyond_pillows_own_limit_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    problem = inspect(stored(tmp_path / "wide.png", Image.new("L", (50, 20)))).problem
    assert problem.startswith("has more than 134,217,728 pixels")


def test_pictures_are_inspected_and_decoded_within_shared_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = 2 * (64 * decoding_memory.BYTES_PER_PIXEL + 200)
    monkeypatch.setattr(decoding_memory, "MEMORY", Memory(two))
    paths = [stored(tmp_path / f"{n}.png", Image.new("L", (8, 8), n)) for n in range(8)]
    running: list[int] = [0]
    most: list[int] = [0]

    def watching(work: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any) -> Any:
            running[0] += 1
            most[0] = max(most[0], running[0])
            time.sleep(0.01)
            try:
                return work(*args)
            finally:
                running[0] -= 1

        return watched

    how = Preprocessing(1, 8, 8)
    with ThreadPoolExecutor(8) as pool:
        monkeypatch.setattr(picture, "_inspected", watching(picture._inspected))
        infos = list(pool.map(inspect, paths))
        assert most[0] == 2
        most[0] = 0
        monkeypatch.setattr(picture, "pixels_of", watching(pixels_of))
        decoded = list(pool.map(decode, paths, [info.sha256 for info in infos], [how] * 8))
    assert most[0] == 2
    assert [int(one[0, 0, 0]) for one in decoded if not isinstance(one, str)] == list(range(8))


def test_a_refused_picture_is_not_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding_memory, "MOST_PIXELS", 1_000)
    path = stored(tmp_path / "large.png", Image.new("L", (50, 21)))
    monkeypatch.setattr(PngImageFile, "load", None)  # It would be called to look for EXIF.
    assert inspect(path).problem.startswith("has 50 x 21 pixels")


def test_results_that_wait_are_fewer_if_they_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture, "usable_cores", lambda: 2)
    begun: list[int] = []

    def begin(item: int) -> int:
        begun.append(item)
        return item

    results = in_parallel(begin, range(50), SHARED // 5)
    assert next(results) == 0
    assert len(begun) <= 5
    assert list(results) == list(range(1, 50))


def test_16_bits_a_colour_are_refused_if_pillow_would_keep_almost_nothing(tmp_path: Path) -> None:
    faint, full = (png_of_16_bits(top) for top in (4_095, 65_535))
    (tmp_path / "faint.png").write_bytes(faint)
    (tmp_path / "full.png").write_bytes(full)
    assert "only 15 of 255 levels are used" in inspect(str(tmp_path / "faint.png")).problem
    assert not inspect(str(tmp_path / "full.png")).problem


def png_of_16_bits(top: int) -> bytes:
    """Write a PNG of 4 x 4 pixels with 16 bits for each of red, green and blue."""
    rows = b"".join(b"\0" + np.full(12, top, dtype=">u2").tobytes() for _ in range(4))
    head = struct.pack(">IIBBBBB", 4, 4, 16, 2, 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    whole = b"\x89PNG\r\n\x1a\n"
    for kind, data in parts:
        code = struct.pack(">I", zlib.crc32(kind + data))
        whole += struct.pack(">I", len(data)) + kind + data + code
    return whole


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_size_is_that_of_the_upright_picture(
    suffix: str, orientation: int, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (30, 20)).save(tmp_path / f"x.{suffix}", exif=exif)
    upright = (30, 20) if orientation >= 5 else (20, 30)
    assert inspect(str(tmp_path / f"x.{suffix}")).size == upright
    with Image.open(tmp_path / f"x.{suffix}") as opened:
        assert ImageOps.exif_transpose(opened).size == upright[::-1]


@pytest.mark.parametrize("channels", [3, 4])
def test_16_bits_a_colour_in_a_tiff_are_refused_likewise(channels: int, tmp_path: Path) -> None:
    for name, top in (("faint", 4_095), ("full", 65_535)):
        (tmp_path / f"{name}.tif").write_bytes(tiff_of_16_bits(top, channels))
    assert "only 15 of 255 levels are used" in inspect(str(tmp_path / "faint.tif")).problem
    assert not inspect(str(tmp_path / "full.tif")).problem


def tiff_of_16_bits(top: int, channels: int) -> bytes:
    """Write a TIFF of 4 x 4 pixels with 16 bits a channel: red, green, blue and perhaps alpha."""
    pixels = np.full((4, 4, channels), top, dtype="<u2")
    pixels[..., 3:] = 65_535
    bits = 8 + 2 + 12 * (6 + channels) + 4  # After a table of 9 entries, or 10 with alpha.
    begin = bits + 2 * channels
    long = [(256, 4), (257, 4), (273, begin), (278, 4), (279, pixels.nbytes)]
    short = [(259, 1), (262, 2), (277, channels), *[(338, 2)] * (channels - 3)]
    entries = [(tag, 4, 1, struct.pack("<I", value)) for tag, value in long]
    entries += [(tag, 3, 1, struct.pack("<HH", value, 0)) for tag, value in short]
    entries.append((258, 3, channels, struct.pack("<I", bits)))
    table = b"".join(struct.pack("<HHI", *entry[:3]) + entry[3] for entry in sorted(entries))
    head = b"II*\0" + struct.pack("<IH", 8, len(entries)) + table + bytes(4)
    return head + struct.pack(f"<{channels}H", *[16] * channels) + pixels.tobytes()


def test_a_program_that_draws_a_picture_is_not_run(tmp_path: Path) -> None:
    lines = ("%!PS-Adobe-3.0 EPSF-3.0", "%%BoundingBox: 0 0 50 50", "%%EndComments", "showpage")
    (tmp_path / "photo.jpg").write_text("\n".join(lines))
    assert inspect(str(tmp_path / "photo.jpg")).problem == "not an image in a known format"


def test_prediction_refuses_what_training_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture, "HAS_HEIF", False)
    files = {"faint.png": png_of_16_bits(4_095), "phone.jpg": HEIC, "empty.png": b""}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    Image.new("RGB", (300, 2)).save(tmp_path / "strip.png")
    os.mkfifo(tmp_path / "pipe.png")
    paths = [str(tmp_path / name) for name in (*files, "strip.png", "pipe.png")]
    how = Preprocessing(3, 8, 8, (0.5,) * 3, (0.5,) * 3)
    none = Classifier("none", lambda file: prepared(file, how), lambda images: images, ("a", "b"))
    found = list(none.probabilities(paths))
    assert found == [inspect(path).problem for path in paths] and all(found)
