from pathlib import Path

import pytest

from gensynth.errors import InputError
from gensynth.training.folder_lock import CLAIM, Claim, claimed


def test_a_folder_is_claimed_again_by_the_same_training_only(tmp_path: Path) -> None:
    mine = Claim("attendnext:tiny", "0123")
    for _ in range(2):
        with claimed(tmp_path / "run", mine):
            assert (tmp_path / "run" / CLAIM).exists()
    other = Claim("timm:resnet18", "4567")
    with (
        pytest.raises(InputError, match="holds another training, of attendnext:tiny"),
        claimed(tmp_path / "run", other),
    ):
        pass


def test_two_trainings_never_hold_a_folder_together(tmp_path: Path) -> None:
    mine = Claim("attendnext:tiny", "0123")
    with (
        claimed(tmp_path, mine),
        pytest.raises(InputError, match="another process is training here"),
        claimed(tmp_path, mine),
    ):
        pass
    with claimed(tmp_path, mine):
        pass


def test_an_unreadable_claim_is_written_again(tmp_path: Path) -> None:
    (tmp_path / CLAIM).write_bytes(b"{")
    with claimed(tmp_path, Claim("attendnext:tiny", "0123")):
        assert b"attendnext:tiny" in (tmp_path / CLAIM).read_bytes()
