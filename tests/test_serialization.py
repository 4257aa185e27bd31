from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gensynth.errors import InputError
from gensynth.serialization import dumps, from_plain, loads, to_plain


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
