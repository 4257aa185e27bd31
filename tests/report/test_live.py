"""The live view: readable in eighty columns, honest about what is best and what is left."""

from collections.abc import Sequence
from io import StringIO

import pytest
from rich.console import Console

from gensynth.campaign.status import Status
from gensynth.evaluation.constraint import Judgement, Verdict
from gensynth.evaluation.outcome import Outcome
from gensynth.graph.profile import Profile
from gensynth.report.live import panel, summary
from gensynth.report.words import duration
from tests.support.campaigns import measurement, outcome


def shown(now: Status, seconds: float = 60.0, already: int = 0, width: int = 80) -> list[str]:
    console = Console(file=StringIO(), width=width)
    with console.capture() as captured:
        console.print(panel(now, seconds, already))
    return [line.rstrip() for line in captured.get().splitlines()]


def status(trained: int = 6, last: Sequence[Outcome] = ()) -> Status:
    best = outcome(
        number=123,
        genome_id="0123456789ab",
        profile=Profile(123_456, 123_456_789, 1, 1),
        curve=(measurement(top1=98.77),),
        value=154.27,
    )
    endings, rejected = {"completed": 5, "stopped": 12}, {"strided_pointwise": 83}
    return Status(trained, 24, 2, "search", best, endings, rejected, tuple(last) or (best,))


def test_every_line_fits_eighty_columns_and_says_all() -> None:
    lines = shown(status())
    assert all(len(line) <= 80 for line in lines)
    assert not any("…" in line for line in lines)
    text = "\n".join(lines)
    for words in ("6 of 24 trained, 2 running", "98.77 %", "154.27 dB", "12 stopped, 5 completed"):
        assert words in text


def test_a_training_that_breaks_a_rule_says_which() -> None:
    verdict = Verdict.at_least(81.0, 84.0, "% top-1")
    rule = Judgement("top1", "enforce", 1.0, verdict.ok, verdict.violation, verdict.reason)
    missed = outcome(number=7, curve=(measurement(top1=81.0),), value=None, judgements=(rule,))
    assert summary(missed).endswith("81.00 %  misses top1")
    assert "misses" not in summary(status().best or missed)


def test_a_narrow_terminal_cuts_lines_and_wraps_none() -> None:
    assert len(shown(status(), width=44)) == len(shown(status(), width=80))


def test_the_time_left_is_that_of_this_start_not_of_earlier_ones() -> None:
    assert "about 3 min left" in shown(status(6), 60.0, already=0)[1]
    assert "about 18 min left" in shown(status(6), 60.0, already=5)[1]
    assert "left" not in shown(status(6), 60.0, already=6)[1]
    assert "left" not in shown(status(24), 60.0)[1]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(3.21, "3.2 s"), (90, "90 s"), (150, "2.5 min"), (9000, "2.5 h"), (400_000, "4.6 days")],
)
def test_durations_have_the_unit_that_suits_them(seconds: float, words: str) -> None:
    assert duration(seconds) == words
