"""Where the time of a training step goes: the mid-size network of `proxy_speed.py`, on one core.

    OMP_NUM_THREADS=1 python -m experiments.benchmarks.step_profile --data IMAGE_FOLDER

Prints each operator's own share of the processor time of some steps, the largest first.
"""

import tempfile
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile

from experiments.benchmarks.command_line import parser_for
from experiments.benchmarks.proxy_task import Setting, job, subset
from gensynth.training.loop import Training, data_of
from gensynth.training.torch_device import keep_freed_memory, set_threads

IMAGES, WARM_UP, STEPS = 2000, 3, 10
LEAST = 0.02
"""Operators below this share are not printed."""


def main() -> None:
    """Print the shares."""
    parser = parser_for(__doc__)
    parser.add_argument("--data", type=Path, required=True)
    set_threads(1)
    keep_freed_memory()
    with tempfile.TemporaryDirectory() as folder:
        subset(parser.parse_args().data, Path(folder), IMAGES)
        setting = Setting(folder=folder, images=IMAGES, epochs=1)
        training = _begun(setting)
        with profile(activities=[ProfilerActivity.CPU]) as profiled:
            _steps(training, setting.batch_size, STEPS)
    rows = profiled.key_averages()
    total = sum(row.self_cpu_time_total for row in rows)
    for row in sorted(rows, key=lambda row: -row.self_cpu_time_total):
        if row.self_cpu_time_total >= LEAST * total:
            print(f"{row.self_cpu_time_total / total:6.1%}  {row.key}")


def _begun(setting: Setting) -> Training:
    described = job(setting)
    training = Training(described, data_of(described))
    _steps(training, setting.batch_size, WARM_UP)
    return training


def _steps(training: Training, batch: int, count: int) -> None:
    images, labels = training.images.at(torch.arange(batch))
    for step in range(count):
        training.step(images, labels, step)


if __name__ == "__main__":
    main()
