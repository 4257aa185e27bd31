"""An experiment: everything that defines a search campaign, as its TOML file states it."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from gensynth.campaign.early_stopping import EarlyStopping
from gensynth.data.sets import DataSettings
from gensynth.errors import InputError
from gensynth.evaluation.constraint import STAGES, Constraint, Indicator, Mode, Rule
from gensynth.evaluation.score import Score
from gensynth.plugins import create
from gensynth.serialization import from_plain
from gensynth.space import SearchSpace
from gensynth.training.job import MOST_EPOCHS, Recipe
from gensynth.training.torch_device import TorchDevice

Executor = Literal["ray", "inline"]
RULE_KEYS = ("use", "mode", "weight")
"""Keys of a constraint's table that are not options of its plugin."""
EXPERIMENT = "experiment.toml"
"""The experiment in a campaign's folder, with all defaults written out."""


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
    """Decibels of the pursued value that one unit of violation of a preference costs."""
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a negative price, which would reward violations."""
        if self.weight < 0:
            raise InputError("weight", f"must be 0 or more (decibels), got {self.weight}")


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
class Experiment:
    """A search campaign as its file states it. Plugins are named, but not imported yet."""

    name: str
    """Name of the campaign and its folder. Default: the file's name."""
    space: Plugin
    constraints: Mapping[str, RuleTable]
    data: DataSettings = field(default_factory=DataSettings)
    proxy: Recipe = field(default_factory=Recipe)
    fidelity: Literal["given", "by_images"] = "given"
    """`by_images`: the proxy's `epochs` and `data_share` follow from the number of images. This is
    what a file means that states neither."""
    score: Plugin = field(default_factory=lambda: Plugin("netscore"))
    generator: Plugin = field(default_factory=lambda: Plugin("gensynth"))
    executor: Executor = "ray"
    """`ray` trains on all cores or on a cluster; `inline` in this process, exactly reproducibly."""
    seed: int = 0
    """Random seed."""
    trials: int = 30
    """Number of candidates to train. References and finals are trained in addition."""
    stopping: Stopping = field(default_factory=Stopping)
    finals: Finals = field(default_factory=Finals)
    last_training: LastTraining = field(default_factory=LastTraining)
    resources: Resources = field(default_factory=Resources)
    keep_weights: bool = False
    """Whether the weights of every candidate are kept; those of finalists and references are."""
    folder: str = "."
    """Folder in which `module:attribute` plugins and relative data paths are looked up."""

    def __post_init__(self) -> None:
        """Refuse campaigns without trainings, without a usable name, or with endless trainings."""
        if self.trials < 1:
            raise InputError("trials", f"must be at least 1, got {self.trials}")
        if not self.name.strip() or self.name in (".", "..") or set(self.name) & set("/\\\0"):
            problem = f"{self.name!r} cannot be the name of a folder: use letters and digits"
            raise InputError("name", problem)
        if self.seed < 0:
            raise InputError("seed", f"must be 0 or more, got {self.seed}")
        for name, table in (("finals", self.finals), ("last_training", self.last_training)):
            epochs = self.proxy.epochs * table.epochs_factor
            if epochs > MOST_EPOCHS:
                problem = f"times proxy.epochs must be at most {MOST_EPOCHS:,}, got {epochs:g}"
                raise InputError(f"{name}.epochs_factor", problem)

    def make_space(self) -> SearchSpace[Any]:
        """Import and make the search space."""
        return self._create("search_space", self.space, "space")  # type: ignore[no-any-return]

    def make_score(self) -> Score:
        """Import and make the score."""
        return self._create("score", self.score, "score")  # type: ignore[no-any-return]

    def make_stopping(self) -> EarlyStopping:
        """Import and make the rule for early stopping."""
        plugin = Plugin(self.stopping.rule, self.stopping.options)
        rule = self._create("early_stopping", plugin, "stopping")
        if not isinstance(rule, EarlyStopping):
            problem = f"{plugin.use} must have the method stops(running)"
            raise InputError(f"{self.name}: stopping", problem)
        return rule

    def make_indicator(self) -> Indicator:
        """Import and make all constraints."""
        rules = []
        for name, table in self.constraints.items():
            plugin = Plugin(table.use, table.options)
            constraint = self._create("constraint", plugin, f"constraints.{name}")
            if not isinstance(constraint, Constraint) or constraint.needs not in STAGES:
                problem = f"{table.use} must be callable and have `needs`, one of {STAGES}"
                raise InputError(f"{self.name}: constraints.{name}", problem)
            rules.append(Rule(name, constraint, table.mode, table.weight))
        return Indicator(tuple(rules))

    def _create(self, kind: Any, plugin: Plugin, place: str) -> Any:
        place = f"{self.name}: {place}"
        return create(kind, plugin.use, plugin.options, place, Path(self.folder))


def read_experiment(path: Path) -> Experiment:
    """Read a TOML file; raise `InputError`, which names the key, for any mistake."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))  # Windows editors add a mark
    except OSError as error:
        raise InputError(str(path), f"cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:  # RecursionError: deep nesting.
        raise InputError(str(path), f"not valid TOML ({error})") from None
    data.setdefault("name", path.stem)
    data.setdefault("folder", str(path.resolve().parent))
    return parse_experiment(data, str(path))


def embedded_experiment(
    name: Literal["digits", "paper", "folder"], called: str | None = None
) -> Experiment:
    """Return `digits` (takes minutes), `paper` (its four rules) or `folder` (for your images).

    `called` is the campaign's name. Default: the one in the file.
    """
    text = files("gensynth.resources").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    given = {"name": called} if called else {}
    return parse_experiment(tomllib.loads(text) | given, f"{name}.toml")


def parse_experiment(data: Mapping[str, Any], place: str) -> Experiment:
    """Return the experiment that the plain data of a file describes; errors name `place`."""
    tables = {"fidelity": _fidelity(data.get("proxy"))} | dict(data)
    for key in ("space", "score", "generator"):
        if key in tables:
            tables[key] = _plugin_table(tables[key], key, place)
    constraints = tables.get("constraints", {})
    if not isinstance(constraints, Mapping):
        raise InputError(f"{place}: constraints", "must be a table")
    tables["constraints"] = {
        name: {"use": name} | _table(value, f"{place}: constraints.{name}", RULE_KEYS)
        for name, value in constraints.items()
    }
    if "stopping" in tables:
        tables["stopping"] = _table(tables["stopping"], f"{place}: stopping", ("rule",))
    experiment = from_plain(Experiment, tables, f"{place}: ")
    return replace(experiment, data=_absolute(experiment.data, Path(experiment.folder)))


def _fidelity(proxy: Any) -> str:
    """Whether the `[proxy]` table states the proxy's length: by either number."""
    stated = isinstance(proxy, Mapping) and ("epochs" in proxy or "data_share" in proxy)
    return "given" if stated else "by_images"


def _plugin_table(value: Any, key: str, place: str) -> dict[str, Any]:
    if isinstance(value, str):
        return {"use": value}
    table = _table(value, f"{place}: {key}", ("use",), "a name or a table")
    if table.get("use") is None:
        raise InputError(f"{place}: {key}.use", "missing: the name of the plugin")
    return table


def _table(
    value: Any, place: str, keys: Sequence[str], expected: str = "a table"
) -> dict[str, Any]:
    """Return a plugin's table: its `keys` as they are, and all others as its `options`."""
    if not isinstance(value, Mapping):
        raise InputError(place, f"must be {expected}")
    options = dict(value)
    known = {key: options.pop(key) for key in keys if key in options}
    return {**known, "options": options.pop("options", options)}


def _absolute(data: DataSettings, folder: Path) -> DataSettings:
    named = data.path == "digits" or data.path.startswith("hub:")
    if named or Path(data.path).is_absolute():
        return data
    return replace(data, path=str((folder / data.path).resolve()))
