import json
import os
from pathlib import Path

import pytest

from gensynth.errors import InputError
from gensynth.record.event_log import Log


@pytest.mark.parametrize("before", [b"", b'{"event":"a"}\n', b'{"event":"a"}', b'{"eve'])
def test_an_event_has_a_line_of_its_own_whatever_was_cut_off_before(
    before: bytes, tmp_path: Path
) -> None:
    file = tmp_path / "log.jsonl"
    file.write_bytes(before)
    Log(file).write("warning", text="b")
    lines = file.read_bytes().splitlines()
    assert json.loads(lines[-1])["text"] == "b"
    assert lines[:-1] == before.splitlines()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_in_its_place_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "log.jsonl")
    with pytest.raises(InputError, match="is not a file"):
        Log(tmp_path / "log.jsonl")
