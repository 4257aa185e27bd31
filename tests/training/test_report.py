import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gensynth.cli import main
from gensynth.data.open import open_data
from gensynth.data.sets import DataSettings
from gensynth.errors import InputError
from gensynth.evaluation.measurement import Measurement
from gensynth.models.exported import load_folder
from gensynth.space import Source
from gensynth.training.folder_lock import CLAIM
from gensynth.training.report import REPORT, read_report, trained
from tests.support.trainings import QUICK, job

TEN = replace(QUICK, epochs=15)


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["train", *arguments])
    return int(str(ended.value.code))


def test_the_test_split_is_measured_once_and_the_curve_is_told(tmp_path: Path) -> None:
    told: list[tuple[float, int]] = []
    wanted = job(tmp_path, TEN, measure_test=True, keep_weights=True)
    report = trained(
        "net", wanted, (10, 20), 359, (0.1, 0.2), lambda r, m: told.append((r, m.epoch))
    )
    assert [m.test_top1 is not None for m in report.curve] == 14 * [False] + [True]
    low, high = report.test_interval
    assert low < report.test_top1 < high
    assert report.flat is (report.gain_at_end is not None and report.gain_at_end < 0.5)
    assert told[-1] == (report.rate, 15) and {rate for rate, _ in told} == {0.1, 0.2}
    assert (tmp_path / "model.safetensors").exists()
    assert read_report(tmp_path) == report


def test_a_finished_training_is_read_and_another_one_refused(tmp_path: Path) -> None:
    wanted = job(tmp_path, measure_test=True)
    first = trained("net", wanted, (1, 2), 359, (0.2,))
    told: list[int] = []
    again = trained("net", wanted, (1, 2), 359, (0.2,), lambda _, m: told.append(m.epoch))
    assert again == first and not told
    with pytest.raises(InputError, match="holds another training, of net"):
        trained("other", replace(wanted, training_seed=9), (1, 2), 359, (0.2,))


def test_the_report_of_a_training_that_names_a_former_module_is_read(tmp_path: Path) -> None:
    spec = {"name": "test_resnet", "classes": 10, "channels": 1, "fused": False}
    present = job(tmp_path, source=Source("gensynth.models.timm_models", spec, (1, 8, 8)))
    former = replace(present, source=replace(present.source, module="gensynth.peers"))
    first = trained("net", former, (1, 2), 359, (0.2,))
    assert trained("net", present, (1, 2), 359, (0.2,)) == first


def test_another_training_does_not_write_over_one_that_was_interrupted(tmp_path: Path) -> None:
    wanted = job(tmp_path, TEN, measure_test=True)

    def stop(_: float, measurement: Measurement) -> None:
        if measurement.epoch == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained("net", wanted, (1, 2), 359, (0.2,), stop)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.safetensors")}
    assert before
    with pytest.raises(InputError, match="holds another training, of net"):
        trained("net", replace(wanted, recipe=QUICK), (1, 2), 359, (0.2,))
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*.safetensors")}
    assert len(trained("net", wanted, (1, 2), 359, (0.2,)).curve) == 15


def test_a_damaged_note_of_what_has_begun_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / CLAIM).write_bytes(b"")
    trained("net", job(tmp_path, measure_test=True), (1, 2), 359, (0.2,))
    assert (tmp_path / CLAIM).read_text()


def test_two_trainings_in_one_folder_are_one_too_many(tmp_path: Path) -> None:
    wanted = job(tmp_path, measure_test=True)
    refused: list[str] = []

    def second(_: float, __: Measurement) -> None:
        with pytest.raises(InputError, match="another process is training here") as error:
            trained("net", wanted, (1, 2), 359, (0.1, 0.2))
        refused.append(str(error.value))

    trained("net", wanted, (1, 2), 359, (0.1, 0.2), second)
    assert len(refused) == 2 + 2 + 4


def test_a_damaged_report_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / REPORT).write_text('{"model": 3}')
    with pytest.raises(InputError, match=REPORT):
        read_report(tmp_path)


def test_the_command_trains_presets_and_peers_by_one_recipe(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--data", "digits", "--epochs", "2", "--threads", "1", "--json")
    reports = []
    for number, model in enumerate(("attendnext:tiny", "timm:test_resnet")):
        assert run(model, *options, "--out", str(tmp_path / str(number))) == 0
        reports += json.loads(capsys.readouterr().out)
    assert [report["model"] for report in reports] == ["attendnext:tiny", "timm:test_resnet"]
    assert reports[0]["params"] == 2262
    assert all(set(report["rates"]) == {"0.1", "0.2", "0.4"} for report in reports)
    peer = tmp_path / "1" / "network"
    assert {file.name for file in peer.iterdir()} == {
        "test_resnet.py", "model.safetensors", "card.md", "config.json", "predict.py",
        "evaluation.json",
    }, "timm builds its networks itself"  # fmt: skip
    assert "this file needs timm and torch" in (peer / "test_resnet.py").read_text()
    assert load_folder(peer)(torch.zeros(2, 1, 8, 8)).shape == (2, 10)


def test_a_rate_can_be_chosen_now_and_the_training_follow_later(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--data", "digits", "--epochs", "3", "--json", "--out", str(tmp_path))
    assert run("attendnext:tiny", *options, "--rate-only") == 0
    (choice,) = json.loads(capsys.readouterr().out)
    assert not (tmp_path / "training.json").exists()
    assert run("attendnext:tiny", *options) == 0
    (report,) = json.loads(capsys.readouterr().out)
    assert (report["rate"], report["rates"]) == (choice["rate"], choice["rates"])


def test_a_rate_that_is_given_is_not_tried(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--data", "digits", "--epochs", "2", "--out", str(tmp_path), "--rates", "0.2")
    assert run("attendnext:tiny", *options, "--json") == 0
    (report,) = json.loads(capsys.readouterr().out)
    assert (report["rate"], report["rates"]) == (0.2, {})
    assert not list(tmp_path.glob("rate-*"))
    assert run("attendnext:tiny", *options) == 0
    assert "learning rate     0.2\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("rates", "wanted"),
    [
        *[(rates, "comma-separated numbers") for rates in ("", "0.1,", "0.1;0.2")],
        *[(rates, "numbers above 0") for rates in ("0", "-1", "nan", "inf")],
    ],
)
def test_rates_that_are_none_are_one_line(
    rates: str, wanted: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("attendnext:tiny", "--data", "digits", "--out", str(tmp_path), "--rates", rates) == 2
    assert capsys.readouterr().err == f"gensynth: --rates: expected {wanted}, got {rates!r}\n"


def test_what_was_trained_stands_alone_and_can_be_trained_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = tmp_path / "first"
    options = ("--data", "digits", "--epochs", "2", "--json", "--out")
    assert run("attendnext:tiny", *options, str(first)) == 0
    (report,) = json.loads(capsys.readouterr().out)
    network = load_folder(first / "network").eval()
    test = open_data(DataSettings()).splits["test"]
    config = json.loads((first / "network" / "config.json").read_text())["pretrained_cfg"]
    images = (torch.from_numpy(test.images) / 255 - config["mean"][0]) / config["std"][0]
    with torch.no_grad():
        right = (network(images).argmax(1) == torch.from_numpy(test.labels)).float().mean()
    assert 100 * float(right) == pytest.approx(report["test_top1"], abs=0.3)
    assert "2 epochs on the training images" in (first / "network" / "card.md").read_text()
    second = str(tmp_path / "second")
    assert run(str(first / "network"), *options, second, "--from-scratch") == 0
    (again,) = json.loads(capsys.readouterr().out)
    assert again["test_top1"] == report["test_top1"]


def test_a_folder_called_digits_is_not_mistaken_for_the_embedded_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").mkdir()
    assert run("attendnext:tiny", "--data", "digits") == 2
    assert "write ./digits" in capsys.readouterr().err
    assert run("attendnext:tiny", "--data", "./digits") == 2
    assert "expected two or more class folders" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("attendnext:nope", "--data", "digits"), "attendnext:nope: space attendnext has no"),
        (("module:factory", "--data", "digits"), "module:factory: cannot import 'module'"),
        (("timm:vgg11", "--data", "digits"), "timm:vgg11: cannot run on one 1x8x8 image"),
        (("attendnext:tiny", "--data", "nowhere"), "no such folder"),
        (("attendnext:tiny", "--data", "digits", "--device", "tpu"), "--device: unknown device"),
        (("attendnext:tiny", "--data", "digits", "--augment", "spin"), "--augment[0]: expected"),
        (
            ("attendnext:tiny", "--data", "digits", "--data-share", "2"),
            "--data-share: must be greater",
        ),
    ],
)
def test_bad_input_is_one_line(
    arguments: tuple[str, ...],
    line: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*arguments) == 2
    said = capsys.readouterr().err
    assert line in said and said.count("\n") == 1
