"""Cores that this process may use, and how it leaves them to others."""

import os
import signal
import time

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info

from gensynth import process
from gensynth.process import on_one_core, patient, usable_cores


def test_there_is_a_core_and_no_more_than_the_machine_has() -> None:
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)


def test_on_one_core_no_library_takes_more_and_then_all_is_as_before() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    np.ones((2, 2)) @ np.ones((2, 2))
    try:
        outside = [pool["num_threads"] for pool in threadpool_info()]
        with on_one_core():
            assert torch.get_num_threads() == 1
            assert {pool["num_threads"] for pool in threadpool_info()} == {1}
        assert torch.get_num_threads() == 2
        assert [pool["num_threads"] for pool in threadpool_info()] == outside
    finally:
        torch.set_num_threads(before)


def test_without_posix_timers_and_affinities_a_request_to_stop_still_ends_the_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Windows has neither, a Mac has no affinities."""
    for module, name in ((os, "sched_getaffinity"), (signal, "setitimer"), (signal, "SIGALRM")):
        monkeypatch.delattr(module, name, raising=False)
    monkeypatch.setattr(process, "CHECKPOINT_WAIT_S", 0.01)
    assert usable_cores() == os.cpu_count()
    with pytest.raises(KeyboardInterrupt), patient() as interruption:
        signal.raise_signal(signal.SIGINT)
        assert interruption.asked
        for _ in range(6000):
            time.sleep(0.01)
    assert signal.getsignal(signal.SIGINT) is not None
