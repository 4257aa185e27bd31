"""Plugins that fail: their candidates end as rows of the record, and the campaign goes on."""

from dataclasses import replace
from pathlib import Path

from gensynth.campaign.folder import driving
from tests.campaign.test_campaign import play
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
