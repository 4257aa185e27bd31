"""`gensynth predict` and `gensynth evaluate` as a person meets them."""

import csv
import io
import json
import os
from pathlib import Path

import pytest
from PIL import Image

import gensynth
from gensynth.data.picture import png
from gensynth.errors import InputError
from tests.cli.test_command_line import run
from tests.support.recorded import restore


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The network of a recorded campaign, as a folder and as ONNX."""
    folder = tmp_path_factory.mktemp("predict")
    gensynth.export(restore("campaign", folder), folder / "network", ["onnx"], trust=True)
    return folder / "network"


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    from gensynth.data.open import digits as embedded

    images, labels = embedded()
    for row in range(30):
        path = tmp_path / "digits" / str(labels[row]) / f"{row:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(images[row]).getvalue())
    return tmp_path / "digits"


def test_pictures_folders_and_patterns(
    network: Path, digits: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words: list[str | Path] = [digits / "0" / "00.png", digits / "3", str(digits / "*" / "1*.png")]
    code, out, err = run(capsys, "predict", network, *words)
    assert (code, err) == (0, "")
    assert "00.png" in out.replace("\n", "") and "%" in out
    assert max(map(len, out.splitlines())) <= 80
    code, out, _ = run(capsys, "predict", network / "model.onnx", *words, "--json", "--top", "3")
    found = json.loads(out)
    assert code == 0 and len(found) == len({one["picture"] for one in found}) == 13
    assert all(len(one["classes"]) == 3 and not one["problem"] for one in found)
    code, out, _ = run(capsys, "predict", network, *words, "--csv", "--top", "2")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert len(rows) == 26 and rows[0]["class"] == found[0]["classes"][0]["class"]
    assert float(rows[0]["probability"]) == pytest.approx(found[0]["classes"][0]["probability"])


def test_what_cannot_be_read_is_one_line_and_the_others_go_on(
    network: Path, digits: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (digits / "0" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    Image.fromarray(__import__("numpy").ones((4, 4), dtype="float32")).save(digits / "deep.tiff")
    code, out, err = run(capsys, "predict", network, digits, "nowhere.jpg", "--json")
    assert code == 1 and len(json.loads(out)) == 33
    lines = err.splitlines()
    assert len(lines) == 3 and all("cannot be read" in line for line in lines)
    assert any("nowhere.jpg" in line and "no such file" in line for line in lines)
    assert any("deep.tiff" in line and "32-bit" in line for line in lines)


def test_a_model_without_preprocessing_is_asked_for_it(
    network: Path, digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from gensynth.formats.onnx import with_metadata

    onnx = __import__("onnx")
    bare = onnx.load(network / "model.onnx")
    del bare.metadata_props[:]
    foreign = tmp_path / "foreign.onnx"
    foreign.write_bytes(with_metadata(bare.SerializeToString(), {}))
    picture = digits / "0" / "00.png"
    code, _, err = run(capsys, "predict", foreign, picture)
    assert code == 2 and "states no preprocessing" in err and "--preprocess" in err
    config = network / "config.json"
    code, out, _ = run(capsys, "predict", foreign, picture, "--preprocess", config)
    assert code == 0 and out == run(capsys, "predict", network, picture)[1]


@pytest.mark.parametrize(
    ("model", "problem"),
    [
        ("nowhere", "does not exist"),
        ("timm:resnet18", "its weights are not on this machine"),
        ("timm:resnet1x", "unknown timm network"),
    ],
)
def test_what_is_no_trained_network_is_one_line(
    model: str, problem: str, digits: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(InputError, match=problem) as told:
        gensynth.predict(model, digits)
    assert "\n" not in str(told.value)


def test_a_candidate_with_kept_weights(network: Path, digits: Path) -> None:
    folder = network.parent / "campaign"
    (kept,) = folder.glob("candidates/*/model.safetensors")
    number, genome = kept.parent.name.split("-")
    ours = gensynth.predict(network, digits)
    for name in (str(int(number)), genome):
        found = gensynth.predict(f"{folder}:{name}", digits, trust=True)
        assert [one.best for one in found] == [one.best for one in ours]
    with pytest.raises(InputError, match="not kept"):
        gensynth.predict(f"{folder}:0", digits, trust=True)
    with pytest.raises(InputError, match="no candidate"):
        gensynth.predict(f"{folder}:999", digits, trust=True)


def test_evaluate_prints_each_class_and_writes_a_page(
    network: Path, digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (digits / "letter").mkdir()
    Image.new("L", (8, 8)).save(digits / "letter" / "a.png")
    page = tmp_path / "page.html"
    words: list[str | Path] = ["evaluate", network, "--data", digits, "--html", page]
    code, out, err = run(capsys, *words)
    assert (code, err) == (0, "")
    assert "balanced accuracy" in out and "95 % interval" in out and "on 30 images" in out
    assert "lacks these classes: letter" in out and "sensitivity" in out
    assert max(map(len, out.splitlines()[:-1])) <= 80
    text = page.read_text(encoding="utf-8")
    assert text.count("<figure>") == text.count("data:image/png;base64,") > 0
    code, found, _ = run(capsys, *words, "--json")
    told = json.loads(found)
    assert told["images"] == 30 and told["lacking"] == ["letter"]
    assert sum(map(sum, told["confusion"])) == 30
    assert len(told["mistakes"]) == text.count("<figure>")


def test_a_split_that_has_no_folder_is_held_out_as_in_a_search(network: Path) -> None:
    found = gensynth.evaluate(network, "digits", split="validation")
    assert (found.images, found.data) == (359, "validation images of digits")
    with pytest.raises(InputError, match="expected train, validation, test"):
        gensynth.evaluate(network, "digits", split="tset")


def test_any_folder_of_classes_will_do(network: Path, digits: Path, tmp_path: Path) -> None:
    """One that only has a test split, and one of a single class."""
    (tmp_path / "mine").mkdir()
    digits.rename(tmp_path / "mine" / "test")
    found = gensynth.evaluate(network, tmp_path / "mine")
    assert (found.images, found.data) == (30, "test images of mine")
    three = gensynth.evaluate(network, tmp_path / "mine", split="test", class_level=1).per_class[3]
    (tmp_path / "one").mkdir()
    (tmp_path / "mine" / "test" / "3").rename(tmp_path / "one" / "3")
    alone = gensynth.evaluate(network, tmp_path / "one")
    assert alone.per_class[3].sensitivity == three.sensitivity
    assert alone.images == three.images
    with pytest.raises(InputError, match="expected a train split, found only test"):
        gensynth.evaluate(network, tmp_path / "mine", split="validation")


def test_folders_of_other_names_say_how_to_choose_them(network: Path, digits: Path) -> None:
    (digits.parent / "nested").mkdir()
    digits.rename(digits.parent / "nested" / "numbers")
    with pytest.raises(InputError, match=r"but numbers; rename the.*class_level"):
        gensynth.evaluate(network, digits.parent / "nested")


def test_what_systems_leave_behind_is_no_picture(network: Path, digits: Path) -> None:
    for junk in ("__MACOSX", "@eaDir", "#recycle", "$RECYCLE.BIN"):
        (digits / "0" / junk).mkdir()
        (digits / "0" / junk / "thumb.jpg").write_bytes(b"")
    assert not any(one.problem for one in gensynth.predict(network, digits))


def test_names_that_a_terminal_would_obey_or_cannot_print(
    network: Path, digits: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = os.fsdecode(b"not\xffutf8 \x1b[31m.png")
    (digits / "0" / "00.png").rename(digits / "0" / odd)
    (digits / "1" / "two\nlines \x1b[31m.png").write_bytes(b"")
    code, out, err = run(capsys, "predict", network, digits / "0", digits / "1")
    assert code == 1 and "\x1b" not in out + err and len(err.splitlines()) == 1
    assert (out + err).encode()
    code, out, _ = run(capsys, "predict", network, digits / "0", "--csv")
    assert code == 0 and r"not\udcffutf8" in out and out.encode()
    code, _, err = run(capsys, "evaluate", network, "--data", digits, "--html", digits / "p.html")
    assert code == 1 and "\x1b" not in err and len(err.splitlines()) == 1
