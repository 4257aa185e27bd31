"""The live view: readable in eighty columns, honest about what is best and what is left."""

from collections.abc import Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from gensynth.campaign.status import Effort, Status, Training, moved, status_of
from gensynth.evaluation.constraint import Judgement, Verdict
from gensynth.evaluation.outcome import Outcome
from gensynth.executors.inline import run_inline
from gensynth.graph.profile import Profile
from gensynth.report.live import panel, sparkline, summary
from gensynth.report.words import duration
from gensynth.training.job import Job
from tests.support.campaigns import campaign, measurement, outcome


def shown(now: Status, seconds: float = 60.0, already: float = 0, width: int = 80) -> list[str]:
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
    curve = tuple(replace(measurement(top1=80.0 + n), epoch=n + 1) for n in range(12))
    going = Training(1234, "search", 40, curve)
    return Status(
        trained, 24, 2, "search", best, endings, rejected, tuple(last) or (best,),
        (going, Training(1235, "search", 40)), Effort(24, 18, 4), Effort(trained),
    )  # fmt: skip


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


def test_a_narrow_terminal_cuts_lines_with_a_sign_and_wraps_none() -> None:
    narrow = shown(status(), width=44)
    assert len(narrow) == len(shown(status(), width=80))
    assert all(len(line) <= 44 for line in narrow) and any("…" in line for line in narrow)


def test_the_best_candidate_names_the_constraints_that_it_does_not_keep() -> None:
    rules = [Judgement(f"rule_{n}", "prefer", 1.0, n != 2, 0.0, "") for n in range(4)]
    best = replace(status().best or outcome(), judgements=tuple(rules))
    assert "not kept: rule_2; ok: the other 3" in "\n".join(shown(replace(status(), best=best)))


def test_a_search_by_the_clock_counts_down_and_promises_no_number_of_trials() -> None:
    first, time, *_ = shown(replace(status(), counted=False, left_s=120.0))
    assert "6 trained, 2 running" in first
    assert time.split(maxsplit=1)[1] == "60 s so far, at most 2 min left"
    assert "30 of 30 trained" in shown(replace(status(30), trials=24))[0], "it was extended before"


def test_the_time_left_is_that_of_this_start_and_has_all_that_is_still_to_be_trained() -> None:
    time, parts, *_ = shown(status(6), 60.0, already=0)[1:]
    assert "60 s so far, about 7.3 min left:" in time
    assert parts.strip() == "search 3 min, finals 3 min, last training 80 s"
    assert "search 18 min, finals 18 min" in shown(status(6), 60.0, already=5)[2]
    assert "left" not in shown(status(6), 60.0, already=6)[1]
    over = replace(status(24), done=Effort(24, 18, 4))
    assert "left" not in shown(over, 60.0)[1]


def test_a_running_training_moves_before_its_end() -> None:
    lines = shown(status())
    assert "search 1234  epoch 12/40  loss 0.50  91.00 %  ▁▂▂▃▄▄▅▅▆▇▇█" in lines[3]
    assert "search 1235  starting, 40 epochs" in lines[4]


def test_a_sparkline_is_short_and_ends_with_the_latest_value() -> None:
    assert sparkline([5.0]) == "▁" and sparkline([1.0, 1.0]) == "▁▁"
    long = sparkline([float(n) for n in range(1000)])
    assert len(long) <= 16 and long.endswith("█")


def test_a_campaign_in_progress_counts_epochs_finals_and_the_last_training(tmp_path: Path) -> None:
    with campaign(tmp_path / "run", trials=2) as opened:
        job = opened.ask()
        assert isinstance(job, Job)
        opened.report(job, measurement(epoch=1))
        now = status_of(opened)
        (training,) = now.trainings
        assert (training.purpose, training.epochs, training.share) == ("search", 2, 0.5)
        assert (now.planned, now.done) == (Effort(2, 2, 1), Effort(0.5))
        opened.resume()
        run_inline(opened)
        assert moved(now, opened).done.total == moved(now, opened).planned.total


def test_once_the_network_is_trained_nothing_is_left_however_many_finals_were_planned(
    tmp_path: Path,
) -> None:
    with campaign(tmp_path, trials=1) as small:
        run_inline(small)
        now = status_of(small)
    assert now.phase == "finished" and now.done == now.planned
    assert not any("left" in line for line in shown(now))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(3.21, "3.2 s"), (90, "90 s"), (150, "2.5 min"), (9000, "2.5 h"), (400_000, "4.6 days")],
)
def test_durations_have_the_unit_that_suits_them(seconds: float, words: str) -> None:
    assert duration(seconds) == words
