"""Count random networks on the emulated Cortex-M4, whole and node by node.

    python -m experiments.cortex_m4.sample --to train.jsonl --seed 1 --networks 60 --nodes
    python -m experiments.cortex_m4.sample --to test.jsonl --seed 2 --networks 100

Draws random genomes of our spaces as a microcontroller can run them: images of 16 to 48 pixels, at
most 3 million multiply-accumulates and 100,000 parameters. If the file exists, it continues after
the last network; each network is determined by its number. Every node of the generated C code is
counted by itself, between two readings of the board's timer.
"""

import re
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

from devices.cortex_m4.firmware import PER_TICK, instructions, run_firmware, write_firmware
from experiments.benchmarks.command_line import parser_for
from experiments.counted_networks import continue_file, drawn, to_rows
from gensynth.errors import InputError
from gensynth.formats.c import CODE
from gensynth.graph.graph import Graph
from gensynth.graph.profile import profile
from gensynth.models.by_name import Model
from gensynth.space import Task, build_source

TASKS = (Task(3, 16, 16, 10), Task(3, 24, 24, 10), Task(1, 28, 28, 10), Task(3, 32, 32, 10)) * 2 + (
    Task(3, 48, 48, 2),
)
MOST_MACS, MOST_PARAMS = 3e6, 100_000
SPACES = ("attendnext", "attendnext", "attendnet")
CALL = re.compile(r"^    node(\d+)_\w+\(.*\);$", re.MULTILINE)
KIND = re.compile(r"^ \* Node (\d+):\n \* OpType: (\w+)", re.MULTILINE)


def draw(seed: int, number: int) -> tuple[str, Model, Graph]:
    """Draw a genome and a task, which `seed` and `number` determine."""
    import torch

    name, task, source, graph = drawn(
        seed,
        number,
        SPACES,
        TASKS,
        lambda costs: costs.macs <= MOST_MACS and costs.params <= MOST_PARAMS,
    )
    torch.manual_seed(number)
    label = f"{name}-{number:03d}@{task.channels}x{task.height}"
    return label, Model(label, build_source(source), source.input_shape), graph


def node_counts(model: Model) -> tuple[int, list[tuple[str, int]]]:
    """Return the instructions of a network, and the operator and instructions of each node."""
    with tempfile.TemporaryDirectory(prefix="gensynth-m4-") as name:
        folder = Path(name)
        write_firmware(model, folder)
        kinds = _read_timer(folder)
        text = run_firmware(folder, model.name)
    ticks = [int(line) for line in re.findall(r"^node (\d+)$", text, re.MULTILINE)]
    whole = re.findall(r"\t(\d+)$", text, re.MULTILINE)[0]
    return PER_TICK * int(whole), [
        (kind, PER_TICK * (after - before))
        for kind, (before, after) in zip(kinds, pairwise(ticks), strict=True)
    ]


def _read_timer(folder: Path) -> list[str]:
    """Make the project read the timer after each node and print it; return the operators."""
    code, main = folder / CODE, folder / "main.c"
    text = code.read_text("utf-8")
    kinds = {int(number): kind for number, kind in KIND.findall(text)}
    calls = [int(number) for number in CALL.findall(text)]
    head = '#include "board.h"\nuint32_t read_ticks[4096];\n'
    text = CALL.sub(lambda m: f"{m[0]} read_ticks[{int(m[1]) + 1}] = board_ticks();", text)
    first = f"    node{calls[0]}_"
    text = text.replace(first, f"    read_ticks[0] = board_ticks();\n{first}", 1)
    code.write_text(head + text, encoding="utf-8")
    loop = f"for (int k = 0; k <= {len(calls)}; k++) {{ "
    loop += 'say("node "); say_number(read_ticks[k]); say("\\n"); }\n    board_end();'
    text = main.read_text("utf-8").replace("    board_end();", f"    {loop}")
    text = text.replace("int main", "extern uint32_t read_ticks[];\nint main")
    main.write_text(text, encoding="utf-8")
    return [kinds[number] for number in calls]


def counted(name: str, model: Model, graph: Graph, layers: bool) -> dict[str, Any]:
    """Return the counts of a network, or the problem if it cannot be built."""
    row: dict[str, Any] = {"name": name, "macs": profile(graph).macs, "graph": to_rows(graph)}
    try:
        if layers:
            row["instructions"], row["nodes"] = node_counts(model)
        else:
            row["instructions"] = instructions(model)
    except InputError as error:
        return {"name": name, "problem": str(error)}
    return row


def main() -> None:
    """Count the networks that are not in the file yet."""
    parser = parser_for(__doc__)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--networks", type=int, required=True)
    parser.add_argument("--nodes", action="store_true", help="count every node by itself")
    given = parser.parse_args()
    continue_file(
        given.to,
        given.networks,
        lambda number: counted(*draw(given.seed, number), given.nodes),
    )


if __name__ == "__main__":
    main()
