"""Feed damaged and hostile files to every reader: each must return a value or one clear error.

    python -m experiments.benchmarks.fuzz --inputs 100000

Counts, for each reader, the values, `InputError`s, values that do not say what the bytes say
(garbage that was accepted; see fuzz_oracles.py), other exceptions, and inputs that exceeded the
time limit; the process may not grow beyond the memory limit. Exits with 1 after any of the last
four and keeps the inputs that caused it in `--keep`.
"""

import argparse
import logging
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

from experiments.benchmarks.command_line import parser_for
from experiments.benchmarks.fuzz_readers import READERS, Reader, mutated
from experiments.benchmarks.tables import heading, markdown
from gensynth.errors import InputError

HEADS = (
    "reader",
    "inputs",
    "values",
    "errors",
    "garbage",
    "tracebacks",
    "hangs",
    "slowest (ms)",
    "seconds",
)
WORDS = "value", "error", "garbage", "traceback", "hang"
BAD = WORDS[2:]
LIMIT_S = 10.0
MEMORY = 6 * 2**30
"""Address space in bytes, of which torch alone maps some; allocations beyond it fail."""


class Hang(BaseException):
    """The time limit has passed."""


def main() -> None:
    """Feed all readers and print a table; exit with 1 after any traceback or hang."""
    options = _options()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGALRM, _hang)
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    total = sum(reader.share for reader in READERS.values())
    bad = 0
    print(*heading(HEADS), sep="\n")
    for name, reader in READERS.items():
        inputs = max(1, round(options.inputs * reader.share / total))
        counts, slowest, seconds = feed(name, reader, inputs, options)
        bad += sum(counts[word] for word in BAD)
        figures = [counts[word] for word in WORDS]
        cells = [name, inputs, *figures, f"{1000 * slowest:.0f}", f"{seconds:.0f}"]
        print(markdown([str(cell) for cell in cells]), flush=True)
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"largest resident size: {largest:.0f} MB")
    sys.exit(bad > 0)


def feed(
    name: str, reader: Reader, inputs: int, options: argparse.Namespace
) -> tuple[Counter[str], float, float]:
    """Feed one reader its inputs and count the results."""
    rng = random.Random(f"{name} {options.seed}")
    counts: Counter[str] = Counter()
    slowest, start = 0.0, time.perf_counter()
    with tempfile.TemporaryDirectory(dir=_memory_folder()) as place:
        good = reader.good(Path(place))
        for number in range(inputs):
            data = good if number == 0 else mutated(good, reader.words, rng)
            began = time.perf_counter()
            word, report = outcome(reader, Path(place) / "run", data)
            slowest = max(slowest, time.perf_counter() - began)
            counts[word] += 1
            if word in BAD and counts[word] <= 5:
                _keep(options.keep, f"{name} {number}", data, report)
    return counts, slowest, time.perf_counter() - start


def outcome(reader: Reader, folder: Path, data: bytes) -> tuple[str, str]:
    """Return what a reader does with `data` in a new folder, as one of `WORDS`."""
    folder.mkdir()
    signal.setitimer(signal.ITIMER_REAL, LIMIT_S)
    try:
        value = reader.read(folder, data)
        wrong = reader.oracle(data, value)
        return ("garbage", wrong) if wrong else ("value", "")
    except InputError as error:
        return ("traceback", f"two lines: {error}") if "\n" in str(error) else ("error", "")
    except Hang:
        return "hang", traceback.format_exc()
    except BaseException:
        return "traceback", traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        shutil.rmtree(folder)


def _keep(folder: Path | None, name: str, data: bytes, report: str) -> None:
    print(f"{name}: {report.strip().splitlines()[-1]}", file=sys.stderr, flush=True)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
        (folder / f"{name}.txt").write_text(report)


def _hang(number: int, frame: Any) -> None:
    raise Hang


def _memory_folder() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def _options() -> argparse.Namespace:
    parser = parser_for(__doc__)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
