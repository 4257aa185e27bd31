"""Latency: networks measured side by side, and the devices that it is measured on."""

import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from pathlib import Path

from gensynth.errors import InputError
from gensynth.evaluation.latency import HERE, Question
from gensynth.latency.comparison import compare_networks
from gensynth.latency.device import Comparison, NeedsSetup, find_device
from gensynth.plugins import looking_in, trusting


def compare(
    models: Sequence[str],
    *,
    reference: str | None = None,
    runtime: str = "",
    threads: int = 1,
    batch: int = 1,
    image_size: int | None = None,
    channels: int = 3,
    classes: int = 1000,
    rounds: int | None = None,
    device: str = HERE,
    trust: bool = False,
) -> Comparison:
    """Measure the latency of networks side by side, alternately in one run.

    Args:
        models: each as in `check`.
        reference: the model that ratios refer to; the first by default.
        runtime: `onnxruntime` or `torch`; by default what the device runs.
        threads: threads of the runtime.
        batch: images in one inference.
        image_size: height and width in pixels; by default a timm network's own, or 224.
        channels: channels of the input.
        classes: number of classes that networks are built for.
        rounds: samples of each network in each of 10 blocks.
        device: `here`, `cortex-a72` or `cortex-m4` (emulated), another one, or `module:class`.
        trust: whether code that a model's folder or file brings may run.

    Returns:
        One row for each network: latencies in the unit of the device, and ratios to the reference
        with their confidence intervals; a ratio too noisy to be meaningful is None.

    Raises:
        InputError: a network is unknown or cannot run, or the device cannot compare.

    >>> import gensynth
    >>> found = gensynth.compare(
    ...     ["attendnext:tiny"], runtime="torch", image_size=8, classes=10, rounds=1
    ... )
    >>> found.rows[0]["median_ms"] > 0
    True
    """
    if rounds is not None and rounds < 1:
        raise InputError("rounds", f"must be at least 1, got {rounds}")
    names, here = [*([reference] if reference else []), *models], Path.cwd()
    # What a network prints is not part of the answer.
    with redirect_stdout(sys.stderr), trusting(trust):
        with looking_in(here):
            question = Question(runtime, threads, batch, device)
        return compare_networks(names, question, here, image_size, channels, classes, rounds)


def setup_device(name: str, say: Callable[[str], None] = print) -> None:
    """Prepare a device that latency is measured on, and try it; again, only try it.

    Args:
        name: an installed device, or `module:class`.
        say: called with each line of progress.

    Raises:
        InputError: there is no such device, it needs no setup, or a part of it is missing.

    >>> import gensynth
    >>> gensynth.setup_device("here")
    Traceback (most recent call last):
    gensynth.errors.InputError: here: needs no setup
    """
    found = find_device(name, Path.cwd())
    if not isinstance(found, NeedsSetup):
        raise InputError(name, "needs no setup")
    found.set_up(say)
