from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from gensynth.data.batches import Normal
from gensynth.data.open import open_data
from gensynth.data.sets import DataSet, Split
from gensynth.space import build_source
from gensynth.training import checkpoint
from gensynth.training import loop as training
from gensynth.training.augment import AugmentationDraws
from gensynth.training.job import WEIGHTS
from gensynth.training.loop import Training, train
from tests.support.trainings import QUICK, job, timeless


@pytest.fixture(scope="module")
def digits() -> DataSet:
    return open_data(job(Path()).data)


@pytest.mark.parametrize("decay", [0.0, 0.9])
def test_what_is_measured_is_what_is_kept_in_evaluation_mode(
    decay: float, digits: DataSet, tmp_path: Path
) -> None:
    described = job(tmp_path, replace(QUICK, ema_decay=decay), keep_weights=True)
    measured = list(train(described))[-1]
    network = build_source(described.source).eval()
    network.load_state_dict(load_file(tmp_path / WEIGHTS))
    split = digits.splits["validation"]
    pixels = torch.from_numpy(split.images).float() / 255
    with torch.no_grad():
        predicted = network((pixels - digits.mean[0]) / digits.std[0]).argmax(1).numpy()
    assert measured.top1 == pytest.approx(100 * float(np.mean(predicted == split.labels)))


def test_every_epoch_sees_all_images_in_a_new_order(
    digits: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Tensor] = []

    def watched(images: Tensor, draws: AugmentationDraws, normal: Normal) -> Tensor:
        seen.append(images.clone())
        return images

    monkeypatch.setattr(training, "augmented", watched)
    described = Training(job(tmp_path), digits)
    for epoch in (1, 2):
        described.epoch(epoch)
    first, second = (torch.cat(seen[k : k + 2]) for k in (0, 2))
    assert len(seen) == 4, "270 images are two batches of about 128, none of them tiny"
    assert {len(images) for images in seen} == {135}
    assert not torch.equal(first, second)
    assert torch.equal(*(t.flatten(1).unique(dim=0) for t in (first, second)))  # type: ignore[no-untyped-call]


def test_learning_rate_ends_near_nothing(digits: DataSet, tmp_path: Path) -> None:
    described = Training(job(tmp_path), digits)
    rates = []
    for epoch in range(1, 5):
        described.epoch(epoch)
        rates.append(described.optimizer.param_groups[0]["lr"])
    assert max(rates) > 0.5 * QUICK.learning_rate
    assert rates[-1] < 0.05 * QUICK.learning_rate


def test_a_share_of_the_data_is_the_same_for_every_seed(digits: DataSet, tmp_path: Path) -> None:
    first, second = (Training(job(tmp_path, training_seed=seed), digits) for seed in (0, 1))
    assert torch.equal(first.chosen, second.chosen)
    assert len(first.chosen) == pytest.approx(0.25 * len(digits.splits["train"]), abs=5)
    classes = np.bincount(digits.splits["train"].labels[first.chosen.numpy()])
    assert classes.min() > 20


def small(digits: DataSet, labels: list[int]) -> DataSet:
    train_split = digits.splits["train"]
    rows = [int(np.flatnonzero(train_split.labels == label)[n]) for n, label in enumerate(labels)]
    few = Split(train_split.images[rows], train_split.labels[rows])
    return replace(digits, splits={**digits.splits, "train": few})


def test_no_batch_is_a_single_image(digits: DataSet, tmp_path: Path) -> None:
    wanted = job(tmp_path, replace(QUICK, batch_size=2), checkpoint_s=None)
    wanted = replace(wanted, recipe=replace(wanted.recipe, data_share=1.0))
    begun = Training(wanted, small(digits, [0, 1, 0, 1, 0, 1, 0]))
    sizes: list[int] = []
    begun.network.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    begun._train(1)
    assert sorted(sizes) == [2, 2, 3]


def test_a_share_of_the_data_keeps_the_only_image_of_a_class(
    digits: DataSet, tmp_path: Path
) -> None:
    data = small(digits, [0, 1, 1, 1, 1, 2])
    chosen = Training(job(tmp_path), data).chosen
    assert data.splits["train"].labels[chosen].tolist() == [0, 1, 2]


def test_weights_depend_on_the_seed_alone(digits: DataSet, tmp_path: Path) -> None:
    torch.manual_seed(1)
    first = Training(job(tmp_path), digits)
    torch.manual_seed(2)
    same, other = (Training(job(tmp_path, training_seed=seed), digits) for seed in (0, 1))
    states = [list(t.network.parameters()) for t in (first, same, other)]
    assert all(torch.equal(a, b) for a, b in zip(states[0], states[1], strict=True))
    assert not torch.equal(states[0][0], states[2][0])


@pytest.mark.parametrize(
    ("name", "tensor"),
    [
        ("network/", torch.zeros(3)),
        ("optimizer/", torch.zeros(3)),
        ("optimizer/nothing/momentum_buffer", torch.zeros(3)),
        ("stranger/", torch.zeros(3)),
    ],
)
def test_a_checkpoint_with_other_tensors_starts_the_training_again(
    tmp_path: Path, name: str, tensor: Tensor, caplog: pytest.LogCaptureFixture
) -> None:
    """The identity of the job is right, and what it vouches for is not."""
    quick = job(tmp_path, QUICK)
    whole = timeless(list(train(quick)))
    stored = checkpoint.load(tmp_path, training.identity_of(quick))
    if stored is None:
        started = iter(train(replace(quick, checkpoint_s=0.0)))
        next(started), next(started)
        started.close()  # type: ignore[attr-defined]
        stored = checkpoint.load(tmp_path, training.identity_of(quick))
    assert stored is not None
    changed = {n: tensor.clone() if n.startswith(name) else t for n, t in stored.tensors.items()}
    changed.setdefault(name, tensor)
    checkpoint.save(tmp_path, training.identity_of(quick), replace(stored, tensors=changed))
    assert timeless(list(train(quick))) == whole
    assert "the training starts again" in caplog.text
