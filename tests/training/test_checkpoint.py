import logging
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError

from gensynth.evaluation.measurement import Measurement
from gensynth.training.checkpoint import CHECKPOINT, Checkpoint, discard, load, save, write_tensors

CURVE = (Measurement(1, 50.0, 1.5, 0.1), Measurement(2, 60.0, 1.25, 0.2, ((1, 0), (0, 1))))


def checkpoint() -> Checkpoint:
    layout = torch.channels_last
    weight = torch.arange(24.0).view(1, 2, 3, 4).contiguous(memory_format=layout)
    return Checkpoint(CURVE, {"weight": weight, "steps": torch.tensor(7)})


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    saved = checkpoint()
    save(tmp_path / "new", "job", saved)
    loaded = load(tmp_path / "new", "job")
    assert loaded is not None
    assert loaded.curve == CURVE
    assert loaded.tensors.keys() == saved.tensors.keys()
    assert all(torch.equal(loaded.tensors[name], saved.tensors[name]) for name in saved.tensors)
    assert [path.name for path in (tmp_path / "new").iterdir()] == [CHECKPOINT]


def test_another_job_has_no_checkpoint(tmp_path: Path) -> None:
    assert load(tmp_path, "job") is None
    save(tmp_path, "job", checkpoint())
    assert load(tmp_path, "other") is None


def test_truncated_anywhere_it_is_no_checkpoint(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    save(tmp_path, "job", checkpoint())
    data = (tmp_path / CHECKPOINT).read_bytes()
    for length in range(0, len(data), 7):
        (tmp_path / CHECKPOINT).write_bytes(data[:length])
        assert load(tmp_path, "job") is None
    assert "the training starts again" in caplog.text


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(2)}, tmp_path / CHECKPOINT)
    assert load(tmp_path, "job") is None


def test_a_full_disk_is_the_systems_own_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setattr("gensynth.training.checkpoint.save_file", full)
    with pytest.raises(OSError, match="No space left") as error:
        write_tensors(tmp_path / CHECKPOINT, {"weight": torch.zeros(2)}, {})
    assert (error.value.errno, error.value.filename) == (28, str(tmp_path))


def test_a_failed_write_keeps_the_older_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    save(tmp_path, "job", checkpoint())

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with caplog.at_level(logging.WARNING):
        save(tmp_path, "job", Checkpoint(CURVE[:1], {"weight": torch.zeros(1)}))
    assert "no checkpoint was written" in caplog.text
    kept = load(tmp_path, "job")
    assert kept is not None
    assert kept.curve == CURVE
    assert [path.name for path in tmp_path.iterdir()] == [CHECKPOINT]


def test_weights_that_cannot_be_written_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError):
        write_tensors(tmp_path / "file" / "model.safetensors", {"w": torch.zeros(1)}, {})


def test_discard_removes_it_and_may_be_repeated(tmp_path: Path) -> None:
    save(tmp_path, "job", checkpoint())
    discard(tmp_path)
    discard(tmp_path)
    assert load(tmp_path, "job") is None
