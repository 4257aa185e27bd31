"""TFLM's greedy planner: laws for any buffers, and arenas that TFLM itself planned."""

from hypothesis import given
from hypothesis import strategies as st

from gensynth.tflm.planner import Buffer, offsets

BUFFERS = st.lists(
    st.builds(
        lambda size, first, more: Buffer(16 * size, first, first + more),
        st.integers(1, 40),
        st.integers(0, 12),
        st.integers(0, 5),
    ),
    max_size=20,
)


@given(BUFFERS)
def test_buffers_that_are_alive_together_do_not_overlap(buffers: list[Buffer]) -> None:
    placed = list(zip(offsets(buffers), buffers, strict=True))
    for i, (start, one) in enumerate(placed):
        for other_start, other in placed[:i]:
            apart = start + one.size <= other_start or other_start + other.size <= start
            assert apart or one.last < other.first or other.last < one.first


@given(BUFFERS)
def test_the_memory_lies_between_the_largest_need_and_the_sum(buffers: list[Buffer]) -> None:
    ends = (start + b.size for start, b in zip(offsets(buffers), buffers, strict=True))
    needs = (sum(b.size for b in buffers if b.first <= t <= b.last) for t in range(20))
    assert max(needs) <= max(ends, default=0) <= sum(b.size for b in buffers)


def test_of_equal_buffers_the_last_is_placed_first() -> None:
    chain = [Buffer(32, 0, 1), Buffer(32, 1, 2), Buffer(16, 2, 3)]
    assert offsets(chain) == [32, 0, 32]
