import subprocess
import sys
from dataclasses import replace

import numpy as np
import torch

from gensynth.generators.synthesis.candidates import trace_decisions
from gensynth.generators.synthesis.policy import DecisionTrace, Policy
from gensynth.genome import Decisions
from tests.support.synthetic import Synthetic

PROTOTYPE: Decisions = {"activation": "gelu", "depth": 2, "stage0.kind": "gated"}


def drawn(policy: Policy, count: int, first: int = 0) -> list[DecisionTrace]:
    problem = Synthetic()
    return [trace_decisions(problem, policy.answerer(s), s) for s in range(first, first + count)]


def test_a_seed_stands_for_one_network_whatever_was_asked_before() -> None:
    one, other = Policy({}, 0.1), Policy({}, 0.1)
    drawn(other, 20, first=500)
    assert [t.decisions for t in drawn(one, 10)] == [t.decisions for t in drawn(other, 10)]


def test_another_process_draws_the_same_networks() -> None:
    code = (
        "from tests.generators.synthesis.test_policy import *; "
        "print([t.decisions for t in drawn(Policy({}, 0.1), 5)])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == str([t.decisions for t in drawn(Policy({}, 0.1), 5)])


def test_it_begins_near_the_prototype() -> None:
    plain, near = drawn(Policy({}, 0.1), 200), drawn(Policy(PROTOTYPE, 0.1), 200)

    def share(traces: list[DecisionTrace]) -> float:
        return float(np.mean([t.decisions["activation"] == "gelu" for t in traces]))

    assert share(near) > 0.6 > 0.45 > share(plain)
    assert len({t.decisions["depth"] for t in near}) == 3


def test_probabilities_agree_with_what_is_drawn() -> None:
    policy = Policy({}, 0.1)
    (trace,) = drawn(policy, 1)
    probabilities = []
    for option in trace.options["activation"]:
        only = {"activation": trace.options["activation"]}
        answered = DecisionTrace(trace.seed, only, {"activation": option})
        probabilities.append(float(policy.log_probability([answered]).exp()))
    assert sum(probabilities) == 1.0 or abs(sum(probabilities) - 1) < 1e-12
    state = policy.answerer(trace.seed).state  # type: ignore[attr-defined]
    rows = policy.rows("activation", trace.options["activation"])
    logits = policy.theta[1][rows] @ torch.from_numpy(np.tanh(state)) + policy.theta[2][rows]
    assert np.allclose(probabilities, logits.softmax(0).numpy())


def test_learning_makes_the_elite_likelier_and_its_answers_follow_each_other() -> None:
    policy = Policy({}, 0.05)
    traces = drawn(policy, 400)
    elite = [
        t for t in traces if (t.decisions["activation"] == "relu") == (t.decisions["depth"] == 1)
    ]
    before = policy.log_probability(elite).sum()
    for step in range(60):
        some = elite[step % 4 :: 4]
        policy.learn(some, np.full(len(some), 1 / len(some)), steps=1)
    assert policy.log_probability(elite).sum() > before
    later = drawn(policy, 200, first=1000)
    agreeing = np.mean(
        [(t.decisions["activation"] == "relu") == (t.decisions["depth"] == 1) for t in later]
    )
    assert agreeing > 0.85


def test_a_rate_of_zero_freezes_it() -> None:
    policy = Policy({}, 0.0)
    traces = drawn(policy, 10)
    policy.learn(traces, np.ones(10), steps=3)
    assert [t.decisions for t in drawn(policy, 10)] == [t.decisions for t in traces]


def test_a_copy_is_independent() -> None:
    policy = Policy({}, 0.1)
    traces = drawn(policy, 10)
    twin = policy.copy()
    policy.learn(traces[:2], np.ones(2), steps=20)
    assert [t.decisions for t in drawn(twin, 10)] == [t.decisions for t in traces]


def test_threads_are_left_as_they_were() -> None:
    before = torch.get_num_threads()
    policy = Policy({}, 0.1)
    policy.learn([replace(t) for t in drawn(policy, 3)], np.ones(3), steps=1)
    assert torch.get_num_threads() == before
