import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gensynth.serialization import dumps, from_plain, loads
from gensynth.space import Source
from gensynth.training.attempt import attempt
from gensynth.training.background import Background, News
from gensynth.training.job import Job, Recipe
from tests.support.trainings import job, timeless


def unruly(folder: Path, behaviour: str, **changes: Any) -> Job:
    spec = {"behaviour": behaviour, "width": 8, "marks": str(folder)}
    return job(
        folder, Recipe(epochs=50), source=Source("tests.support.unruly", spec, (1, 8, 8)), **changes
    )


def end_of(training: Background) -> list[News]:
    heard = [*training.news(0.01, 60.0)]
    while heard[-1].result is None:
        heard += training.news(0.01, 60.0)
    return heard


def test_every_measurement_is_told_once_and_the_end_is_that_of_an_attempt(tmp_path: Path) -> None:
    heard = end_of(Background([job(tmp_path, checkpoint_s=None)]))
    result = heard[-1].result
    expected = attempt(job(tmp_path, checkpoint_s=None), lambda measurement: True)
    assert result is not None and result.ending == expected.ending == "completed"
    assert timeless(list(result.curve)) == timeless(list(expected.curve))
    assert tuple(m for news in heard for m in news.measurements) == result.curve


def test_jobs_of_a_group_have_news_and_a_result_each(tmp_path: Path) -> None:
    jobs = [job(tmp_path / str(n), checkpoint_s=None, number=n, training_seed=n) for n in (4, 7)]
    training, curves = Background(jobs), [[], []]  # type: ignore[var-annotated]
    results: tuple[Any, ...] = (None, None)
    while None in results:
        news = training.news(0.01, 60.0)
        results = tuple(each.result for each in news)
        for curve, each in zip(curves, news, strict=True):
            curve += each.measurements
    assert [tuple(curve) for curve in curves] == [result.curve for result in results]
    assert [result.ending for result in results] == ["completed"] * 2
    assert curves[0] != curves[1]


def test_news_is_plain_data(tmp_path: Path) -> None:
    for news in end_of(Background([job(tmp_path)])):
        assert from_plain(News, loads(dumps(news), "news"), "news") == news


def test_a_stopped_training_ends_before_its_last_epoch(tmp_path: Path) -> None:
    training = Background([unruly(tmp_path, "slow")])
    (first,) = training.news(0.01, 60.0)
    training.stop()
    training.join()
    result = end_of(training)[-1].result
    assert first.result is None and result is not None
    assert result.ending == "stopped" and 1 <= len(result.curve) < 50


def test_silence_is_broken_by_a_sign_of_life(tmp_path: Path) -> None:
    training = Background([unruly(tmp_path, "slow")])
    assert training.news(0.01, 0.02) == (News(),)
    training.stop()
    training.join()


@pytest.mark.parametrize("behaviour, words", [("raises", "unruly"), ("leaves", "SystemExit")])
def test_nothing_that_a_network_raises_is_lost(tmp_path: Path, behaviour: str, words: str) -> None:
    result = end_of(Background([unruly(tmp_path, behaviour)]))[-1].result
    assert result is not None and result.ending == "crashed" and words in result.detail


@pytest.mark.slow
def test_a_training_that_hangs_ends_its_process(tmp_path: Path) -> None:
    # Long enough to import torch on a busy machine, or the training is late before it hangs.
    text = dumps(unruly(tmp_path, "hangs", time_limit_s=30.0))
    program = (
        "from gensynth.training.background import Background\n"
        "from gensynth.serialization import from_plain, loads\n"
        "from gensynth.training.job import Job\n"
        f"Background([from_plain(Job, loads({text!r}, ''), '')]).join()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=900)
    assert done.returncode == 1 and done.stderr.startswith(b"Timeout")
