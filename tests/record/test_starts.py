"""Starts that ended their process: counted from one to the next, and never for a whole campaign."""

from pathlib import Path

import pytest

from gensynth.campaign.campaign_folder import driving
from gensynth.evaluation.evaluator import EndsProcess
from gensynth.record.starts import MOST, REASON, STARTS, UNDER_WAY, Start, Starts, key_of
from gensynth.serialization import dumps
from tests.campaign.test_campaign import play
from tests.support.campaigns import experiment

DECISIONS = {"depth": 1}


def killed(folder: Path, rows: int = 0) -> None:
    """Leave the folder as a process that was killed while the candidate's code ran."""
    starts = Starts(folder)
    starts.recorded(rows)
    starts.touch(DECISIONS)


def test_a_candidate_that_ends_its_process_again_and_again_is_not_run_any_more(
    tmp_path: Path,
) -> None:
    for _ in range(MOST):
        killed(tmp_path)
    with pytest.raises(EndsProcess, match="ended the program's process 3 times"):
        Starts(tmp_path).touch(DECISIONS)


def test_ends_with_progress_between_them_do_not_add_up(tmp_path: Path) -> None:
    for rows in range(3 * MOST):
        killed(tmp_path, rows)
    Starts(tmp_path).touch(DECISIONS)


@pytest.mark.parametrize("text", ["", "[", "{}", "null", '[{"key":1}]', '["a"]', "[" * 100_000])
@pytest.mark.parametrize("name", [STARTS, UNDER_WAY])
def test_a_damaged_count_counts_as_none(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    Starts(tmp_path).touch(DECISIONS)


def test_a_recorded_candidate_that_ends_the_process_later_does_not_stop_the_campaign(
    tmp_path: Path,
) -> None:
    with driving(tmp_path, experiment(), None) as opened:
        play(opened)
        best = opened.exported()
    assert best is not None
    key = key_of(best.decisions)
    (tmp_path / STARTS).write_text(dumps([Start(key, "6 rows", MOST)]))
    with driving(tmp_path, experiment(trials=7), None) as opened:
        assert play(opened).reason == "finished"
        other = opened.exported()
        again = [o for o in opened.outcomes if o.decisions == best.decisions]
    assert other is not None and other.decisions != best.decisions
    assert {o.detail for o in again} == {REASON}


def test_a_link_in_the_place_of_a_draft_is_deleted_and_not_followed(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".best.1").symlink_to(other)
    with driving(tmp_path / "run", experiment(), None):
        assert not (tmp_path / "run" / ".best.1").exists()
    assert other.is_dir()
