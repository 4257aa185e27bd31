from pathlib import Path

import pytest

from gensynth.campaign.remeasurement import Remeasured
from gensynth.evaluation.latency import Interval, Latency
from gensynth.record.kept_files import kept
from gensynth.report.rivals import Rival, Rivals
from gensynth.serialization import dumps, from_plain

LATENCY = Latency(1.5, Interval(1.4, 1.6), Interval(1.3, 1.7), machine="a machine")
KEPT: list[tuple[type, object]] = [
    (dict[str, Remeasured], {"a": Remeasured({"how": LATENCY}), "b": Remeasured(problem="gone")}),
    (Rivals, Rivals("a", "torch", (Rival("b", LATENCY),))),
]


@pytest.mark.parametrize(("kind", "value"), KEPT)
def test_only_the_whole_file_is_used(
    kind: type, value: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, text = tmp_path / "kept.json", dumps(value)
    assert kept(kind, file) is None
    for length in range(len(text)):
        file.write_text(text[:length])
        assert kept(kind, file) is None
        assert capsys.readouterr().err.startswith(f"{file}: is not used, because it is damaged (")
    file.write_text(text)
    assert kept(kind, file) == value
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("data", [b"[]", b"3", b"null", b'{"x":1}', b"[" * 20_000, b"\xff\x00"])
def test_other_content_counts_as_none(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "kept.json").write_bytes(data)
    assert kept(Rivals, tmp_path / "kept.json") is None
    (tmp_path / "folder").mkdir()
    assert kept(Rivals, tmp_path / "folder") is None


def test_a_latency_with_the_field_names_of_earlier_versions_is_read() -> None:
    interval = {"low": 1.4, "high": 1.6}
    former = {"median_ms": 1.5, "interval_ms": interval, "quartiles_ms": {"low": 1.3, "high": 1.7}}
    assert from_plain(Latency, {**former, "machine": "a machine"}, "record") == LATENCY
