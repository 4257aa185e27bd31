"""Every run starts from nothing; with CI=true a skipped test is a failure.

A run has a cache folder of its own, so that no test sees what an earlier run left, and lock files
of its own, so that no test waits for other programs that measure latencies. With CI=true every real
part must be present.
"""

import os
import shutil
import tempfile
from collections.abc import Generator
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, settings

from gensynth.campaign.trust import STATE
from gensynth.data.open import default_cache
from gensynth.latency.machine import LOCKS

USERS_CACHE = "GENSYNTH_USERS_CACHE"
"""Environment variable that names the user's own cache while the tests run."""


def pytest_configure(config: pytest.Config) -> None:
    """Give this run an empty cache; of the user's own, only the emulator's parts are used."""
    os.environ[USERS_CACHE] = str(default_cache())
    cache = os.environ["GENSYNTH_CACHE"] = tempfile.mkdtemp(prefix="gensynth-tests-")
    os.environ[STATE] = cache
    os.environ[LOCKS] = cache  # A measurement elsewhere on this machine is not waited for.
    if "PYTEST_XDIST_WORKER" in os.environ:
        os.environ["OMP_NUM_THREADS"] = "1"  # For the programs that a test starts.
        torch.set_num_threads(1)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the run's cache."""
    shutil.rmtree(os.environ.pop("GENSYNTH_CACHE"), ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let one worker run everything that starts a Ray cluster, because clusters share addresses."""
    for item in items:
        name = item.nodeid.lower()
        if "ray" in name or "cluster" in name:
            item.add_marker(pytest.mark.xdist_group("ray"))


settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")  # A slow machine fails no property.


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, Any, None]:
    outcome = yield
    report = outcome.get_result()
    if os.environ.get("CI") == "true" and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"
