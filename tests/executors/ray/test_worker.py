"""A worker's rows, without a cluster."""

from dataclasses import replace
from pathlib import Path

import pytest

from gensynth.executors.ray.sharing import NOT_SHARED
from gensynth.executors.ray.worker import Worker
from gensynth.serialization import dumps, from_plain, loads
from gensynth.training.background import News
from tests.support.trainings import job


@pytest.mark.parametrize("members", [1, 2])
def test_a_node_without_the_folder_gives_back_every_job_whose_weights_are_kept(
    tmp_path: Path, members: int
) -> None:
    one = job(tmp_path / "not here", keep_weights=True)
    jobs = tuple(replace(one, number=k) for k in range(members))
    row = Worker({"jobs": dumps(jobs)}).step()
    told = from_plain(tuple[News, ...], loads(row["news"], "news"), "news")
    assert row["done"] and len(told) == members
    assert all(news.result and NOT_SHARED in news.result.detail for news in told)
