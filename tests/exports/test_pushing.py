"""An export that is handed on: all of its files, and a model card that the hub's package reads."""

from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

import gensynth
from gensynth.cli import main
from gensynth.errors import InputError

FOUND = Path(__file__).parents[2] / "experiments" / "results" / "attendnext_cifar10" / "found"


def test_the_model_card_states_the_metrics_of_the_test_split(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["push", str(FOUND), "--to", str(tmp_path / "out")])
    assert ended.value.code == 0 and "pushed to" in capsys.readouterr().out
    card = ModelCard.load(tmp_path / "out" / "README.md")
    accuracy, balanced = card.data.eval_results
    assert accuracy.metric_type == "accuracy" and accuracy.metric_value == 0.7901
    assert accuracy.dataset_name == "cifar10" and accuracy.task_type == "image-classification"
    assert balanced.metric_type == "balanced_accuracy"
    assert card.data.pipeline_tag == "image-classification"
    assert "79.01 % on 10,000 images" in card.text
    files = {file.name for file in FOUND.iterdir() if file.suffix != ".pyc" and file.is_file()}
    assert {file.name for file in (tmp_path / "out").iterdir()} == files | {"README.md"}


def test_what_cannot_be_pushed_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="neither an exported folder nor"):
        gensynth.push(tmp_path, tmp_path / "out")
    with pytest.raises(InputError, match="exists already"):
        gensynth.push(FOUND, tmp_path)
    with pytest.raises(InputError, match="expected hf:OWNER/NAME"):
        gensynth.push(FOUND, "hf:mine")


def test_the_hub_gets_the_folder_and_what_it_refuses_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Hub:
        """As `HfApi`, for a user who may write to `me/...` only."""

        got: list[Any] = []  # noqa: RUF012 - one for the test

        def create_repo(self, name: str, private: bool, exist_ok: bool) -> str:
            if not name.startswith("me/"):
                raise PermissionError("403 Forbidden")
            return f"https://huggingface.co/{name}"

        def upload_folder(self, repo_id: str, folder_path: Path) -> None:
            self.got += [repo_id, {file.name for file in folder_path.iterdir()}]

    monkeypatch.setattr("huggingface_hub.HfApi", Hub)
    assert gensynth.push(FOUND, "hf:me/tiny") == "https://huggingface.co/me/tiny"
    assert Hub.got[0] == "me/tiny" and {"README.md", "model.safetensors"} <= Hub.got[1]
    with pytest.raises(InputError, match="403 Forbidden; `hf auth login`"):
        gensynth.push(FOUND, "hf:you/tiny")
