"""A Ray of our own that does not start; no process of Ray is begun."""

from pathlib import Path
from typing import Any

import pytest

from gensynth.errors import InputError
from gensynth.executors.ray import run_on_ray
from tests.support.campaigns import campaign

SLOW = "The current node timed out during startup. This could happen because ..."


def test_a_ray_that_does_not_start_is_tried_again_and_then_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import ray

    begun: list[str] = []

    def init(**settings: Any) -> None:
        begun.append(settings["address"])
        raise Exception(SLOW)

    monkeypatch.setattr(ray, "init", init)
    with (
        campaign(tmp_path, executor="ray") as opened,
        pytest.raises(InputError, match=r"Ray did not start \(The current node timed out") as told,
    ):
        run_on_ray(opened)
    assert begun == ["local"] * 3 and told.value.place == "ray"
    assert capsys.readouterr().err.count("it is started anew") == 2
