import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gensynth.training.augment import Draws, augmented, draw_augmentation

ALL = ("crop", "flip", "cutout")


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(count: int = 16, size: int = 16) -> torch.Tensor:
    """Pixels that are all different, and none of them 0."""
    return 1 + torch.arange(count * 2 * size * size, dtype=torch.float32).view(-1, 2, size, size)


def test_nothing_asked_nothing_changed() -> None:
    given_images = images()
    assert augmented(given_images, draw_augmentation((), 16, (16, 16), generator())) is given_images


@pytest.mark.parametrize("name", ALL)
def test_same_numbers_same_images(name: str) -> None:
    first, same, other = (
        augmented(images(), draw_augmentation((name,), 16, (16, 16), generator(seed)))
        for seed in (0, 0, 1)
    )
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_crop_shifts_and_fills_with_the_mean() -> None:
    shift = torch.tensor([[2, 2], [0, 4]])
    whole = images(2)
    result = augmented(whole, Draws(shift, None, None, margin=2, side=4))
    assert torch.equal(result[0], whole[0])
    assert torch.equal(result[1, :, 2:, :-2], whole[1, :, :-2, 2:])
    assert result[1, :, :2].eq(0).all()
    assert result[1, :, :, -2:].eq(0).all()


def test_flip_mirrors_the_chosen_ones() -> None:
    whole = images(2)
    result = augmented(whole, Draws(None, torch.tensor([False, True]), None, 2, 4))
    assert torch.equal(result[0], whole[0])
    assert torch.equal(result[1], whole[1].flip(-1))


@given(st.integers(0, 1000), st.integers(4, 20))
def test_cutout_greys_one_square_inside_the_image(seed: int, size: int) -> None:
    draws = draw_augmentation(("cutout",), 8, (size, size), generator(seed))
    holes = augmented(images(8, size), draws).eq(0)
    assert torch.equal(holes[:, 0], holes[:, 1])
    area = holes[:, 0].sum((1, 2))
    assert area.min() >= 1
    assert area.max() <= draws.side**2


def test_shifts_reach_the_whole_margin_and_not_further() -> None:
    draws = draw_augmentation(("crop",), 5000, (32, 32), generator())
    assert draws.margin == 4
    assert draws.shift is not None
    assert set(draws.shift.flatten().tolist()) == set(range(9))


def test_parts_of_an_epoch_get_their_own_numbers() -> None:
    draws = draw_augmentation(ALL, 10, (8, 8), generator())
    whole = images(10, 8)
    halves = [augmented(whole[part], draws.of(part)) for part in (slice(0, 4), slice(4, 10))]
    assert torch.equal(torch.cat(halves), augmented(whole, draws))
