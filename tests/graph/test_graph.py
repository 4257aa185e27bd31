import pytest

from gensynth.graph.graph import Graph, Layer


def graph(*rows: tuple[str, str]) -> Graph:
    image = Layer("input", "input", (), (3, 4, 4))
    layers = [Layer("activation", op, (i,), (3, 4, 4), name) for i, (op, name) in enumerate(rows)]
    return Graph((image, *layers))


@pytest.mark.parametrize(
    ("rows", "labels"),
    [
        ([("relu", "a.act"), ("silu", "b.act")], ["a.act", "b.act"]),
        ([("relu", "block"), ("relu", "block")], ["block:relu[0]", "block:relu[1]"]),
        ([("relu", "block"), ("silu", "block")], ["block", "block"]),
        ([("relu", ""), ("silu", "")], ["relu", "silu"]),
        ([("relu", ""), ("relu", "")], ["relu[0]", "relu[1]"]),
    ],
)
def test_labels_name_a_row_for_a_person(rows: list[tuple[str, str]], labels: list[str]) -> None:
    made = graph(*rows)
    assert [made.label(i) for i in range(1, len(made))] == labels


def test_a_graph_is_the_list_of_its_rows() -> None:
    made = graph(("relu", "a"))
    assert len(made) == 2 and list(made) == list(made.layers)
