import math
import subprocess
import sys
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from gensynth.data.open import open_data
from gensynth.errors import InputError
from gensynth.serialization import dumps, from_plain, loads
from gensynth.space import Source
from gensynth.training.checkpoint import CHECKPOINT
from gensynth.training.job import WEIGHTS, Diverged, Job, Recipe
from gensynth.training.loop import Training, identity_of, train
from tests.support.trainings import QUICK, job, timeless

RECIPES = {
    "sgd": QUICK,
    "adamw": replace(QUICK, optimizer="adamw", learning_rate=0.01),
    "average": replace(QUICK, ema_decay=0.9),
    "layout": replace(QUICK, channels_last=False),
    "augmented": replace(QUICK, augment=("crop", "flip", "cutout")),
}


OF_A_STORED_CHECKPOINT = "ec1518d88ad5"
"""Identity of a job of timm's `test_resnet` in a checkpoint of version 11d2e6a."""


def weights(folder: Path) -> dict[str, torch.Tensor]:
    tensors: dict[str, torch.Tensor] = load_file(folder / WEIGHTS)
    return tensors


def equal(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(
        torch.equal(first[name], second[name]) for name in first
    )


@pytest.mark.parametrize("name", RECIPES)
def test_interrupted_and_resumed_is_bitwise_the_uninterrupted(name: str, tmp_path: Path) -> None:
    recipe = RECIPES[name]
    whole = list(train(job(tmp_path / "a", recipe, keep_weights=True)))
    broken = job(tmp_path / "b", recipe, keep_weights=True)
    begun = list(islice(train(broken), 2))
    resumed = list(train(broken))
    assert timeless(begun) == timeless(whole)[:2]
    assert timeless(resumed) == timeless(whole)
    assert resumed[:2] == begun, "what was measured before comes from the checkpoint"
    assert equal(weights(tmp_path / "a"), weights(tmp_path / "b"))


KILLED = """
import sys
from gensynth.serialization import from_plain, loads
from gensynth.training.job import Job
from gensynth.training.loop import train

for _ in train(from_plain(Job, loads(sys.argv[1], "job"), "job")):
    print("epoch", flush=True)
"""


def test_a_killed_final_training_is_resumed_bitwise(tmp_path: Path) -> None:
    recipe = replace(QUICK, epochs=40, ema_decay=0.99)
    final = job(
        tmp_path / "killed",
        recipe,
        splits=("train", "validation"),
        measure_test=True,
        keep_weights=True,
        import_paths=(str(Path(__file__).parents[2]),),
    )
    command = [sys.executable, "-c", KILLED, dumps(final)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as run:
        assert run.stdout is not None
        for _ in range(3):
            assert run.stdout.readline() == b"epoch\n"
        run.kill()
    assert not (tmp_path / "killed" / WEIGHTS).exists()
    resumed = timeless(list(train(final)))
    whole = replace(final, folder=str(tmp_path / "whole"))
    assert resumed == timeless(list(train(whole)))
    assert equal(weights(tmp_path / "killed"), weights(tmp_path / "whole"))


def test_a_job_that_names_a_former_module_is_the_same_job(tmp_path: Path) -> None:
    """What an earlier version began, this one resumes."""
    spec = {"name": "test_resnet", "classes": 10, "channels": 1, "fused": False}
    present = job(tmp_path, source=Source("gensynth.models.timm_models", spec, (1, 8, 8)))
    former = replace(present, source=replace(present.source, module="gensynth.peers"))
    assert identity_of(present) == identity_of(former) == OF_A_STORED_CHECKPOINT
    begun = list(islice(train(former), 2))
    assert list(train(present))[:2] == begun


def test_same_seed_same_curve_other_seed_another(tmp_path: Path) -> None:
    first = job(tmp_path / "a", checkpoint_s=None)
    torch.manual_seed(1)
    one = timeless(list(train(first)))
    torch.manual_seed(2)
    assert timeless(list(train(first))) == one
    assert timeless(list(train(replace(first, training_seed=1)))) != one


def test_training_leaves_the_global_random_state_alone(tmp_path: Path) -> None:
    before = torch.get_rng_state()
    list(train(job(tmp_path)))
    assert torch.equal(torch.get_rng_state(), before)


def test_measurements_are_finite_and_the_last_has_the_confusion_matrix(tmp_path: Path) -> None:
    curve = list(train(job(tmp_path)))
    assert [m.epoch for m in curve] == [1, 2, 3, 4]
    assert all(math.isfinite(m.loss) and 0 <= m.top1 <= 100 and m.seconds > 0 for m in curve)
    assert all(not m.confusion for m in curve[:-1])
    table = torch.tensor(curve[-1].confusion)
    held_out = open_data(job(tmp_path).data).splits["validation"]
    assert table.sum(1).tolist() == torch.bincount(torch.from_numpy(held_out.labels)).tolist()
    assert curve[-1].top1 == pytest.approx(100 * table.trace().item() / len(held_out))


def test_network_learns(tmp_path: Path) -> None:
    curve = list(train(job(tmp_path, replace(QUICK, epochs=12, data_share=1.0, batch_size=32))))
    assert curve[-1].top1 > 70  # Six seeds ended at 88 to 92.
    assert curve[-1].loss < curve[0].loss


def test_a_complete_checkpoint_answers_without_training(tmp_path: Path) -> None:
    done = job(tmp_path)
    curve = list(train(done))
    assert list(train(done)) == curve, "also the seconds are those of the first time"


def test_weights_missing_beside_a_complete_checkpoint_are_written(tmp_path: Path) -> None:
    kept = job(tmp_path, keep_weights=True)
    list(train(kept))
    before = weights(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    list(train(kept))
    assert equal(weights(tmp_path), before)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
def test_a_damaged_checkpoint_starts_the_training_again(share: float, tmp_path: Path) -> None:
    begun = job(tmp_path)
    whole = timeless(list(train(begun)))
    data = (tmp_path / CHECKPOINT).read_bytes()
    (tmp_path / CHECKPOINT).write_bytes(data[: int(share * len(data))])
    assert timeless(list(train(begun))) == whole


def test_a_checkpoint_of_another_job_is_not_used(tmp_path: Path) -> None:
    list(train(job(tmp_path)))
    other = job(tmp_path, training_seed=5)
    fresh = job(tmp_path / "fresh", training_seed=5)
    assert timeless(list(train(other))) == timeless(list(train(fresh)))


def test_identity_is_what_decides_the_result(tmp_path: Path) -> None:
    plain = job(tmp_path)
    elsewhere = replace(plain, folder="elsewhere", attempt=2, threads=2, number=7)
    assert identity_of(plain) == identity_of(elsewhere)
    assert identity_of(plain) != identity_of(replace(plain, training_seed=1))
    assert identity_of(plain) != identity_of(replace(plain, recipe=replace(QUICK, epochs=5)))


def test_test_split_is_measured_only_if_asked_and_only_at_the_end(tmp_path: Path) -> None:
    assert all(m.test_top1 is None for m in train(job(tmp_path / "a")))
    curve = list(train(job(tmp_path / "b", measure_test=True)))
    assert [m.test_top1 is None for m in curve] == [True, True, True, False]
    test = open_data(job(tmp_path).data).splits["test"]
    assert sum(map(sum, curve[-1].confusion)) == len(test)


def test_training_on_validation_too_shows_its_own_images(tmp_path: Path) -> None:
    both = job(tmp_path, splits=("train", "validation"), measure_test=True)
    training = Training(both, open_data(both.data))
    assert training.held_out is None
    assert len(training.images) == 1438
    curve = list(train(both))
    assert curve[-1].test_top1 is not None
    assert all(0 <= m.top1 <= 100 for m in curve)


def test_other_data_than_the_campaigns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="digits: the data has changed"):
        next(train(job(tmp_path, data_fingerprint="0123")))


def test_non_finite_loss_diverges(tmp_path: Path) -> None:
    wild = replace(QUICK, learning_rate=1e30)
    with pytest.raises(Diverged, match=r"epoch \d is (nan|inf)"):
        list(train(job(tmp_path, wild)))


def test_images_are_resized_to_what_the_network_takes(tmp_path: Path) -> None:
    plain = job(tmp_path)
    larger = replace(plain, source=replace(plain.source, input_shape=(1, 12, 12)))
    twice = replace(larger, data=replace(plain.data, chain="two_resizes"))
    training = Training(twice, open_data(plain.data))
    assert training.images.at(torch.arange(3))[0].shape == (3, 1, 12, 12)
    assert len(list(train(twice))) == 4
    once = open_data(plain.data, size=(12, 12))
    assert once.task.height == 12 and once.fingerprint != plain.data_fingerprint
    assert len(list(train(replace(larger, data_fingerprint=once.fingerprint)))) == 4


def test_plugins_folders_are_appended_never_prepended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setattr(sys, "path", [*sys.path])
    first = list(sys.path)
    next(train(job(tmp_path, import_paths=(str(tmp_path),))))
    assert sys.path == [*first, str(tmp_path)]


def test_job_survives_json(tmp_path: Path) -> None:
    plain = job(tmp_path, splits=("train", "validation"))
    assert from_plain(Job, loads(dumps(plain), "job"), "job") == plain


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", 0),
        ("batch_size", 1),
        ("learning_rate", 0.0),
        ("weight_decay", -1.0),
        ("label_smoothing", 1.0),
        ("warm_up", 1.0),
        ("ema_decay", -0.1),
        ("data_share", 0.0),
    ],
)
def test_impossible_recipes_name_their_field(field: str, value: float) -> None:
    with pytest.raises(InputError) as error:
        from_plain(Recipe, {field: value}, "proxy")
    assert error.value.place == f"proxy.{field}"
