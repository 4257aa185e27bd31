"""Every table is readable at eighty columns: nothing cut off, no word broken, no line too long."""

import re
from collections.abc import Iterable, Sequence
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from gensynth.report.columns import Columns


def lines(table: Columns, width: int = 80) -> list[str]:
    console = Console(file=StringIO(), width=width)
    with console.capture() as captured:
        console.print(table)
    return [line.rstrip() for line in captured.get().splitlines()]


def words(cells: Iterable[str]) -> set[str]:
    return {word for cell in cells for word in cell.split()}


CELL = st.text("abcdefgh ", max_size=40).map(lambda text: " ".join(text.split()))
NAME = st.text("abcdefgh:/_", min_size=1, max_size=70)


@given(
    st.lists(st.tuples(NAME, CELL, CELL, st.integers(0, 10**9).map(str), CELL), max_size=4),
    st.integers(60, 120),
)
def test_no_word_is_broken_and_no_line_is_too_long(rows: list[tuple[str, ...]], width: int) -> None:
    heads = ("model", "kind of it", "what it is", "figures", "reason")
    shown = lines(Columns(heads, rows, words=(0, 1, 2, 4)), width)
    assert all(len(line) <= width for line in shown)
    found = words(re.sub(r"[^\w:/ ]", " ", line) for line in shown)
    for word in words([cell for row in rows for cell in row]):
        assert word.rstrip(":") in {each.rstrip(":") for each in found} or len(word) > 20


def test_what_fits_stands_in_columns() -> None:
    table = Columns(("model", "MACs"), [("one", "5 k"), ("three", "12 k")], title="two")
    assert lines(table) == ["two", "model  MACs", "───────────", "one     5 k", "three  12 k"]


def test_a_column_of_words_is_wrapped_between_words() -> None:
    table = Columns(("a", "why"), [("1", "first second third")], words=(0, 1))
    assert lines(table, 16) == ["a  why", "────────────────", "1  first second", "   third"]


def test_a_long_name_stands_above_its_figures() -> None:
    table = Columns(("model", "params", "MACs"), [("timm:mobilenetv3_large_100", "5 M", "216 M")])
    assert lines(table, 30) == [
        "  params   MACs",
        "  ─────────────",
        "timm:mobilenetv3_large_100",
        "     5 M  216 M",
    ]


def test_figures_that_fit_in_no_columns_are_named_one_by_one() -> None:
    table = Columns(("model", "median ms", "quartiles ms"), [("a", "1.25", "1.11 to 1.34")])
    assert lines(table, 22) == ["a", "  median ms: 1.25,", "  quartiles ms: 1.11", "  to 1.34"]


@pytest.mark.parametrize("empty", [(), [("", "")]])
def test_nothing_is_laid_out_too(empty: Sequence[Sequence[str]]) -> None:
    assert lines(Columns(("a", "b"), empty))[0] == "a  b"


def test_a_name_is_not_read_as_a_picture() -> None:
    assert lines(Columns(("model",), [(":a:",)]))[-1] == ":a:"
