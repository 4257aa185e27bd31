"""The tables of the campaign of record: ratios, and what counts as reached."""

from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from experiments.results.attendnext_cifar10.scatter import Point, write_scatter
from experiments.results.attendnext_cifar10.tables import claims, comparison, matched, scaled, short


def row(model: str, top1: float, host: float, a72: float | None, **more: Any) -> dict[str, Any]:
    facts = {
        "model": model,
        "image_size": 64,
        "test_top1": top1,
        "test_interval": [top1 - 1, top1 + 1],
        "params": 4_000_000,
        "macs": 2e7,
        "netscore": 70.0,
        "host_ms": host,
        "host_ratio": host,
        "host_interval": [0.9 * host, 1.1 * host],
        "a72_ms": a72,
        "a72_ratio": a72,
        "int8_bytes": None,
        "int8_top1": None,
        "shift_consistency": 80.0,
    }
    return facts | more


PEERS = [row("timm:fbnetc_100", 50, 1.0, 1.0), row("timm:mobilenetv3_large_100", 60, 1.0, 0.8)]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


@pytest.mark.parametrize(
    ("top1", "host", "a72", "reached"),
    [
        (50.0, 0.1, 0.1, "yes"),
        (49.9, 0.1, 0.1, "no"),
        (60.0, 0.11, 0.1, "no"),
        (60.0, 0.1, 0.11, "no"),
    ],
)
def test_a_claim_needs_the_top1_and_both_ratios(
    top1: float, host: float, a72: float, reached: str
) -> None:
    found = row("found.json", top1, host, a72, params=1_000_000)
    lines = claims(found, PEERS)
    assert cells(lines[2])[0] == "timm:fbnetc_100"
    assert cells(lines[2])[-1] == reached
    assert "4.0 times as small" in lines[-1]


def test_what_cannot_be_emulated_is_told_and_decides_nothing() -> None:
    other = row("timm:mobilevit_xs", 50, 2.0, None)
    line = cells(claims(row("found.json", 55, 0.5, 0.1), [*PEERS, other])[4])
    assert line == ["timm:mobilevit_xs", "+5.00", "4.00", "not expressible", "about 4", "yes"]
    assert "| - | - |" in comparison([other])[-1]


def test_speed_at_equal_top1_is_read_between_our_points_and_never_beyond() -> None:
    ours = [row("a.json", 40, 0.1, 0.1), row("b.json", 60, 0.4, 0.4), row("c.json", 59, 0.5, 0.5)]
    told = {
        cells(line)[0]: cells(line)[2]
        for line in matched(
            ours,
            [
                row("halfway", 50, 1.0, 1.0),
                row("easy", 30, 1.0, 1.0),
                row("hard", 61, 1.0, 1.0),
            ],
        )
    }
    assert told["halfway"] == "5.00"  # 0.2 is halfway between 0.1 and 0.4 on a logarithmic axis
    assert told["easy"] == "at least 10.00"
    assert told["hard"] == "-"


def test_a_claim_at_equal_top1_needs_both_ratios() -> None:
    ours = [row("a.json", 51, 0.1, 0.1), row("b.json", 60, 0.2, 0.1)]
    lines = matched(ours, [*PEERS, row("timm:mobilevit_xs", 51, 0.5, None)])
    assert [cells(line)[-1] for line in lines[2:]] == ["yes", "no", "yes"]
    assert cells(matched(ours, [row("attendnext:xa325", 20, 1.0, 1.0)])[2])[-2:] == ["-", "-"]


def test_speed_at_our_own_top1_is_read_off_a_peers_widths() -> None:
    found = row("found.json", 50, 0.1, 0.2)
    narrow = row("timm:mobilenetv1_100+width0.5", 40, 0.2, 0.4)
    lines = scaled(found, [*PEERS, narrow, row("timm:mobilenetv1_100", 60, 0.8, 1.6)])
    assert [cells(line) for line in lines[2:]] == [["mobilenetv1", "2", "4.00", "4.00"]]
    better = row("timm:mobilenetv1_050", 55, 0.2, None)
    (line,) = scaled(found, [better, row("timm:mobilenetv1_100", 60, 0.8, None)])[2:]
    assert cells(line) == ["mobilenetv1", "2", "at most 2.00", "-"]
    (line,) = scaled(row("found.json", 70, 0.1, 0.2), [better, narrow])[2:]
    assert cells(line) == ["mobilenetv1", "2", "-", "-"]


def test_names_in_the_plot_do_not_cover_each_other(tmp_path: Path) -> None:
    points = [Point(f"n{k}", 0.1, 60 + 0.01 * k, 59, 61, True) for k in range(5)]
    write_scatter(tmp_path / "plot.svg", points, "ms", "top-1, %")
    texts = [
        e for e in ElementTree.parse(tmp_path / "plot.svg").iter() if (e.text or "")[:1] == "n"
    ]
    assert len(texts) == 5
    for side in ("start", "end"):
        heights = sorted(float(e.get("y", "nan")) for e in texts if e.get("text-anchor") == side)
        assert all(b - a >= 10 for a, b in pairwise(heights))


def test_the_plot_is_a_picture_with_every_network(tmp_path: Path) -> None:
    points = [Point("ours <b>", 0.08, 61, 60, 62, True), Point("other", 0.9, 50, 49, 51, False)]
    write_scatter(tmp_path / "plot.svg", points, "ms", "top-1, %")
    words = [e.text for e in ElementTree.parse(tmp_path / "plot.svg").iter() if e.text]
    assert {"ours <b>", "other", "ms", "top-1, %"} <= set(words)


def test_the_widths_of_a_peer_are_joined_from_cheap_to_costly(tmp_path: Path) -> None:
    points = [
        Point("wide", 0.9, 60, 59, 61, False, "a"),
        Point("other", 0.5, 50, 49, 51, False, "b"),
        Point("narrow", 0.1, 40, 39, 41, False, "a"),
        Point("ours", 0.1, 61, 60, 62, True),
    ]
    write_scatter(tmp_path / "plot.svg", points, "ms", "top-1, %")
    lines = [e for e in ElementTree.parse(tmp_path / "plot.svg").iter() if "polyline" in e.tag]
    told = [line.get("points", "").split() for line in lines if line.get("class") == "other"]
    assert sorted(len(corners) for corners in told) == [1, 2]
    (joined,) = (corners for corners in told if len(corners) == 2)
    narrow, wide = (tuple(map(float, corner.split(","))) for corner in joined)
    assert narrow[0] < wide[0] and narrow[1] > wide[1]


def test_genome_files_go_by_their_own_name() -> None:
    assert short("experiments/results/x/found.json") == "found"
    assert short("timm:fbnetc_100") == "timm:fbnetc_100"
