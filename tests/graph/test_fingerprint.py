import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from gensynth.graph.graph import Layer, fingerprint
from gensynth.graph.trace import trace
from gensynth.plugins import load_plugin
from gensynth.space import Replay, Task
from tests.support.networks import call, columnar, conv, resnet

Rows = list[Layer]
SHAPE = (4, 4, 4)
IMAGE = Layer("input", "input", (), SHAPE)


def row(op: str, *inputs: int, parameters: int = 0) -> Layer:
    kind = {"add": "combine", "sub": "combine", "conv2d": "conv"}.get(op, "activation")
    return Layer(kind, op, inputs, SHAPE, f"name{len(inputs)}", parameters=parameters)  # type: ignore[arg-type]


@st.composite
def graphs(draw: st.DrawFn) -> Rows:
    rows = [IMAGE]
    for _ in range(draw(st.integers(1, 9))):
        op = draw(st.sampled_from(["relu", "silu", "conv2d", "add", "sub", "add"]))
        count = 2 if op in ("add", "sub") else 1
        fed = [draw(st.integers(0, len(rows) - 1)) for _ in range(count)]
        rows.append(row(op, *fed, parameters=draw(st.integers(0, 1)) * (op == "conv2d")))
    return rows


def reordered(rows: Rows, draw: Callable[..., Any]) -> Rows:
    """Execute the rows in another order that their edges allow, and turn sums around."""
    place = {0: 0}
    out = [rows[0]]
    waiting = list(range(1, len(rows) - 1))
    while waiting:
        ready = [i for i in waiting if all(j in place for j in rows[i].inputs)]
        i = draw(st.sampled_from(ready))
        waiting.remove(i)
        place[i] = len(out)
        out.append(rows[i])
    order = [*sorted(place, key=place.__getitem__), len(rows) - 1]
    number = {i: k for k, i in enumerate(order)}
    turned = []
    for i in order:
        inputs = [number[j] for j in rows[i].inputs]
        if rows[i].op == "add" and draw(st.booleans()):
            inputs.reverse()
        turned.append(rows[i]._replace(inputs=tuple(inputs), name="another"))
    return turned


@given(graphs(), st.data())
def test_names_order_of_execution_and_of_summands_play_no_part(
    rows: Rows, data: st.DataObject
) -> None:
    other = reordered(rows, data.draw)
    assert fingerprint(other) == fingerprint(rows)


@given(graphs(), st.data())
def test_dead_rows_and_identities_play_no_part(rows: Rows, data: st.DataObject) -> None:
    target = data.draw(st.integers(0, len(rows) - 1))
    identity = Layer("move", "clone", (target,), SHAPE)
    shifted = [r._replace(inputs=tuple(j + (j > target) for j in r.inputs)) for r in rows]
    fed = [
        r._replace(inputs=tuple(target + 1 if j == target else j for j in r.inputs))
        for r in shifted
    ]
    through = [*shifted[: target + 1], identity, *fed[target + 1 :]]
    assert fingerprint(through) == fingerprint(rows)
    dead = [*rows[:-1], row("exp", target % max(len(rows) - 1, 1)), rows[-1]]
    if len(rows) > 1:
        assert fingerprint(dead) == fingerprint(rows)


@given(graphs(), st.data())
def test_any_change_of_a_live_row_changes_it(rows: Rows, data: st.DataObject) -> None:
    live = {len(rows) - 1}
    for i in reversed(range(len(rows))):
        live |= set(rows[i].inputs) if i in live else set()
    i = data.draw(st.sampled_from(sorted(live)))
    column = data.draw(st.sampled_from(["parameters", "groups", "detail", "stride", "op"]))
    new: dict[str, Any] = {
        "parameters": 77,
        "groups": 9,
        "detail": "x=1",
        "stride": (3, 3),
        "op": "tanh",
    }
    changed = [*rows]
    changed[i] = rows[i]._replace(**{column: new[column]})
    assert fingerprint(changed) != fingerprint(rows)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            [row("conv2d", 0), row("conv2d", 0), row("add", 1, 2)],
            [row("conv2d", 0), row("add", 1, 1)],
        ),
        ([row("relu", 0), row("sub", 0, 1)], [row("relu", 0), row("sub", 1, 0)]),
        (
            [row("relu", 0), row("silu", 0), row("add", 0, 1), row("sub", 2, 3)],
            [row("relu", 0), row("silu", 0), row("add", 0, 2), row("sub", 2, 3)],
        ),
    ],
)
def test_other_edges_are_another_function(one: Rows, other: Rows) -> None:
    assert fingerprint([IMAGE, *one]) != fingerprint([IMAGE, *other])


def test_a_second_order_scale_is_not_commutative() -> None:
    scaled = row("add", 1, 0)._replace(detail="alpha=2")
    turned = scaled._replace(inputs=(0, 1))
    assert fingerprint([IMAGE, row("relu", 0), scaled]) != fingerprint(
        [IMAGE, row("relu", 0), turned]
    )


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (lambda x, a, b: a(x) + b(x), lambda x, a, b: b(x) + a(x), True),
        (lambda x, a, b: a(x) + b(x), lambda x, a, b: a(x) + a(x), False),
        (lambda x, a, b: a(x.contiguous()), lambda x, a, b: a(x.clone()), True),
        (lambda x, a, b: a(b(x)), lambda x, a, b: a(x), False),
    ],
)
def test_networks_that_compute_the_same_have_one_name(
    one: Callable[..., Tensor], other: Callable[..., Tensor], equal: bool
) -> None:
    parts: dict[str, nn.Module] = {"a": conv(4, 4), "b": conv(4, 4)}
    names = [trace(call(run, **parts), SHAPE).fingerprint for run in (one, other)]
    assert (names[0] == names[1]) == equal


def test_it_is_the_same_in_another_process() -> None:
    code = (
        "from tests.support.networks import *; from gensynth.graph.trace import trace;"
        "print(trace(resnet(), (3, 8, 8)).fingerprint, trace(columnar(), (3, 8, 8)).fingerprint)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    here = [trace(model, (3, 8, 8)).fingerprint for model in (resnet(), columnar())]
    assert out.stdout.split() == here


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("attendnext:xa325", "b44e7c3b18b9"),
        ("attendnext:ref659", "6935fc76bc9a"),
        ("attendnext:prototype", "b0b553023f87"),
        ("attendnext:tiny", "c9d2593bb38d"),
        ("attendnext:cifar10", "9a433bdacf02"),
        ("attendnet:prototype", "bc48c7773546"),
    ],
)
def test_the_names_that_stand_in_records_stay(name: str, expected: str) -> None:
    space, _, preset = name.partition(":")
    made = load_plugin("search_space", space, "test")()
    genome = made.sample(Replay(made.presets[preset]))
    assert made.graph(genome, Task(3, 64, 64, 10)).fingerprint == expected
