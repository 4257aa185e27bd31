"""A campaign's context: its experiment, with the plugins made and the data opened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
from numpy.typing import NDArray

from gensynth.campaign.earlier import fitting_campaigns, require_learning
from gensynth.campaign.early_stopping import EarlyStopping, Halving
from gensynth.campaign.experiment import Experiment
from gensynth.campaign.proxy_length import with_proxy_length
from gensynth.data.open import open_data
from gensynth.data.sets import DataSet, Progress, with_chain
from gensynth.errors import InputError
from gensynth.evaluation.constraint import Indicator
from gensynth.evaluation.evaluator import Evaluator, Watch
from gensynth.evaluation.latency import Question
from gensynth.evaluation.outcome import Purpose
from gensynth.evaluation.score import Score
from gensynth.generators.by_name import make_generator
from gensynth.generators.problem import Confirmation, EarlierCampaign
from gensynth.generators.protocol import Generator
from gensynth.generators.space_problem import SpaceProblem
from gensynth.generators.synthesis.probe import Stimuli
from gensynth.latency.device import check_question
from gensynth.latency.job import LatencyJob
from gensynth.latency.runtimes import check_runtime
from gensynth.models.by_name import reference_source
from gensynth.space import SearchSpace, Source, Task
from gensynth.training.job import Job
from gensynth.training.photometric import require_torchvision

if TYPE_CHECKING:
    from torch import Tensor

_STREAMS: tuple[Purpose, ...] = get_args(Purpose)
"""Each purpose has its own stream of training seeds; their order must never change."""
_STIMULI = 5
"""The stream of the images that untrained networks are probed with."""
PROBED_IMAGES = 64
"""Size of the mini-batch that untrained networks are probed with."""


@dataclass(frozen=True)
class Context:
    """Everything that a campaign depends on and that does not change while it runs."""

    experiment: Experiment
    space: SearchSpace[Any]
    score: Score
    indicator: Indicator
    task: Task
    data_fingerprint: str
    validation_images: int
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    """Per channel, of the training pixels scaled to 0..1; networks see (x - mean) / std."""
    train_images: int = 0
    test_images: int = 0
    references: Mapping[str, Source] = field(default_factory=dict)
    """Networks that constraints compare with, by name; trained first, by the same proxy."""
    stimuli: Stimuli | None = None
    """The images that the inquisitor probes untrained networks with."""
    stopping: EarlyStopping = field(default_factory=Halving)
    class_names: tuple[str, ...] = ()
    """Names of the classes, in the order of a network's outputs."""
    left_out: str = ""
    """A sentence about images that could not be read; empty if there are none."""
    earlier: tuple[EarlierCampaign, ...] = ()
    """What the generator learns from before the first training; nothing for a cold start."""
    watch: Watch | None = None
    """Is told whose code runs."""
    repeated: str = ""
    """A sentence about images that are in several splits or classes; empty if there are none."""

    nested: str = ""
    """A sentence about folders inside the class folders; empty if there are none."""
    imbalanced: str = ""
    """A sentence about classes with different numbers of images; empty if they are even."""

    @cached_property
    def evaluator(self) -> Evaluator:
        """The constraints and the score applied to the space, before any reference is trained."""
        return Evaluator(self.space, self.task, self.indicator, self.score, watch=self.watch)

    def problem(self, evaluator: Evaluator | None = None) -> SpaceProblem:
        """Return the space under its constraints and score, as a generator sees it."""
        prototype = self.space.presets.get("prototype", {})
        folder = Path(self.experiment.folder)
        finals = self.experiment.finals
        confirmed = Confirmation(
            self.validation_images, finals.replicas, finals.confidence, finals.epochs_factor > 1
        )
        front = self.experiment.front.costs
        evaluator = evaluator or self.evaluator
        known = confirmed, front, self.earlier
        return SpaceProblem(evaluator, prototype, self.stimuli, folder, *known)

    def make_generator(self, evaluator: Evaluator) -> Generator:
        """Make the generator that the experiment names, in its initial state."""
        problem = self.problem(evaluator)
        plugin, folder = self.experiment.generator, Path(self.experiment.folder)
        place = f"{self.experiment.name}: generator"
        return make_generator(plugin.use, plugin.options, problem, self._seed(0, 0), place, folder)

    def job(self, number: int, purpose: Purpose, source: Source, folder: Path) -> Job:
        """Return the training of candidate `number` for `purpose`, with its files in `folder`."""
        experiment = self.experiment
        recipe = experiment.proxy
        size = source.input_shape[1:]
        if purpose in ("final", "longer"):
            epochs = max(1, round(recipe.epochs * experiment.finals.epochs_factor))
            recipe = replace(recipe, epochs=epochs)
        elif purpose == "export":
            recipe = experiment.last_training.of(recipe)
        return Job(
            number=number,
            purpose=purpose,
            source=source,
            data=experiment.data,
            data_fingerprint=self.fingerprint_at(size),
            recipe=recipe,
            training_seed=self._seed(1 + _STREAMS.index(purpose), number),
            folder=str(folder.resolve()),
            splits=("train", "validation") if purpose == "export" else ("train",),
            measure_test=purpose == "export",
            measure_int8=self.indicator.needs_int8_loss
            and purpose in ("search", "final", "longer"),
            keep_weights=purpose not in ("search", "longer") or experiment.keep_weights,
            checkpoint_s=experiment.resources.checkpoint_s,
            time_limit_s=experiment.resources.time_limit_s,
            threads=max(1, int(experiment.resources.cpus_per_trial)),
            device=experiment.resources.device,
            import_paths=(experiment.folder,) if experiment.folder else (),
        )

    def data_at(self, size: tuple[int, int]) -> DataSet:
        """Open the data as a network whose input has `size` (height, width) is trained on it."""
        return open_data(self.experiment.data, size=size)

    def fingerprint_at(self, size: tuple[int, int]) -> str:
        """Return the fingerprint of the data decoded to `size`, under the campaign's chain."""
        one_size = self.experiment.data.chain == "two_resizes"
        if one_size or size == (self.task.height, self.task.width):
            return self.data_fingerprint
        return self.data_at(size).fingerprint

    def latency_job(self, source: Source, question: Question) -> LatencyJob:
        """Return the measurement of a network's latency that answers `question`."""
        paths = (self.experiment.folder,) if self.experiment.folder else ()
        return LatencyJob(source, question, self.task, paths)

    def check_measurable(self) -> None:
        """Raise `InputError`, before anything is trained, if something cannot be measured here."""
        if self.indicator.needs_int8_loss:
            check_runtime("onnxruntime")
        for question in self.evaluator.questions:
            if question.resource and self.experiment.executor != "ray":
                raise InputError("resource", f'{question.resource!r} needs executor = "ray"')
            check_question(question, self.task, Path(self.experiment.folder))

    def check_usable(self, new: bool) -> None:
        """Raise `InputError` too if a `new` campaign's generator ignores earlier trainings."""
        self.check_measurable()
        if new and self.earlier:
            require_learning(self.make_generator(self.evaluator), self.experiment.generator.use)

    def _seed(self, stream: int, number: int) -> int:
        """Return an independent 31-bit seed for one use of randomness."""
        sequence = np.random.SeedSequence((self.experiment.seed, stream, number))
        return int(sequence.generate_state(1)[0] >> 1)


def make_context(
    experiment: Experiment,
    progress: Progress | None = None,
    earlier: Sequence[EarlierCampaign] = (),
) -> Context:
    """Import the experiment's plugins and open its data; raise `InputError` for any mistake."""
    space, score = experiment.make_space(), experiment.make_score()
    indicator = experiment.make_indicator()
    require_torchvision(experiment.proxy.augment)
    data = open_data(experiment.data, progress=progress)
    experiment = with_proxy_length(experiment, len(data.splits["train"]))
    experiment = replace(experiment, data=with_chain(experiment.data))
    context = Context(
        experiment=experiment,
        space=space,
        score=score,
        indicator=indicator,
        task=data.task,
        data_fingerprint=data.fingerprint,
        validation_images=len(data.splits["validation"]),
        mean=data.mean,
        std=data.std,
        train_images=len(data.splits["train"]),
        test_images=len(data.splits["test"]),
        references=_references(indicator, space, data.task, experiment),
        stimuli=_stimuli(data, experiment),
        stopping=experiment.make_stopping(),
        earlier=fitting_campaigns(space, earlier),
        class_names=data.class_names,
        left_out=data.left_out,
        repeated=data.repeated,
        nested=data.nested,
        imbalanced=data.imbalanced,
    )
    context.make_generator(context.evaluator)  # Reports a wrong generator table now.
    return context


def _stimuli(data: DataSet, experiment: Experiment) -> Stimuli:
    """Return a mini-batch of normalised training images to probe untrained networks with."""
    import torch

    split = data.splits["train"]
    rng = np.random.default_rng(np.random.SeedSequence((experiment.seed, _STIMULI)))
    chosen = np.sort(rng.choice(len(split), min(PROBED_IMAGES, len(split)), replace=False))

    def decoded(height: int, width: int) -> "Tensor":
        return _normalised(open_data(experiment.data, size=(height, width)), chosen)

    labels = torch.from_numpy(split.labels[chosen])
    at_any_size = decoded if experiment.data.chain != "two_resizes" else None
    return Stimuli(_normalised(data, chosen), labels, at_any_size)


def _normalised(data: DataSet, chosen: NDArray[np.int64]) -> "Tensor":
    import torch

    mean, std = (np.array(figures)[:, None, None] for figures in (data.mean, data.std))
    images = (data.splits["train"].images[chosen] / 255.0 - mean) / std
    return torch.from_numpy(images).float()


def _references(
    indicator: Indicator, space: SearchSpace[Any], task: Task, experiment: Experiment
) -> dict[str, Source]:
    place = f"{experiment.name}: reference"
    folder = Path(experiment.folder)
    return {n: reference_source(n, space, task, place, folder) for n in indicator.references}
