r"""What a campaign spends on everything but training: generating, judging, recording, scheduling.

    python -m experiments.benchmarks.campaign_overhead experiments/fashion_mnist.toml \
        --data FASHION_MNIST_FOLDER --epochs 24 --trials 12

Prints two shares of a search on Ray with one worker per core (Linux). The processor time is that of
all processes of the campaign except the workers, read from /proc after every outcome. The idle time
is what the workers do not train between the first start and the last but one end of a training,
while there is work for all of them. Starting Ray and opening the data do not count.
"""

import argparse
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from experiments.benchmarks.command_line import experiment_on, parser_for
from gensynth.campaign.campaign import CampaignDriver
from gensynth.campaign.campaign_folder import driving
from gensynth.campaign.experiment import Experiment
from gensynth.campaign.experiment_tables import Finals, Stopping
from gensynth.process import usable_cores

TICKS = os.sysconf("SC_CLK_TCK")


Used = dict[str, float]
"""Processor seconds so far, by kind of process: `workers`, `driver`, and Ray's own by name."""


@dataclass(frozen=True)
class Ended:
    """A training that has ended."""

    at: float
    """Seconds since the clock of `time.monotonic` began."""
    seconds: float
    """That it trained."""


def main() -> None:
    """Run a search and print how much of it was not training."""
    options = _options()
    experiment = experiment_on(options.experiment, options.data)
    with tempfile.TemporaryDirectory(prefix="gensynth-overhead-") as place:
        before, after, ended = measure(Path(place), shortened(experiment, options))
    spent = {name: after[name] - before.get(name, 0.0) for name in after}
    mean, total = sum(e.seconds for e in ended) / len(ended), sum(spent.values())
    print(f"{len(ended)} trainings of {mean:.1f} s in the mean, {usable_cores()} workers")
    print(f"processor time outside of training: {1 - spent.pop('workers') / total:.2%}, of it")
    for name, seconds in sorted(spent.items(), key=lambda item: -item[1]):
        print(f"  {name}: {seconds / total:.2%}")
    print(f"idle workers: {idle_share(ended, usable_cores()):.2%}")


def _options() -> argparse.Namespace:
    parser = parser_for(__doc__)
    parser.add_argument("experiment", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--epochs", type=int, required=True, help="epochs of every training")
    parser.add_argument("--trials", type=int, default=12)
    return parser.parse_args()


def shortened(experiment: Experiment, options: argparse.Namespace) -> Experiment:
    """Return the search without finals, with trainings of equal length."""
    return replace(
        experiment,
        executor="ray",
        trials=options.trials,
        proxy=replace(experiment.proxy, epochs=options.epochs),
        stopping=Stopping("none"),
        finals=Finals(candidates=1, most=1, replicas=1, epochs_factor=0.01),
    )


def measure(folder: Path, experiment: Experiment) -> tuple[Used, Used, list[Ended]]:
    """Run the campaign; return the processor time at its first and last outcome, and its trainings.

    Ray starts before the first outcome, so processor time counts from that outcome on.
    """
    from gensynth.executors.ray import run_on_ray

    seen: list[Used] = []
    ended: list[Ended] = []
    with driving(folder, experiment, None) as campaign:

        def changed() -> None:
            done = _searched(campaign)
            for seconds in done[len(ended) :]:
                ended.append(Ended(time.monotonic(), seconds))
                seen.append(used())

        run_on_ray(campaign, None, changed)
    return seen[0], seen[-1], ended


def _searched(campaign: CampaignDriver) -> list[float]:
    return [o.seconds for o in campaign.outcomes if o.purpose == "search"]


def idle_share(ended: list[Ended], workers: int) -> float:
    """Return the share of the workers' time that was idle while there was work for all of them."""
    ends = sorted(e.at for e in ended)
    begin, end = min(e.at - e.seconds for e in ended), ends[-workers]
    trained = sum(max(0.0, min(e.at, end) - (e.at - e.seconds)) for e in ended)
    return 1 - trained / (workers * (end - begin))


def used() -> Used:
    """Return the processor time of this process and all its descendants."""
    seconds: dict[str, float] = defaultdict(float)
    for number, spent, title in _family(os.getpid()):
        seconds["driver" if number == os.getpid() else _kind(title)] += spent
    return seconds


def _kind(title: str) -> str:
    """Return a name of a process: its script or program."""
    if title.startswith("ray::"):
        return "workers"
    words = title.split()
    scripts = [word for word in words if word.endswith(".py")]
    return Path((scripts or words or ["ended"])[0]).name


def _family(ancestor: int) -> Iterator[tuple[int, float, str]]:
    """Yield the number, processor seconds and title of a process and of its descendants."""
    rows: dict[int, tuple[int, float, str]] = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            fields = (path / "stat").read_text().rpartition(")")[2].split()
            title = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # The process has ended.
            continue
        seconds = (int(fields[11]) + int(fields[12])) / TICKS
        rows[int(path.name)] = (int(fields[1]), seconds, title)
    for number, (_, seconds, title) in rows.items():
        if _descends(number, ancestor, rows):
            yield number, seconds, title


def _descends(number: int, ancestor: int, rows: dict[int, tuple[int, float, str]]) -> bool:
    while number in rows and number != ancestor:
        number = rows[number][0]
    return number == ancestor


if __name__ == "__main__":
    main()
