from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gensynth.campaign.campaign import CampaignDriver, Done
from gensynth.campaign.campaign_folder import driving
from gensynth.campaign.early_stopping import Curve, Halving, Never, Running, SearchCurves
from gensynth.campaign.experiment import EXPERIMENT, parse_experiment, read_experiment
from gensynth.campaign.experiment_tables import Stopping
from gensynth.errors import InputError
from gensynth.training.attempt import Result
from gensynth.training.job import Job
from tests.campaign.test_campaign import play
from tests.support.campaigns import campaign, experiment, measurement


def course(reduction: int = 3, first: int = 2, epochs: int = 20) -> SearchCurves:
    """Return curves under halving in which every candidate misses the finals: the rank decides."""
    return SearchCurves(Halving(first, reduction), epochs)


def goes_on(curves: SearchCurves, number: int, top1: float, epoch: int = 2) -> bool:
    return curves.goes_on(number, measurement(epoch, top1), lambda end: False)


def end_all(curves: SearchCurves, count: int = 4) -> None:
    """Complete trainings that show how far one may rise, and that are worse than any other."""
    for number in range(100, 100 + count):
        curves.remember(number, [measurement(2, 0.0), measurement(20, 1.0)], completed=True)


def test_nothing_stops_between_rungs_or_before_there_is_a_comparison() -> None:
    curves = course(reduction=6)
    end_all(curves)
    assert all(goes_on(curves, number, 10.0, epoch=1) for number in range(9))
    assert goes_on(curves, 0, 10.0), "five have reached the rung"
    assert not goes_on(curves, 1, -1.0)


def test_at_a_rung_only_the_best_share_goes_on() -> None:
    curves = course()
    end_all(curves)
    for number, top1 in enumerate((50.0, 60.0, 70.0, 80.0, 90.0)):
        goes_on(curves, number, top1)
    assert not goes_on(curves, 5, 55.0)
    assert goes_on(curves, 6, 75.0)


def test_a_training_that_is_resumed_is_counted_once() -> None:
    once, twice = course(reduction=2), course(reduction=2)
    for curves in (once, twice):
        end_all(curves)
    for number, top1 in ((0, 50.0), (1, 60.0), (2, 90.0)):
        goes_on(once, number, top1)
        goes_on(twice, number, top1)
        goes_on(twice, number, top1)
    assert goes_on(once, 3, 40.0) == goes_on(twice, 3, 40.0)


def test_a_training_that_begins_anew_is_judged_by_what_it_shows_now() -> None:
    curves = course(reduction=2, first=1)
    end_all(curves)
    goes_on(curves, 0, 50.0, epoch=1)
    goes_on(curves, 1, 90.0, epoch=2)  # Lost after this; its next attempt is worse.
    seen: list[Running] = []

    class Watching(Never):
        def stops(self, running: Running, /) -> bool:
            seen.append(running)
            return False

    watched = SearchCurves(Watching(), 20)
    for epoch, top1 in ((1, 80.0), (2, 90.0), (1, 30.0)):
        goes_on(watched, 1, top1, epoch)
    assert [running.latest.top1 for running in seen] == [80.0, 90.0, 30.0]


def hope(curves: dict[int, Curve], top1: float) -> float | None:
    latest = measurement(2, top1)
    return Halving(2, 3).hope(Running(99, latest, 8, curves, lambda end: True))


def curve(half_way: float, end: float, completed: bool = True) -> Curve:
    return Curve(completed, {2: measurement(2, half_way), 8: measurement(8, end)})


def test_hope_is_the_greatest_rise_that_a_completed_training_had() -> None:
    curves = {number: curve(50.0, end) for number, end in enumerate((60.0, 75.0, 65.0))}
    assert hope(curves, 40.0) is None, "three are too few to tell"
    curves[3] = curve(10.0, 90.0, completed=False)
    assert hope(curves, 40.0) is None, "one that was stopped tells no rise"
    curves[4] = curve(55.0, 56.0)
    assert [hope(curves, top1) for top1 in (40.0, 90.0)] == [65.0, 100.0]


def test_recorded_curves_rebuild_the_decisions() -> None:
    lived, rebuilt = course(first=1, reduction=2, epochs=8), course(first=1, reduction=2, epochs=8)
    for number, top1 in enumerate((30.0, 50.0, 40.0, 60.0)):
        shown = [measurement(1, top1), measurement(8, top1 + 20)]
        goes_on(lived, number, top1, epoch=1)
        for curves in (lived, rebuilt):
            curves.remember(number, shown, completed=True)
    for top1 in (35.0, 45.0, 55.0):
        assert goes_on(lived, 9, top1, epoch=1) == goes_on(rebuilt, 9, top1, epoch=1)


def test_the_rule_can_be_switched_off_by_one_word() -> None:
    rule = experiment(stopping={"rule": "none", "first": 1}).make_stopping()
    curves = SearchCurves(rule, 8)
    end_all(curves)
    assert all(goes_on(curves, number, 100.0 - number, epoch=1) for number in range(20))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"first": 0}, r"stopping\.first: must be at least 1"),
        ({"reduction": 1}, r"stopping\.reduction: must be at least 2"),
        ({"frist": 2}, r"stopping\.frist: unknown field; did you mean 'first'"),
        ({"rule": "halvin"}, "unknown early stopping 'halvin'; did you mean 'halving'"),
        ({"rule": "constraints.top1:Top1"}, r"must have the method stops\(running\)"),
    ],
)
def test_mistakes_are_one_line_with_the_place(table: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        experiment(stopping=table).make_stopping()


def test_tables_of_earlier_versions_keep_their_meaning(tmp_path: Path) -> None:
    recorded = tmp_path / EXPERIMENT
    recorded.write_text(
        'name = "a"\nspace = "attendnext"\n[constraints]\n'
        '[stopping]\nrule = "halving"\nfirst = 4\nreduction = 2\n'
    )
    read = read_experiment(recorded)
    assert read.make_stopping() == Halving(4, 2)
    assert parse_experiment({"name": "a", "space": "b"}, "x").make_stopping() == Halving(5, 3)
    assert read.stopping == Stopping("halving", {"first": 4, "reduction": 2})


LATE = """
from dataclasses import dataclass

from gensynth.campaign.early_stopping import Running


@dataclass(frozen=True)
class Below:
    top1: float

    def stops(self, running: Running) -> bool:
        if running.latest.top1 < 0:
            raise ZeroDivisionError("no such accuracy")
        return running.latest.top1 < self.top1
"""


def test_a_rule_beside_the_experiment_decides_by_its_own_fields(tmp_path: Path) -> None:
    (tmp_path / "below_rule.py").write_text(LATE)
    settings = {"rule": "below_rule:Below", "top1": 40.0}
    given = replace(experiment(stopping=settings, trials=3), folder=str(tmp_path))
    with driving(tmp_path / "run", given, None) as opened:
        assert reported(opened, (39.0, 41.0), end=None) == [False, True]
        with pytest.raises(InputError, match="rule Below failed: ZeroDivisionError") as caught:
            reported(opened, (-1.0,), end=None)
        assert "\n" not in str(caught.value)
    with driving(tmp_path / "run", read_experiment(tmp_path / "run" / EXPERIMENT), None) as again:
        assert play(again) == Done("finished"), "the record names the rule with its fields"


LEAST = {"top1": {"use": "constraints.top1:Top1", "min": 50.0}}
STOPPING = {"rule": "halving", "first": 1, "reduction": 2}


def reported(opened: CampaignDriver, top1s: tuple[float, ...], end: float | None) -> list[bool]:
    """Report first epochs, one after the other; each training completes at `end` if given."""
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
