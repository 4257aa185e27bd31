from pathlib import Path

import pytest

from gensynth.errors import InputError
from gensynth.record.job_folders import JobFolders
from tests.support.campaigns import campaign


def test_nothing_is_deleted_through_a_link(tmp_path: Path) -> None:
    mine = tmp_path / "mine" / "00001-photos"
    mine.mkdir(parents=True)
    (mine / "cat.jpg").write_bytes(b"cat")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "candidates").symlink_to(tmp_path / "mine")
    with pytest.raises(InputError, match="candidates: is a link"):
        JobFolders(tmp_path / "run" / "candidates").clean(())
    with (
        pytest.raises(InputError, match="candidates: is a link"),
        campaign(tmp_path / "run") as opened,
    ):
        opened.ask()
    assert (mine / "cat.jpg").read_bytes() == b"cat"
