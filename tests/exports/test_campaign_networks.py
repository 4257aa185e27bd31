"""Every trained network leaves: finalists, candidates, references, exports of exports."""

from collections.abc import Iterator
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import gensynth
from gensynth.campaign.campaign_folder import viewing
from gensynth.errors import InputError
from gensynth.evaluation.outcome import Outcome
from gensynth.executors.inline import run_inline
from gensynth.formats.onnx import Onnx
from gensynth.models.exported import load_folder
from gensynth.training.job import WEIGHTS
from tests.support.campaigns import campaign

FORMATS = ("onnx", "int8")
REFERENCE = "tests.support.factories:network"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A campaign that kept the weights of all its networks; one of them is a reference."""
    place = tmp_path_factory.mktemp("leaving") / "run"
    finals = {"candidates": 2, "most": 2, "replicas": 1, "epochs_factor": 1.0, "confidence": 0.6}
    rule = {"use": "top1", "reference": REFERENCE, "margin": -99}
    with campaign(
        place, trials=3, keep_weights=True, finals=finals, constraints={"as_good": rule}
    ) as opened:
        run_inline(opened, lambda: None)
    return place


def rows(folder: Path, purpose: str) -> Iterator[Outcome]:
    return (o for o in viewing(folder).outcomes if o.purpose == purpose)


def stored(folder: Path, outcome: Outcome) -> dict[str, torch.Tensor]:
    return load_file(viewing(folder).folder_of(outcome) / WEIGHTS)


@pytest.mark.slow
def test_a_candidate_a_loser_of_the_finals_and_a_reference_leave_with_their_own_weights(
    folder: Path, tmp_path: Path
) -> None:
    exported = next(rows(folder, "export"))
    finals = list(rows(folder, "final"))
    loser = next(o for o in finals if o.genome_id != exported.genome_id)
    chosen = {o.genome_id for o in finals}
    plain = next(o for o in rows(folder, "search") if o.genome_id not in chosen and o.curve)
    (reference,) = rows(folder, "reference")
    leaving = {loser.genome_id: loser, str(plain.number): plain, REFERENCE: reference}
    for number, (name, outcome) in enumerate(leaving.items()):
        to = tmp_path / str(number)
        formats = () if outcome is reference else FORMATS
        done = gensynth.export(f"{folder}:{name}", to, formats)
        assert (
            done.agrees
            and done.input_shape is None
            and f"epochs, seed {outcome.training_seed}" in done.origin
        )
        ours = load_file(to / "model.safetensors")
        assert all(torch.equal(ours[key], value) for key, value in stored(folder, outcome).items())
        card, images = (to / "card.md").read_text(), torch.rand(3, 1, 8, 8)
        assert f"{outcome.top1:.2f} %" in card and "Test top-1" not in card
        expected = load_folder(to)(images)
        if formats:
            assert torch.allclose(Onnx().open(to / "model.onnx")(images), expected, atol=1e-4)
            assert "validation images of digits" in card
    assert (tmp_path / "2" / "tests_support_factories_network.py").exists()
    assert gensynth.export(f"{folder}:{exported.genome_id}", tmp_path / "won").agrees
    won = load_file(tmp_path / "won" / "model.safetensors")
    assert all(torch.equal(won[key], value) for key, value in stored(folder, exported).items())


@pytest.mark.slow
def test_a_candidate_without_weights_gets_fresh_ones_or_is_trained(
    folder: Path, tmp_path: Path
) -> None:
    with campaign(tmp_path / "run", trials=2) as opened:
        run_inline(opened, lambda: None)
    lone = next(
        o
        for o in rows(tmp_path / "run", "search")
        if o.genome_id not in {f.genome_id for f in rows(tmp_path / "run", "final")}
    )
    name = f"{tmp_path / 'run'}:{lone.number}"
    assert gensynth.export(name, tmp_path / "fresh").input_shape == (1, 8, 8)
    done = gensynth.export(name, tmp_path / "trained", FORMATS, train=True)
    assert done.agrees and "a training of its own on train and validation" in done.origin
    card = (tmp_path / "trained" / "card.md").read_text()
    assert "Test top-1" in card and "| Test split looked at | 2 times |" in card
    again = gensynth.export(name, tmp_path / "again")
    assert again.origin == done.origin, "what was trained once is not trained again"
    with pytest.raises(InputError, match="--train: is for a candidate"):
        gensynth.export(tmp_path / "run", tmp_path / "never", train=True)


def test_an_export_leaves_again_in_other_formats_with_its_own_weights(
    folder: Path, tmp_path: Path
) -> None:
    gensynth.export(folder, tmp_path / "first", ("onnx",))
    with pytest.raises(InputError, match="int8 is fitted to real images: add --data FOLDER"):
        gensynth.export(tmp_path / "first", tmp_path / "never", ("int8",))
    done = gensynth.export(tmp_path / "first", tmp_path / "second", ("int8", "pt2"), data="digits")
    assert done.agrees and done.agreements[0].top1_written is not None
    files = {file.name for file in (tmp_path / "second").iterdir()}
    assert {"model.int8.onnx", "model.pt2", "toyspace.py", "genome.json"} <= files
    assert "model.onnx" not in files
    cards = [(tmp_path / name / "card.md").read_text() for name in ("first", "second")]
    assert [card.count("## Formats") for card in cards] == [1, 1] and "`model.onnx`" not in cards[1]
    weights = [load_file(tmp_path / name / "model.safetensors") for name in ("first", "second")]
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])


@pytest.mark.slow
def test_what_was_trained_leaves_in_every_format_by_the_name_of_its_folder(tmp_path: Path) -> None:
    with redirect_stderr(StringIO()):
        gensynth.train(
            "timm:test_resnet+stride1", "digits", epochs=1, rates=[0.1], out=tmp_path / "peer"
        )
    done = gensynth.export(tmp_path / "peer", tmp_path / "out", FORMATS)
    assert done.agrees and (tmp_path / "out" / "model.int8.onnx").exists()
    assert "test images of digits" in str(done.agreements[0])
