from pathlib import Path

from gensynth.campaign.campaign import Campaign
from gensynth.campaign.early_stopping import Halving
from gensynth.campaign.experiment import Stopping
from gensynth.training.attempt import Result
from gensynth.training.job import Job
from tests.support.campaigns import campaign, measurement


def goes_on(rule: Halving, number: int, top1: float, epoch: int = 2) -> bool:
    return rule.goes_on(number, measurement(epoch, top1))


def test_nothing_stops_between_rungs_or_before_there_is_a_comparison() -> None:
    rule = Halving(Stopping(first=2, reduction=3), epochs=20)
    assert all(goes_on(rule, number, 10.0, epoch=1) for number in range(9))
    assert goes_on(rule, 0, 90.0) and goes_on(rule, 1, 10.0)


def test_at_a_rung_only_the_best_share_goes_on() -> None:
    rule = Halving(Stopping(first=2, reduction=3), epochs=20)
    for number, top1 in enumerate((50.0, 60.0, 70.0, 80.0, 90.0)):
        goes_on(rule, number, top1)
    assert not goes_on(rule, 5, 75.0)
    assert goes_on(rule, 6, 85.0)


def test_a_training_that_is_resumed_is_counted_once() -> None:
    once, twice = (Halving(Stopping(first=2, reduction=2), epochs=20) for _ in range(2))
    for number, top1 in ((0, 50.0), (1, 60.0), (2, 90.0)):
        goes_on(once, number, top1)
        goes_on(twice, number, top1)
        goes_on(twice, number, top1)
    assert goes_on(once, 3, 70.0) == goes_on(twice, 3, 70.0)


def completed(rule: Halving, number: int, half_way: float, end: float) -> None:
    rule.remember(number, [measurement(2, half_way), measurement(8, end)], completed=True)


def test_hope_is_the_greatest_rise_that_a_completed_training_had() -> None:
    rule = Halving(Stopping(first=2, reduction=3), epochs=8)
    for number, end in enumerate((60.0, 75.0, 65.0)):
        completed(rule, number, 50.0, end)
    assert rule.hope(measurement(2, 40.0)) is None  # Three are too few to tell.
    rule.remember(3, [measurement(2, 10.0)], completed=False)
    assert rule.hope(measurement(2, 40.0)) is None  # One that was stopped tells no rise.
    completed(rule, 4, 55.0, 56.0)
    hopes = [rule.hope(measurement(2, top1)) for top1 in (40.0, 90.0)]
    assert [hope.top1 for hope in hopes if hope is not None] == [65.0, 100.0]


def test_recorded_curves_rebuild_the_rule() -> None:
    lived, rebuilt = (Halving(Stopping(first=1, reduction=2), epochs=8) for _ in range(2))
    for number, top1 in enumerate((30.0, 50.0, 40.0, 60.0)):
        curve = [measurement(1, top1), measurement(8, top1 + 20)]
        goes_on(lived, number, top1, epoch=1)
        for rule in (lived, rebuilt):
            rule.remember(number, curve, completed=True)
    assert lived.hope(measurement(1, 30.0)) == rebuilt.hope(measurement(1, 30.0))
    for top1 in (35.0, 45.0, 55.0):
        assert goes_on(lived, 9, top1, epoch=1) == goes_on(rebuilt, 9, top1, epoch=1)


def test_the_rule_can_be_switched_off() -> None:
    rule = Halving(Stopping(rule="none", first=1), epochs=8)
    assert all(goes_on(rule, number, 100.0 - number, epoch=1) for number in range(20))


LEAST = {"top1": {"use": "constraints.top1:Top1", "min": 50.0}}
STOPPING = {"rule": "halving", "first": 1, "reduction": 2}


def reported(opened: Campaign, top1s: tuple[float, ...], end: float | None) -> list[bool]:
    """Report first epochs, one after the other; each training completes at `end`, if that is."""
    goes_on = []
    for top1 in top1s:
        job = opened.ask()
        assert isinstance(job, Job)
        goes_on.append(opened.report(job, measurement(1, top1)))
        if end is not None:
            curve = (measurement(1, top1), measurement(2, end))
            opened.tell(job, Result("completed", curve))
    return goes_on


def test_nothing_is_stopped_before_it_is_known_how_far_a_training_may_rise(tmp_path: Path) -> None:
    with campaign(tmp_path, stopping=STOPPING, constraints=LEAST, trials=6) as opened:
        assert reported(opened, (90.0, 80.0, 30.0, 20.0), end=None) == [True] * 4


def test_what_falls_behind_goes_on_while_it_may_keep_the_rules(tmp_path: Path) -> None:
    with campaign(tmp_path, stopping=STOPPING, constraints=LEAST, trials=12) as opened:
        # No completed training rises by more than 10 points, and none keeps the floor of 50.
        assert reported(opened, (39.0, 38.5, 38.2, 38.1), end=48.1) == [True] * 4
        assert reported(opened, (41.0, 40.5, 38.0), end=None) == [True, True, False]


def test_what_keeps_every_rule_is_stopped_where_it_cannot_reach_the_finals(tmp_path: Path) -> None:
    with campaign(tmp_path, stopping=STOPPING, trials=12) as opened:
        assert reported(opened, (80.0, 80.0, 80.0, 80.0), end=81.0) == [True] * 4
        # Whatever its size, it may have no such value at 2 % as the best one at 81 %.
        assert reported(opened, (1.0,), end=None) == [False]
