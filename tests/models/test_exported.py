from pathlib import Path

import pytest
import torch

from gensynth.errors import InputError
from gensynth.models.exported import input_shape, load_folder
from tests.exports.test_export_folder import export, tiny_source


def test_the_shape_of_the_input_is_read_without_running_the_file(tmp_path: Path) -> None:
    export(tmp_path / "best", tiny_source())
    file = tmp_path / "best" / "attendnext.py"
    file.write_text(f"{file.read_text()}\nraise RuntimeError\n")
    assert input_shape(tmp_path / "best") == (1, 8, 8)
    file.write_text("def attendnext(): pass\n")
    assert input_shape(tmp_path / "best") is None


def test_a_folder_holds_a_network_in_eval_mode(tmp_path: Path) -> None:
    export(tmp_path / "best", tiny_source())
    network = load_folder(tmp_path / "best")
    assert not network.training and network(torch.zeros(3, 1, 8, 8)).shape == (3, 10)


def test_a_damaged_folder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "best"
    export(folder, tiny_source())
    (folder / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(InputError, match="cannot be read"):
        load_folder(folder)
    (folder / "attendnext.py").write_text("raise OSError")
    with pytest.raises(InputError, match="cannot be run"):
        load_folder(folder)
    (folder / "attendnext.py").unlink()
    with pytest.raises(InputError, match="expected an exported network"):
        load_folder(folder)


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("INPUT_SHAPE = 'abc def'", "INPUT_SHAPE: expected three integers greater than 0"),
        ("INPUT_SHAPE = (1, 8)", "INPUT_SHAPE: expected three integers greater than 0"),
        ("INPUT_SHAPE = (1, 8, 10**9)", "INPUT_SHAPE: expected three integers greater than 0"),
        ("INPUT_SHAPE = (1, 8, -8)", "INPUT_SHAPE: expected three integers greater than 0"),
        ("def (", "is not a Python file"),
        ("import sys; sys.exit(0)", "cannot be run: SystemExit"),
        ("def attendnext(): raise KeyError(1)", "raised KeyError"),
        ("def attendnext(): return 3", r"must return a torch\.nn\.Module, got int"),
    ],
)
def test_a_damaged_file_is_one_error_with_its_place(
    tmp_path: Path, code: str, problem: str
) -> None:
    export(tmp_path / "best", tiny_source())
    (tmp_path / "best" / "attendnext.py").write_text(code)
    with pytest.raises(InputError, match=problem) as caught:
        input_shape(tmp_path / "best")
        load_folder(tmp_path / "best")
    assert "attendnext.py" in caught.value.place
