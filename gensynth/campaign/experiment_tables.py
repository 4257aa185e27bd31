"""The tables of an experiment file, as frozen values that refuse what cannot be run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from gensynth.errors import InputError, nearest
from gensynth.evaluation.constraint import Mode
from gensynth.graph.profile import Profile
from gensynth.training.job import Recipe
from gensynth.training.torch_device import TorchDevice


@dataclass(frozen=True)
class Plugin:
    """The name of a plugin, and its options."""

    use: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RuleTable:
    """One `[constraints.NAME]` table: a plugin, its mode and its options."""

    use: str
    """Name of the plugin, or `module:class` next to the file. Default: NAME."""
    mode: Mode = "enforce"
    """`enforce`: a network that breaks it is not feasible; `prefer`: breaking it costs `weight`."""
    weight: float = 10.0
    """What of the pursued value, in its unit, one unit of violation of a preference costs."""
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a negative price, which would reward violations."""
        if self.weight < 0:
            raise InputError("weight", f"must be 0 or more, got {self.weight}")


@dataclass(frozen=True)
class Stopping:
    """The `[stopping]` table: the rule that ends trainings early, with the rule's own keys."""

    rule: str = "halving"
    """Name of the rule, or `module:class` next to the file. `none` never stops a training early."""
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Finals:
    """How the winner is chosen: the best few are trained again, longer and with new seeds."""

    candidates: int = 3
    """Number of candidates to train again. If none of them keeps the rules, further ones follow."""
    most: int = 8
    """Maximum number of candidates to train again."""
    replicas: int = 3
    """Trainings of each candidate, each with its own seed."""
    epochs_factor: float = 2.0
    """Length of these trainings, as a multiple of the proxy's epochs."""
    confidence: float = 0.9
    """One-sided confidence, between 0 and 1, of the bound on which the enforced rules must hold."""

    def __post_init__(self) -> None:
        """Refuse finals without trainings, and confidences out of range."""
        if not (1 <= self.candidates <= self.most and self.replicas >= 1):
            raise InputError("candidates", "must satisfy 1 <= candidates <= most and replicas >= 1")
        if not 0 < self.confidence < 1:
            raise InputError("confidence", f"must be between 0 and 1, got {self.confidence}")
        if self.epochs_factor <= 0:
            raise InputError("epochs_factor", f"must be greater than 0, got {self.epochs_factor}")


@dataclass(frozen=True)
class LastTraining:
    """How the winner is trained for export, on the train and validation splits together."""

    epochs_factor: float = 4.0
    """Length of the training, as a multiple of the proxy's epochs."""
    data_share: float = 1.0
    """Share of the images to train on. The search may have used fewer."""
    ema_decay: float = 0.99
    """Decay of the moving average of the weights, which is exported. 0 exports the weights."""

    def __post_init__(self) -> None:
        """Refuse values with which nothing would be trained or averaged."""
        if self.epochs_factor <= 0:
            raise InputError("epochs_factor", f"must be greater than 0, got {self.epochs_factor}")
        if not 0 < self.data_share <= 1:
            problem = f"must be greater than 0 and at most 1, got {self.data_share}"
            raise InputError("data_share", problem)
        if not 0 <= self.ema_decay < 1:
            problem = f"must be at least 0 and less than 1, got {self.ema_decay}"
            raise InputError("ema_decay", problem)

    def of(self, proxy: Recipe) -> Recipe:
        """Return the recipe of the last training: the proxy's, but longer and on more images."""
        epochs = max(1, round(proxy.epochs * self.epochs_factor))
        return replace(proxy, epochs=epochs, data_share=self.data_share, ema_decay=self.ema_decay)


@dataclass(frozen=True)
class Resources:
    """The resources of one training."""

    cpus_per_trial: float = 1.0
    """CPU cores of one training, and the number of its threads."""
    gpus_per_trial: float = 0.0
    """GPUs of one training. With a fraction, several trainings share a GPU."""
    time_limit_s: float | None = None
    """Seconds after which a training ends as timed out. Default: no limit."""
    checkpoint_s: float = 10.0
    """Seconds between two checkpoints of a training; a crash costs at most as much. 0 saves every
    epoch."""
    device: TorchDevice = "auto"
    """Where to train. `auto` uses the GPU if there is one."""
    grouping: Literal["auto", "always", "never"] = "auto"
    """Whether a finalist's trainings share their steps; `auto`: if the first finalist is small."""

    def __post_init__(self) -> None:
        """Refuse amounts that no machine can provide."""
        if self.cpus_per_trial <= 0:
            raise InputError("cpus_per_trial", f"must be greater than 0, got {self.cpus_per_trial}")
        if self.gpus_per_trial < 0:
            raise InputError("gpus_per_trial", f"must be 0 or more, got {self.gpus_per_trial}")
        if self.checkpoint_s < 0:
            raise InputError("checkpoint_s", f"must be 0 or more, got {self.checkpoint_s}")
        if self.time_limit_s is not None and self.time_limit_s <= 0:
            raise InputError("time_limit_s", f"must be greater than 0, got {self.time_limit_s}")


@dataclass(frozen=True)
class Front:
    """The `[front]` table: search the best networks for every limit on some costs at once."""

    costs: Sequence[str] = ()
    """Costs that limits may be set on, such as `["params", "macs"]`. None: one network is wanted,
    the one of the highest pursued value. The finals confirm `finals.candidates` members."""
    tolerance: float = 1.0
    """The recommended member, which is exported, is the cheapest one whose pursued value is at most
    this much lower than the highest."""

    def __post_init__(self) -> None:
        """Refuse costs that are not known before training, and a negative tolerance."""
        known = [f.name for f in fields(Profile) if f.type in (int, "int")]
        for cost in self.costs:
            if cost not in known:
                raise InputError("costs", f"unknown cost{nearest(cost, known)}")
        if len(set(self.costs)) < len(self.costs):
            raise InputError("costs", "each cost may be named once")
        if self.tolerance < 0:
            raise InputError("tolerance", f"must be 0 or more, got {self.tolerance}")
