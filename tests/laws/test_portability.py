"""What only Linux or POSIX offers is never needed to check, score, search, export and compare."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.laptop import MISSING

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("system", MISSING)
def test_a_laptop_suffices(system: str, tmp_path: Path) -> None:
    command = [sys.executable, "-X", "warn_default_encoding", "-m", "tests.support.laptop"]
    done = subprocess.run(
        [*command, system, str(tmp_path)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-3000:]
    assert (tmp_path / "exported" / "model.safetensors").exists()


def test_what_is_hidden_is_missed(tmp_path: Path) -> None:
    """The test above can fail: code of ours that needs what is hidden ends with an error."""
    (tmp_path / "constraints.py").write_text("import os\nos.getuid()\n", encoding="utf-8")
    (tmp_path / "devices.py").write_text("import fcntl\n", encoding="utf-8")
    for module, words in (("constraints", "no attribute 'getuid' here"), ("devices", "'fcntl'")):
        program = f"from tests.support.laptop import hide\nhide('Windows')\nimport {module}"
        path = f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]\n"
        done = subprocess.run(
            [sys.executable, "-c", path + program], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 1 and words in done.stderr
