import os
from pathlib import Path

import pytest

from gensynth.data.layout import scan
from gensynth.data.picture import inspect
from gensynth.errors import InputError


def tree(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return root


def test_classes_are_sorted_and_images_found_at_any_depth(tmp_path: Path) -> None:
    root = tree(tmp_path, "b/1.png", "a/deep/2.JPG", "a/notes.txt", "a/.hidden.png", ".git/x.png")
    listing = scan(root)
    assert listing.class_names == ("a", "b")
    assert [(p.name, p.label, p.split) for p in listing.pictures] == [
        ("a/deep/2.JPG", 0, "train"),
        ("b/1.png", 1, "train"),
    ]


def test_splits_are_recognised_by_their_names(tmp_path: Path) -> None:
    names = [f"{split}/{c}/1.png" for split in ("train", "valid", "test") for c in "ab"]
    listing = scan(tree(tmp_path, *names))
    assert [p.split for p in listing.pictures] == [
        *("train", "train"),
        *("validation", "validation"),
        *("test", "test"),
    ]


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    assert scan(tree(tmp_path, "train/1.png", "plane/1.png")).class_names == ("plane", "train")


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (["a/1.png"], "two or more class folders, found only 'a'"),
        (["1.png"], "two or more class folders, found none"),
        (["a/1.png", "b/readme.txt"], "b: the class has no images"),
        (["test/a/1.png", "test/b/1.png"], "expected a train split, found only test"),
        (["train/a/1.png", "train/b/1.png", "valdation/a/1.png"], "mean 'validation'"),
        (
            ["train/a/1.png", "train/b/1.png", "test/a/1.png"],
            "/test: has no folder for 'b', which train has",
        ),
        (
            ["train/cat/1.png", "train/dog/1.png", "test/dogs/1.png"],
            "the train split has no such class; did you mean 'dog'",
        ),
        (
            ["train/a/1.png", "train/b/1.png", "test/1.png"],
            "test: expected the class folders of train, found none",
        ),
        (["a/train/1.png", "a/val/2.png", "b/train/1.png"], "a: contains train, val; expected"),
        (
            [f"{s}/{c}/1.png" for s in ("train", "val", "valid") for c in "ab"],
            "is a second validation split",
        ),
    ],
)
def test_what_is_wrong_is_named(names: list[str], problem: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=problem) as error:
        scan(tree(tmp_path, *names))
    assert "\n" not in str(error.value)


def test_no_folder_is_no_data(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder; expected `digits` or"):
        scan(tmp_path / "nowhere")


def test_splits_are_known_in_any_case_and_by_longer_names(tmp_path: Path) -> None:
    names = [f"{split}/{c}/1.png" for split in ("Training", "VAL", "Testing") for c in "ab"]
    listing = scan(tree(tmp_path, *names))
    assert listing.class_names == ("a", "b")
    assert [p.split for p in listing.pictures[::2]] == ["train", "validation", "test"]


def test_links_in_a_circle_are_refused(tmp_path: Path) -> None:
    root = tree(tmp_path, "a/1.png", "b/1.png")
    for name in "ab":
        (root / name / "up").symlink_to("..")
    with pytest.raises(InputError, match="a link to a folder that contains it"):
        scan(root)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    root = tree(tmp_path, "a/1.png", "b/1.png")
    os.mkfifo(root / "a" / "pipe.png")
    (pipe,) = (picture for picture in scan(root).pictures if picture.name == "a/pipe.png")
    assert pipe.stamp == (0, 0, 0)
    assert inspect(pipe.path).problem == "is not a file"


@pytest.mark.parametrize("name", [b"\xff\xfe", b"two\nlines"])
def test_a_class_has_a_name_that_can_be_written(name: bytes, tmp_path: Path) -> None:
    root = tree(tmp_path, "a/1.png", "b/1.png")
    os.rename(os.fsencode(root / "b"), os.path.join(os.fsencode(root), name))
    with pytest.raises(InputError, match="must be printable") as error:
        scan(root)
    assert "\n" not in str(error.value)
    str(error.value).encode()


def test_images_of_formats_that_may_be_unknown_are_not_passed_over(tmp_path: Path) -> None:
    listing = scan(tree(tmp_path, "a/1.heic", "a/2.AVIF", "a/3.jfif", "b/1.png"))
    assert len(listing.pictures) == 4


@pytest.mark.parametrize("junk", ["__MACOSX", "@eaDir", "#recycle", "$RECYCLE.BIN", "lost+found"])
def test_what_archives_and_systems_leave_behind_is_no_class(junk: str, tmp_path: Path) -> None:
    root = tree(tmp_path, "a/1.png", f"a/{junk}/SYNOPHOTO_THUMB_M.jpg", "b/1.png")
    (root / junk).mkdir()
    listing = scan(tree(root, f"{junk}/a/._1.png"))
    assert listing.class_names == ("a", "b")
    assert [picture.name for picture in listing.pictures] == ["a/1.png", "b/1.png"]


def test_an_empty_folder_named_as_systems_name_theirs_is_no_class(tmp_path: Path) -> None:
    root = tree(tmp_path, "a/1.png", "b/1.png", "@home/1.png")
    for name in ("@SynoResource", "#trash", "~tmp", "$Extend"):
        (root / name).mkdir()
    assert scan(root).class_names == ("@home", "a", "b")


def test_to_measure_a_network_splits_and_classes_may_be_missing(tmp_path: Path) -> None:
    root = tree(tmp_path, "test/a/1.png", "val/b/1.png", "val/a/2.png")
    (root / "test" / "empty").mkdir()
    listing = scan(root, to_train=False)
    assert listing.class_names == ("a", "b")
    found = [(picture.name, picture.label, picture.split) for picture in listing.pictures]
    validation = [("val/a/2.png", 0, "validation"), ("val/b/1.png", 1, "validation")]
    assert found == [*validation, ("test/a/1.png", 0, "test")]
    assert scan(tree(tmp_path / "one", "a/1.png"), to_train=False).class_names == ("a",)
    with pytest.raises(InputError, match="expected class folders with images, found none"):
        scan(tree(tmp_path / "flat", "1.png"), to_train=False)


def test_splits_with_junk_beside_them_are_splits(tmp_path: Path) -> None:
    root = tree(tmp_path, "train/a/1.png", "train/b/1.png", "val/a/2.png", "val/b/2.png")
    for junk in ("__MACOSX", "train/@eaDir", "val/__MACOSX"):
        (root / junk).mkdir()
    assert len(scan(root).pictures) == 4


def test_a_link_to_nothing_is_a_picture_that_cannot_be_read(tmp_path: Path) -> None:
    root = tree(tmp_path, "a/1.png", "b/1.png")
    (root / "a" / "gone.jpg").symlink_to("nowhere.jpg")
    (root / "b" / "circle.jpg").symlink_to("circle.jpg")
    stamps = {picture.name: picture.stamp for picture in scan(root).pictures}
    assert stamps["a/gone.jpg"] == stamps["b/circle.jpg"] == (0, 0, 0) and len(stamps) == 4


GROCERIES = (
    "fruit/apple/golden/1.png",
    "fruit/apple/red/1.png",
    "fruit/kiwi/1.png",
    "milk/arla/1.png",
)


def test_folders_inside_the_classes_are_told_with_the_ways_to_choose(tmp_path: Path) -> None:
    root = tree(tmp_path, *GROCERIES)
    listing = scan(root)
    assert listing.class_names == ("fruit", "milk")
    assert "images lie 2 to 3 folders deep, in 4 folders; the 2 outermost are" in listing.nested
    assert "class_level" in listing.nested
    names = scan(root, class_level=2)
    assert names.class_names == ("fruit/apple", "fruit/kiwi", "milk/arla") and not names.nested
    leaves = ("fruit/apple/golden", "fruit/apple/red", "fruit/kiwi", "milk/arla")
    assert scan(root, class_level=0).class_names == leaves
    with pytest.raises(InputError, match=r"kiwi/1\.png: lies outside the class folders of level 3"):
        scan(root, class_level=3)


def test_nested_splits_with_other_classes_say_what_the_folder_looks_like(tmp_path: Path) -> None:
    root = tree(tmp_path, *(f"train/{name}" for name in GROCERIES), "val/fruit/kiwi/1.png")
    with pytest.raises(InputError, match=r"has no folder for 'milk'.*images lie 2 to 3 folders"):
        scan(root)
    with pytest.raises(InputError, match="'fruit/apple/golden', 'fruit/apple/red', 'milk/arla'"):
        scan(root, class_level=0)
