"""Numbers with units: what they mean, and what is refused."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constraints.max_peak_activation_bytes import MaxPeakActivationBytes
from gensynth.errors import InputError
from gensynth.quantity import BYTES, COUNT, MILLISECONDS, PERCENT, Bytes, Milliseconds, Quantity
from gensynth.serialization import from_plain


@dataclass(frozen=True)
class Limits:
    memory: Bytes
    time: Milliseconds | None = None


@pytest.mark.parametrize(
    ("quantity", "text", "number"),
    [
        (COUNT, "4240000", 4_240_000),
        (COUNT, "4.24M", 4_240_000),
        (COUNT, "0.569G", 569_000_000),
        (COUNT, "200k", 200_000),
        (COUNT, "200 K", 200_000),
        (COUNT, "200,000", 200_000),
        (COUNT, "200_000", 200_000),
        (COUNT, "2e5", 200_000),
        (BYTES, "64kB", 64_000),
        (BYTES, " 64 KiB ", 65_536),
        (BYTES, "1.5 MiB", 1_572_864),
        (BYTES, "12 B", 12),
        (MILLISECONDS, "5 ms", 5),
        (MILLISECONDS, "0.25 s", 250),
        (MILLISECONDS, "80 µs", 0.08),
        (PERCENT, "85 %", 85),
    ],
)
def test_a_unit_multiplies_exactly(quantity: Quantity, text: str, number: float) -> None:
    assert quantity.read(text, "limit") == number


@pytest.mark.parametrize(
    ("quantity", "text", "words"),
    [
        (COUNT, "many", "limit: expected a number such as 200k or 4.2M, got 'many'"),
        (COUNT, "", "limit: expected a number such as"),
        (COUNT, "1,5M", "limit: expected a number such as"),
        (COUNT, "5m", "limit: '5m' is ambiguous: write M for millions"),
        (COUNT, "5 MB", "limit: unknown unit 'MB' in '5 MB'; did you mean 'M'?"),
        (COUNT, "1e999999999G", "which is too large"),
        (BYTES, "64 KB", "'64 KB' is ambiguous: write kB (1,000 bytes) or KiB (1,024 bytes)"),
        (BYTES, "64 kiB", "'64 kiB' is ambiguous: write KiB"),
        (MILLISECONDS, "5 min", "unknown unit 'min'"),
    ],
)
def test_what_is_no_number_or_may_mean_two_is_one_line(
    quantity: Quantity, text: str, words: str
) -> None:
    with pytest.raises(InputError) as refused:
        quantity.read(text, "limit")
    assert words in str(refused.value) and "\n" not in str(refused.value)


@given(st.integers(0, 10**12), st.sampled_from(BYTES.units))
def test_every_unit_is_read_with_and_without_a_space(number: int, unit: tuple[str, str]) -> None:
    word, size = unit
    expected = float(number * int(size))
    assert BYTES.read(f"{number}{word}", "") == BYTES.read(f"{number} {word}", "") == expected


def test_a_field_of_a_plugin_takes_numbers_and_texts() -> None:
    assert from_plain(Limits, {"memory": "64 kB", "time": "5 ms"}, "") == Limits(64_000.0, 5.0)
    assert from_plain(Limits, {"memory": 64, "time": None}, "") == Limits(64.0)
    made = from_plain(MaxPeakActivationBytes, {"limit": "256 KiB"}, "constraints.ram")
    assert made.limit == 262_144
    with pytest.raises(InputError, match=r"^constraints\.ram\.limit: unknown unit 'ms'"):
        from_plain(MaxPeakActivationBytes, {"limit": "256 ms"}, "constraints.ram")
