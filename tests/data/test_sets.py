import numpy as np
import pytest

from gensynth.data.sets import DataSettings, statistics
from gensynth.errors import InputError
from gensynth.serialization import from_plain


def test_statistics_are_those_of_the_floats() -> None:
    images = np.random.default_rng(0).integers(0, 256, (50, 3, 5, 7), dtype=np.uint8)
    mean, std = statistics(images)
    assert mean == pytest.approx((images / 255).mean((0, 2, 3)))
    assert std == pytest.approx((images / 255).std((0, 2, 3)))


def test_a_constant_channel_can_be_divided_by() -> None:
    mean, std = statistics(np.full((4, 1, 3, 3), 7, dtype=np.uint8))
    assert mean == pytest.approx((7 / 255,))
    assert std == (1.0,)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("validation_share", 0.0),
        ("test_share", 0.9),
        ("unreadable_share", 1.0),
        ("image_size", 2),
        ("split_seed", -1),
    ],
)
def test_impossible_settings_name_their_field(field: str, value: float) -> None:
    with pytest.raises(InputError) as error:
        from_plain(DataSettings, {field: value}, "data")
    assert error.value.place == f"data.{field}"
