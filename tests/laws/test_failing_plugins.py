"""Plugins that fail: their candidates end as rows of the record, and the campaign goes on."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gensynth.campaign.campaign_folder import driving, open_record
from gensynth.campaign.experiment import Experiment
from gensynth.testing.constraints import check_constraint
from tests.campaign.test_campaign import play
from tests.cli.test_command_line import ROOT, with_tests_importable
from tests.support.campaigns import experiment

PICKY = """
from dataclasses import dataclass
from typing import ClassVar
from gensynth.constraint import Candidate, Stage, Verdict

@dataclass(frozen=True)
class Picky:
    needs: ClassVar[Stage] = "profile"

    def __call__(self, candidate: Candidate) -> Verdict:
        if len(candidate.graph) > 8:
            raise ZeroDivisionError("too deep")
        return Verdict.at_most(1, 2, "x")
"""


def test_a_plugin_that_raises_ends_its_candidate_and_the_campaign_goes_on(tmp_path: Path) -> None:
    (tmp_path / "picky.py").write_text(PICKY)
    rule = {"picky": {"use": f"{tmp_path.name}.picky:Picky"}}
    settings = replace(experiment(constraints=rule), folder=str(tmp_path.parent))
    with driving(tmp_path / "run", settings, None) as opened:
        play(opened)
        crashed = [o for o in opened.outcomes if o.ending == "crashed"]
        assert crashed
        assert all("constraint picky: ZeroDivisionError: too deep" in o.detail for o in crashed)
        assert sum(o.attempt > 0 and o.purpose == "search" for o in opened.outcomes) == 6


HALF_BUILT = """
from dataclasses import dataclass
from tests.support.toy_space import ToySpace

@dataclass(frozen=True)
class HalfBuilt(ToySpace):
    def source(self, genome, task):
        if genome.depth > 1:
            raise ValueError("the image is too small for so many layers")
        return super().source(genome, task)
"""


def test_genomes_of_which_no_network_can_be_built_end_as_crashed_rows(tmp_path: Path) -> None:
    (tmp_path / "halfbuilt.py").write_text(HALF_BUILT)
    settings = replace(
        experiment(trials=3, space=f"{tmp_path.name}.halfbuilt:HalfBuilt"),
        folder=str(tmp_path.parent),
    )
    with driving(tmp_path / "run", settings, None) as opened:
        play(opened)
        crashed = [o for o in opened.outcomes if o.ending == "crashed"]
        assert crashed
        problem = "genome: the image is too small for so many layers"
        assert {o.detail for o in crashed} == {problem}
        assert sum(o.attempt > 0 and o.purpose == "search" for o in opened.outcomes) == 3


DEADLY = """
import os
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from gensynth import Candidate, Stage, Verdict

MARK = Path(__file__).with_name("first")

@dataclass(frozen=True)
class Deadly:
    needs: ClassVar[Stage] = "profile"

    def __call__(self, candidate: Candidate) -> Verdict:
        if not MARK.exists():
            MARK.write_text(candidate.graph.fingerprint)
        if MARK.read_text() == candidate.graph.fingerprint:
            {end}
        return Verdict.at_most(1, 2, "x")
"""
SCRIPT = """
import sys
from pathlib import Path
from gensynth.campaign.campaign_folder import driving
from gensynth.executors.inline import run_inline
from tests.laws.test_failing_plugins import deadly
with driving(Path(sys.argv[1]) / "run", deadly(Path(sys.argv[1])), None) as opened:
    print(run_inline(opened).reason)
"""


def deadly(folder: Path) -> Experiment:
    rule = {"deadly": {"use": "deadly:Deadly"}}
    return replace(experiment(trials=2, constraints=rule), folder=str(folder))


def start(folder: Path, script: str = SCRIPT) -> "subprocess.CompletedProcess[str]":
    words = [sys.executable, "-c", script, str(folder)]
    environment = with_tests_importable()
    return subprocess.run(words, env=environment, cwd=ROOT, capture_output=True, text=True)


@pytest.mark.slow
def test_a_rule_that_ends_its_process_costs_three_starts_and_its_candidate(tmp_path: Path) -> None:
    (tmp_path / "deadly.py").write_text(DEADLY.replace("{end}", "os._exit(7)"))
    starts = [start(tmp_path) for _ in range(4)]
    assert [done.returncode for done in starts] == [7, 7, 7, 0], starts[-1].stderr
    assert starts[-1].stdout == "finished\n"
    rows = open_record(tmp_path / "run").outcomes()
    (lost,) = (o for o in rows if o.ending == "lost")
    assert "ended the program's process 3 times" in lost.detail
    assert not (tmp_path / "run" / "under-way.json").exists()


def test_a_rule_that_exits_ends_its_candidate_and_not_the_search(tmp_path: Path) -> None:
    (tmp_path / "deadly.py").write_text(DEADLY.replace("{end}", "raise SystemExit(0)"))
    with driving(tmp_path / "run", deadly(tmp_path), None) as opened:
        assert play(opened).reason == "finished"
        (crashed,) = (o for o in opened.outcomes if o.ending == "crashed")
    assert "constraint deadly: SystemExit: 0 (deadly.py:" in crashed.detail


UNRULY = """
import sys
from pathlib import Path
from gensynth.executors.inline import run_inline
from tests.support.unruly_campaigns import unruly
with unruly(Path(sys.argv[1]), [("fine", 4), ("BEHAVIOUR", 5)], executor="inline") as opened:
    print(run_inline(opened).reason)
"""


@pytest.mark.slow
def test_a_network_that_kills_its_process_costs_three_starts_and_its_candidate(
    tmp_path: Path,
) -> None:
    script = UNRULY.replace("BEHAVIOUR", "dies")
    starts = [start(tmp_path, script) for _ in range(4)]
    assert [done.returncode for done in starts] == [-9, -9, -9, 0], starts[-1].stderr
    (lost,) = (o for o in open_record(tmp_path).outcomes() if o.ending == "lost")
    assert lost.detail.startswith("its training ended the program's process 3 times")


@pytest.mark.slow
def test_a_network_that_exits_is_a_crash(tmp_path: Path) -> None:
    done = start(tmp_path, UNRULY.replace("BEHAVIOUR", "leaves"))
    assert done.returncode == 0 and done.stdout == "finished\n", done.stderr
    (crashed,) = (o for o in open_record(tmp_path).outcomes() if o.ending == "crashed")
    assert "SystemExit: a network that wants to go home" in crashed.detail


NUMBERS = """
from dataclasses import dataclass
from typing import ClassVar
import numpy as np
import torch
from gensynth import Candidate, Stage, Verdict
from tests.support.toy_space import ToySpace

@dataclass(frozen=True)
class NumpySpace(ToySpace):
    def sample(self, choose):
        def numpy(name, options):
            return int(choose(name, tuple(np.int64(option) for option in options)))
        return super().sample(numpy)

@dataclass(frozen=True)
class NumpyRule:
    needs: ClassVar[Stage] = "graph"

    def __call__(self, candidate: Candidate) -> Verdict:
        layers = sum(layer.parameters > 0 for layer in candidate.graph.layers)
        return Verdict.at_most(np.int64(layers), np.int64(40), "layers", [np.str_("a")])

@dataclass(frozen=True)
class TensorRule:
    needs: ClassVar[Stage] = "graph"

    def __call__(self, candidate: Candidate) -> Verdict:
        return Verdict(torch.tensor(True), torch.tensor(-0.5), "fine", ())

@dataclass(frozen=True)
class VectorRule:
    needs: ClassVar[Stage] = "graph"

    def __call__(self, candidate: Candidate) -> Verdict:
        return Verdict(torch.tensor([True, False]), torch.tensor([0.5, 1.0]), "fine", ())

@dataclass(frozen=True)
class Score:
    how: str
    needs: ClassVar[Stage] = "proxy"

    def __call__(self, candidate: Candidate) -> float:
        top1 = candidate.measurement.top1
        if self.how == "exits":
            raise SystemExit(0)
        return {"numpy": np.float32, "torch": torch.tensor, "nan": lambda x: x * float("nan"),
                "word": str, "none": lambda x: None}[self.how](top1)
"""


@pytest.fixture
def numbers(tmp_path: Path) -> Path:
    name = f"numbers_{tmp_path.name.rstrip('0123456789')}"[:40]
    (tmp_path / f"{name}.py").write_text(NUMBERS)
    return tmp_path / name


def test_values_of_numpy_and_torch_are_recorded_as_numbers(numbers: Path) -> None:
    rules = {n: {"use": f"{numbers.name}:{n}"} for n in ("NumpyRule", "TensorRule")}
    space = {"use": f"{numbers.name}:NumpySpace"}
    score = {"use": f"{numbers.name}:Score", "how": "numpy"}
    settings = experiment(trials=2, constraints=rules, space=space, score=score)
    settings = replace(settings, folder=str(numbers.parent))
    with driving(numbers.parent / "run", settings, None) as opened:
        assert play(opened).reason == "finished"
        rows = opened.outcomes
    assert open_record(numbers.parent / "run").outcomes() == rows
    assert {type(v) for o in rows for v in o.decisions.values()} == {int}
    assert rows[0].judgements[0].violation == pytest.approx(-0.5, abs=0.5)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("nan", "score Score: returned nan"),
        ("exits", "score Score: SystemExit: 0"),
        ("none", "score Score: TypeError"),
    ],
)
def test_a_score_that_fails_is_a_crash_that_names_it(numbers: Path, how: str, words: str) -> None:
    settings = experiment(trials=2, score={"use": f"{numbers.name}:Score", "how": how})
    settings = replace(settings, folder=str(numbers.parent))
    with driving(numbers.parent / "run", settings, None) as opened:
        play(opened)
        crashed = [o for o in opened.outcomes if o.ending == "crashed"]
    assert len(crashed) == 2 and all(words in o.detail for o in crashed)


def test_a_verdict_that_is_no_answer_is_a_crash_and_check_plugin_says_so(numbers: Path) -> None:
    rule = {"vector": {"use": f"{numbers.name}:VectorRule"}}
    settings = replace(experiment(constraints=rule), folder=str(numbers.parent))
    with driving(numbers.parent / "run", settings, None) as opened:
        play(opened)
        assert "constraint vector: " in opened.outcomes[0].detail
        (made,) = opened.evaluator.indicator.rules
        assert not all(check.ok for check in check_constraint(made.constraint))
