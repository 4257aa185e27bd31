"""A campaign whose code is not run: what its record says, and nothing is judged again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn

from gensynth.campaign.campaign import CampaignDriver
from gensynth.campaign.context import Context
from gensynth.campaign.experiment import Experiment
from gensynth.campaign.finals import Finalist
from gensynth.campaign.schedule import Schedule
from gensynth.campaign.trust import REMEDY, named_code, not_run
from gensynth.errors import InputError
from gensynth.evaluation.constraint import Indicator
from gensynth.evaluation.outcome import Outcome
from gensynth.evaluation.score import NetScore
from gensynth.genome import Decisions
from gensynth.record.ledger import Ledger
from gensynth.space import Choose, Source, Task


@dataclass(frozen=True)
class UnknownSpace:
    """Stands for a search space whose code is not run."""

    folder: str
    problem: str
    genome_type: ClassVar[type] = object
    version: ClassVar[int] = 0
    presets: ClassVar[Mapping[str, Decisions]] = {}

    def sample(self, choose: Choose) -> NoReturn:
        """Raise `InputError`: no genome can be made without the code."""
        raise InputError(self.folder, self.problem)

    def source(self, genome: Any, task: Task) -> Source:
        """Raise `InputError`: no network can be built without the code."""
        raise InputError(self.folder, self.problem)


class RecordOnly(CampaignDriver):
    """Answers what the record alone can answer, and refuses everything else."""

    def __init__(self, experiment: Experiment, ledger: Ledger, fingerprint: str) -> None:
        """Read the campaign; `fingerprint` is that of its images, which are not opened."""
        said = not_run(named_code(experiment))
        self._refusal = InputError(str(ledger.folder), f"{said}; {REMEDY}")
        context = Context(
            experiment=experiment,
            space=UnknownSpace(self._refusal.place, self._refusal.problem),
            score=NetScore(),
            indicator=Indicator(),
            task=Task(1, 1, 1, 1),
            data_fingerprint=fingerprint,
            validation_images=0,
        )
        super().__init__(context, ledger, since=0, schedule=Schedule(ledger.folder))
        self.warnings.append(f"{said}: this is what the record says; {REMEDY}")

    def finalists(self) -> list[Finalist]:
        """Return nothing: whether a finalist holds would have to be judged."""
        return []

    def exported(self) -> Outcome | None:
        """Return nothing: the winner would have to be judged."""
        return None

    def untrained(self) -> list[Outcome]:
        """Return nothing: no candidate is judged."""
        return []

    def rejections(self) -> Mapping[str, int]:
        """Return nothing: no generator is made."""
        return {}

    def require_code(self) -> None:
        """Raise `InputError`."""
        raise self._refusal
