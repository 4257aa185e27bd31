from importlib import import_module

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gensynth.data.batches import Normal
from gensynth.models.timm_models import import_torchvision
from gensynth.training.augment import AugmentationDraws, augmented, draw_augmentation, joined_draws

ALL = ("crop", "flip", "cutout")
MORE = (*ALL, "colour", "erase")


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
    result = augmented(whole, AugmentationDraws(shift, None, None, margin=2, side=4))
    assert torch.equal(result[0], whole[0])
    assert torch.equal(result[1, :, 2:, :-2], whole[1, :, :-2, 2:])
    assert result[1, :, :2].eq(0).all()
    assert result[1, :, :, -2:].eq(0).all()


def test_flip_mirrors_the_chosen_ones() -> None:
    whole = images(2)
    result = augmented(whole, AugmentationDraws(None, torch.tensor([False, True]), None, 2, 4))
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


def pixels(channels: int = 3) -> torch.Tensor:
    return torch.rand((8, channels, 16, 16), generator=generator(5))


@pytest.mark.parametrize("channels", [1, 3])
def test_colour_is_torchvisions_on_the_pixels_before_they_were_normalised(channels: int) -> None:
    import_torchvision()
    functions = import_module("torchvision.transforms.v2.functional")
    draws = draw_augmentation(("colour",), 8, (16, 16), generator())
    whole = pixels(channels)
    normal = Normal(torch.full((channels, 1, 1), 0.4), torch.full((channels, 1, 1), 0.2))
    changed = augmented((whole - 0.4) / 0.2, draws, normal) * 0.2 + 0.4
    assert draws.colour is not None and draws.colour.min() >= 0.6 and draws.colour.max() <= 1.4
    bright, contrast, saturation = draws.colour[3].tolist()
    expected = functions.adjust_contrast(functions.adjust_brightness(whole[3], bright), contrast)
    expected = functions.adjust_saturation(expected, saturation)
    assert torch.allclose(changed[3], expected, atol=1e-5)


def test_erase_greys_one_rectangle_in_half_of_the_images() -> None:
    draws = draw_augmentation(("erase",), 200, (16, 16), generator())
    whole = torch.ones((200, 3, 16, 16))
    changed = augmented(whole, draws)
    areas = changed.eq(0)[:, 0].sum((1, 2))
    assert 60 < int((areas > 0).sum()) < 140 and int(areas.max()) <= 0.25 * 256
    assert draws.box is not None
    top, left, height, width = draws.box[areas.argmax()].tolist()
    assert changed[areas.argmax(), :, top : top + height, left : left + width].eq(0).all()
    assert whole.eq(1).all(), "the images of the data set stay as they are"


def test_earlier_augmentations_draw_the_numbers_that_they_always_drew() -> None:
    few = draw_augmentation(ALL, 8, (16, 16), generator())
    more = draw_augmentation(MORE, 8, (16, 16), generator())
    for kind in ("shift", "mirror", "square"):
        assert torch.equal(getattr(few, kind), getattr(more, kind))


@pytest.mark.parametrize("name", ["colour", "erase"])
def test_parts_of_an_epoch_get_the_numbers_of_torchvisions_augmentations(name: str) -> None:
    draws, whole = draw_augmentation((name,), 8, (16, 16), generator()), pixels()
    halves = [augmented(whole[part], draws.of(part)) for part in (slice(0, 3), slice(3, 8))]
    assert torch.equal(torch.cat(halves), augmented(whole, draws))
    assert not torch.equal(torch.cat(halves), whole)
    joined = joined_draws([draws, draws])
    twice = augmented(torch.cat((whole, whole)), joined)
    assert torch.equal(twice[:8], twice[8:])
