import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gensynth.errors import InputError
from gensynth.serialization import (
    MOST_BYTES,
    dumps,
    from_plain,
    loads,
    read_file,
    to_plain,
    write_whole,
)


@dataclass(frozen=True)
class Inner:
    size: int
    share: float = 0.5


@dataclass(frozen=True)
class Outer:
    name: str
    kind: Literal["small", "large"] = "small"
    inner: Inner | None = None
    inners: tuple[Inner, ...] = ()
    pair: tuple[int, str] = (1, "a")
    table: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.name:
            raise InputError("name", "must not be empty")


inner = st.builds(Inner, st.integers(), st.floats(allow_nan=False, allow_infinity=False))
outer = st.builds(
    Outer,
    name=st.text(min_size=1),
    kind=st.sampled_from(["small", "large"]),
    inner=st.none() | inner,
    inners=st.lists(inner).map(tuple),
    pair=st.tuples(st.integers(), st.text()),
    table=st.dictionaries(st.text(), st.floats(allow_nan=False, allow_infinity=False)),
)


@given(outer)
def test_json_gives_the_same_value_back(value: Outer) -> None:
    assert from_plain(Outer, loads(dumps(value), "file"), "file") == value


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"name": "x", "knd": "small"}, "file.knd: unknown field; did you mean 'kind'?"),
        ({}, "file.name: missing"),
        ({"name": 3}, "file.name: expected a string, got 3"),
        ({"name": "x", "inner": {"size": True}}, "file.inner.size: expected an integer, "),
        ({"name": "x", "inners": [{"size": 1}, {"size": 1.5}]}, "file.inners[1].size: expected"),
        ({"name": "x", "kind": "smal"}, "did you mean 'small'?"),
        ({"name": "x", "pair": [1]}, "file.pair: expected a list of 2"),
        ({"name": "x", "table": {"a": "b"}}, 'file.table.a: expected a number, got "b"'),
        ({"name": ""}, "file.name: must not be empty"),
        ([], "file: expected a table"),
    ],
)
def test_mistakes_name_the_place_and_the_remedy(data: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        from_plain(Outer, data, "file")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_whole_numbers_are_numbers_too() -> None:
    assert from_plain(Inner, {"size": 1, "share": 2}, "file") == Inner(1, 2.0)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, object()])
def test_what_json_cannot_hold_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="plain data"):
        to_plain(value)


@pytest.mark.parametrize("text", ["", "{", "NaN", "[1e999]", "[" * 100_000, b"\xff\xfe"])
def test_what_is_no_json_is_one_clear_error(text: str | bytes) -> None:
    with pytest.raises(InputError, match="file: "):
        from_plain(Outer, loads(text, "file"), "file")


@given(st.binary(max_size=200))
def test_any_bytes_give_a_value_or_one_clear_error(data: bytes) -> None:
    try:
        from_plain(Outer, loads(data, "file"), "file")
    except InputError as error:
        assert str(error).startswith("file")


class Disk:
    """Records what `os` is asked to write, to try every state that a power failure could leave.

    What was not synced may be there in full, in part, or not at all; a rename that was not synced
    may have happened or not, whatever happened to the content.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.steps: list[tuple[str, Path, Path | None]] = []
        opened: dict[int, Path] = {}
        real_open, real_sync, real_replace = os.open, os.fsync, os.replace

        def opens(path: Any, flags: int, *more: Any) -> int:
            descriptor = real_open(path, flags, *more)
            opened[descriptor] = Path(path)
            return descriptor

        def syncs(descriptor: int) -> None:
            real_sync(descriptor)
            self.steps.append(("sync", opened[descriptor], None))

        def replaces(source: Any, target: Any) -> None:
            real_replace(source, target)
            self.steps.append(("replace", Path(source), Path(target)))

        monkeypatch.setattr(os, "open", opens)
        monkeypatch.setattr(os, "fsync", syncs)
        monkeypatch.setattr(os, "replace", replaces)

    def states(self, file: Path, old: str, new: str) -> Iterator[tuple[int, str]]:
        """Yield each text that a crash may leave in `file`, and after how many steps."""
        for end in range(len(self.steps) + 1):
            done = self.steps[:end]
            names = [i for i, (kind, _, target) in enumerate(done) if kind == "replace"]
            renamed = bool(names)
            drafts = {source for kind, source, _ in done if kind == "replace"}
            content = any(kind == "sync" and path in drafts for kind, path, _ in done)
            name = any(
                kind == "sync" and path == file.parent and i > names[0]
                for i, (kind, path, _) in enumerate(done)
                if names
            )
            if not name:
                yield end, old
            if renamed:
                yield from ((end, text) for text in ([new] if content else ["", new[:3], new]))


def test_a_file_survives_a_power_failure_at_any_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "job.json"
    file.write_text("[1]")
    disk = Disk(monkeypatch)
    write_whole(file, "[2,3]")
    states = list(disk.states(file, "[1]", "[2,3]"))
    assert {text for _, text in states} == {"[1]", "[2,3]"}
    assert {text for end, text in states if end == len(disk.steps)} == {"[2,3]"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_or_a_device_in_the_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "endless").symlink_to("/dev/zero")
    for name in ("pipe", "endless"):
        with pytest.raises(InputError, match="is not a file"):
            read_file(tmp_path / name)
    (tmp_path / "file").write_bytes(b"text")
    assert read_file(tmp_path / "file") == b"text"


def test_a_file_larger_than_any_of_ours_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(InputError, match="has more than"):
        read_file(tmp_path / "large")
