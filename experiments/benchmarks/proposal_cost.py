r"""Cost of a proposal after 300 outcomes, and speed of screening candidates.

    OMP_NUM_THREADS=1 python -m experiments.benchmarks.proposal_cost \
        experiments/fashion_mnist.toml --data FASHION_MNIST \
        --table experiments/results/attendnext_fashion_mnist.parquet

The generator learns from recorded trainings of its own space and is then asked for proposals, each
followed by its outcome as in a search. A proposal includes its learning and the probing of
untrained networks. Screening includes the decisions, the graph, its costs and the structural
verdicts of random candidates. All figures are processor seconds of one core.
"""

import argparse
import statistics
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.benchmarks.command_line import experiment_on, parser_for
from experiments.benchmarks.record_space import networks
from gensynth.campaign.context import Context, make_context
from gensynth.errors import InputError
from gensynth.evaluation.measurement import Measurement
from gensynth.evaluation.outcome import Outcome
from gensynth.generators.protocol import Proposal
from gensynth.genome import Decisions
from gensynth.record import outcome_rows
from gensynth.space import Draw, Recording

TRIED = 300
ASKED = 30
SCREENED = 3000


def main() -> None:
    """Print both costs."""
    options = _options()
    context = make_context(experiment_on(options.experiment, options.data))
    known = list(outcomes(context, pd.read_parquet(options.table), TRIED))
    seconds = proposals(context, known)
    low, middle, high = (float(np.quantile(seconds, q)) for q in (0.0, 0.5, 1.0))
    print(f"a proposal with {len(known)} outcomes: {middle:.3f} s ({low:.3f} to {high:.3f})")
    print(f"screening: {screened(context):,.0f} candidates a second")


def _options() -> argparse.Namespace:
    parser = parser_for(__doc__)
    parser.add_argument("experiment", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--table", type=Path, required=True)
    return parser.parse_args()


def outcomes(context: Context, table: pd.DataFrame, count: int) -> Iterator[Outcome]:
    """Yield recorded trainings as rows of a campaign's record; the networks are drawn again."""
    done = table[(table["replica"] == 0) & (table["ending"] == "completed")]
    top1s = done.set_index("network")["top1"]
    for number, decisions in enumerate(islice(networks(context), count)):
        if number in top1s.index:
            yield trained(context, number, decisions, float(top1s[number]))


def trained(context: Context, number: int, decisions: Decisions, top1: float) -> Outcome:
    """Return the row of a training that reached `top1`."""
    evaluator = context.evaluator
    described = evaluator.described(decisions)
    new = outcome_rows.screened(
        outcome_rows.proposed(number, number, Proposal(decisions, number)), described, evaluator
    )
    curve = (Measurement(context.experiment.proxy.epochs, top1, 0.5, 1.0),)
    ended = replace(new, ending="completed", attempt=1, curve=curve)
    return outcome_rows.scored(ended, described, evaluator)


def proposals(context: Context, known: list[Outcome]) -> list[float]:
    """Let the generator learn from all outcomes, then time proposals with their learning."""
    generator = context.make_generator(context.evaluator)
    for outcome in known:
        generator.tell(outcome)
    generator.ask()  # The first proposal fits all outcomes, as after a resume.
    seconds = []
    typical = statistics.median(o.top1 for o in known if o.top1 is not None)
    for number in range(len(known), len(known) + ASKED):
        start = time.process_time()
        proposal = generator.ask()
        seconds.append(time.process_time() - start)
        outcome = trained(context, number, proposal.decisions, typical)
        start = time.process_time()
        generator.tell(outcome)
        seconds[-1] += time.process_time() - start
    return seconds


def screened(context: Context) -> float:
    """Return the number of random candidates that are made and judged per second."""
    evaluator = context.evaluator
    start = time.process_time()
    for number in range(SCREENED):
        record = Recording(Draw(np.random.default_rng(number)))
        context.space.sample(record)
        try:
            evaluator.judge_untrained(evaluator.described(record.decisions).candidate)
        except InputError:
            continue
    return SCREENED / (time.process_time() - start)


if __name__ == "__main__":
    main()
