from gensynth.experiment import Stopping
from gensynth.stopping import Halving
from tests.campaigns import measurement


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


def test_what_sufficed_for_a_feasible_network_is_never_stopped() -> None:
    rule = Halving(Stopping(first=2, reduction=3), epochs=20)
    for number in range(6):
        goes_on(rule, number, 90.0 + number)
    assert not goes_on(rule, 6, 70.0)
    rule.proved_feasible([measurement(2, 65.0)])
    assert goes_on(rule, 7, 70.0)
    assert not goes_on(rule, 8, 60.0)


def test_recorded_curves_rebuild_the_rule() -> None:
    lived, rebuilt = (Halving(Stopping(first=1, reduction=2), epochs=8) for _ in range(2))
    for number, top1 in enumerate((30.0, 50.0, 40.0, 60.0)):
        goes_on(lived, number, top1, epoch=1)
        rebuilt.remember(number, [measurement(1, top1)])
    for top1 in (35.0, 45.0, 55.0):
        assert goes_on(lived, 9, top1, epoch=1) == goes_on(rebuilt, 9, top1, epoch=1)


def test_the_rule_can_be_switched_off() -> None:
    rule = Halving(Stopping(rule="none", first=1), epochs=8)
    assert all(goes_on(rule, number, 100.0 - number, epoch=1) for number in range(20))
