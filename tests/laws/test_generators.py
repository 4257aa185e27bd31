"""Laws of every generator: what its proposals depend on."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from gensynth.evaluation.outcome import Ending
from gensynth.generators import optuna_samplers
from gensynth.generators.evolution import Evolution
from gensynth.generators.protocol import Generator
from gensynth.generators.random import RandomGenerator
from gensynth.generators.synthesis.generator import make_synthesis
from gensynth.genome import Decisions
from tests.support.synthetic import Synthetic

MAKERS: dict[str, Callable[[Any, int], Generator]] = {
    "gensynth": make_synthesis,
    "random": RandomGenerator,
    "evolution": lambda problem, seed: Evolution(problem, seed, population=8, tournament=3),
    "tpe": optuna_samplers.tpe,
    "gp": optuna_samplers.gp,
    "nsgaii": lambda problem, seed: optuna_samplers.nsgaii(problem, seed, population_size=6),  # type: ignore[call-arg]
}
ENDINGS: tuple[Ending, ...] = ("completed", "completed", "stopped", "completed", "crashed", "lost")


def history(name: str, seed: int, disturb: bool, length: int = 15) -> list[Decisions]:
    """Ask and tell with three proposals pending; `disturb` draws from all global generators."""
    problem = Synthetic()
    generator = MAKERS[name](problem, seed)
    asked: list[Decisions] = []
    pending = []
    for number in range(length):
        if disturb:
            random.random()
            np.random.rand()
            torch.rand(1)
        proposal = generator.ask()
        asked.append(dict(proposal.decisions))
        pending.append(problem.train(proposal, number, ENDINGS[number % len(ENDINGS)]))
        if len(pending) == 3:
            generator.tell(pending.pop(number % 3))
    return asked


@pytest.mark.parametrize("name", MAKERS)
def test_proposals_depend_on_the_seed_and_the_calls_only(name: str) -> None:
    assert history(name, 1, disturb=False) == history(name, 1, disturb=True)
    assert history(name, 1, disturb=False) != history(name, 2, disturb=False)


@pytest.mark.parametrize("name", MAKERS)
def test_proposals_are_complete_decisions(name: str) -> None:
    problem = Synthetic()
    for decisions in history(name, 3, disturb=False, length=12):
        assert problem.foresee(decisions)


@pytest.mark.parametrize("name", MAKERS)
def test_no_global_random_state_is_touched(name: str) -> None:
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # type: ignore[index]
    history(name, 4, disturb=False, length=14)
    after = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # type: ignore[index]
    assert before == after
