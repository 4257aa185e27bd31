"""An experiment: everything that defines a search campaign, read from one TOML file."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from gensynth.campaign.early_stopping import EarlyStopping
from gensynth.data.sets import DataSettings
from gensynth.errors import InputError
from gensynth.evaluation.constraint import STAGES, Indicator, Mode, Rule
from gensynth.evaluation.score import Score
from gensynth.plugins import create
from gensynth.serialization import from_plain
from gensynth.space import SearchSpace
from gensynth.training.device import Device
from gensynth.training.job import MOST_EPOCHS, Recipe

Executor = Literal["ray", "inline"]
EXPERIMENT = "experiment.toml"
"""The resolved experiment in a campaign's folder."""


@dataclass(frozen=True)
class Plugin:
    """A plugin's name and its own table."""

    use: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RuleTable:
    """One `[constraints.NAME]` table: which plugin, in which mode, with which fields."""

    use: str
    """The plugin's name, or `module:class` beside the file; default: NAME."""
    mode: Mode = "enforce"
    """`enforce`: without it a network is not feasible; `prefer`: it costs `weight`."""
    weight: float = 10.0
    """Decibels of the pursued value that one unit of violation costs, where preferred."""
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a price that would reward what is to be avoided."""
        if self.weight < 0:
            raise InputError("weight", f"expected 0 or more decibels, got {self.weight}")


@dataclass(frozen=True)
class Stopping:
    """Which rule ends trainings early that fall behind; the rule's own keys stand beside it."""

    rule: str = "halving"
    """An installed rule, or `module:class` beside the file; `none` never ends one early."""
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Finals:
    """How the winner is chosen: the best few train longer, again, with fresh seeds."""

    candidates: int = 3
    """How many of the best are trained again at first; more where none of them holds."""
    most: int = 8
    """How many at most."""
    replicas: int = 3
    """Trainings of each, with fresh seeds."""
    epochs_factor: float = 2.0
    """Length of these trainings, as a multiple of the proxy's."""
    confidence: float = 0.9
    """Of the lower bound on which the enforced rules must hold; one-sided, between 0 and 1."""

    def __post_init__(self) -> None:
        """Refuse an empty final or a confidence that is none."""
        if not (1 <= self.candidates <= self.most and self.replicas >= 1):
            raise InputError("candidates", "expected 1 <= candidates <= most and replicas >= 1")
        if not 0 < self.confidence < 1:
            raise InputError("confidence", f"expected between 0 and 1, got {self.confidence}")
        if self.epochs_factor <= 0:
            raise InputError("epochs_factor", f"expected more than 0, got {self.epochs_factor}")


@dataclass(frozen=True)
class LastTraining:
    """How the winner is trained before it is exported, on the train and validation splits."""

    epochs_factor: float = 4.0
    """Its length, as a multiple of the proxy's epochs."""
    data_share: float = 1.0
    """Share of the images that is used; the search may have trained on fewer."""
    ema_decay: float = 0.99
    """Of the moving average of the weights, which is what is exported; 0 = none."""

    def __post_init__(self) -> None:
        """Refuse lengths and shares that train nothing."""
        if self.epochs_factor <= 0:
            raise InputError("epochs_factor", f"expected more than 0, got {self.epochs_factor}")
        if not 0 < self.data_share <= 1:
            raise InputError("data_share", f"expected more than 0, up to 1, got {self.data_share}")
        if not 0 <= self.ema_decay < 1:
            raise InputError("ema_decay", f"expected 0 or more, below 1, got {self.ema_decay}")

    def of(self, proxy: Recipe) -> Recipe:
        """Give the recipe: the proxy's, longer and on more images."""
        epochs = max(1, round(proxy.epochs * self.epochs_factor))
        changed = replace(proxy, epochs=epochs, data_share=self.data_share)
        return replace(changed, ema_decay=self.ema_decay)


@dataclass(frozen=True)
class Resources:
    """What one training may use."""

    cpus_per_trial: float = 1.0
    """Cores of one training; its threads."""
    gpus_per_trial: float = 0.0
    """A fraction lets several candidates share a GPU."""
    time_limit_s: float | None = None
    """A training that takes longer ends as timed out."""
    checkpoint_s: float = 10.0
    """Seconds between two checkpoints of a training: what a crash may cost; 0 = every epoch."""
    device: Device = "auto"
    """`auto` is the GPU where there is one."""

    def __post_init__(self) -> None:
        """Refuse shares that no machine could lend."""
        if self.cpus_per_trial <= 0:
            raise InputError("cpus_per_trial", f"expected more than 0, got {self.cpus_per_trial}")
        if self.gpus_per_trial < 0:
            raise InputError("gpus_per_trial", f"expected 0 or more, got {self.gpus_per_trial}")
        if self.checkpoint_s < 0:
            raise InputError("checkpoint_s", f"expected 0 or more, got {self.checkpoint_s}")
        if self.time_limit_s is not None and self.time_limit_s <= 0:
            raise InputError("time_limit_s", f"expected more than 0, got {self.time_limit_s}")


@dataclass(frozen=True)
class Experiment:
    """A search campaign as its file says it; plugins are named, not yet imported."""

    name: str
    """Of the campaign and its folder; the file's name where it is left out."""
    space: Plugin
    constraints: Mapping[str, RuleTable]
    data: DataSettings = field(default_factory=DataSettings)
    proxy: Recipe = field(default_factory=Recipe)
    fidelity: Literal["given", "by_images"] = "given"
    """`by_images`: `epochs` and `data_share` of the proxy follow from the number of images; what a
    file means that has neither."""
    score: Plugin = field(default_factory=lambda: Plugin("netscore"))
    generator: Plugin = field(default_factory=lambda: Plugin("gensynth"))
    executor: Executor = "ray"
    """`ray` uses all cores, or a cluster; `inline` this process, exactly reproducible."""
    seed: int = 0
    """Decides everything that is left to chance."""
    trials: int = 30
    """Trainings of the search itself; references and finals come on top."""
    stopping: Stopping = field(default_factory=Stopping)
    finals: Finals = field(default_factory=Finals)
    last_training: LastTraining = field(default_factory=LastTraining)
    resources: Resources = field(default_factory=Resources)
    folder: str = "."
    """Where `module:attribute` plugins and relative data paths are looked up."""

    def __post_init__(self) -> None:
        """Refuse a campaign without trainings."""
        if self.trials < 1:
            raise InputError("trials", f"expected at least 1, got {self.trials}")
        if not self.name.strip() or self.name in (".", "..") or set(self.name) & set("/\\\0"):
            raise InputError("name", f"{self.name!r} cannot name a folder: use letters and digits")
        if self.seed < 0:
            raise InputError("seed", f"expected 0 or more, got {self.seed}")
        for name in ("finals", "last_training"):
            epochs = self.proxy.epochs * getattr(self, name).epochs_factor
            if epochs > MOST_EPOCHS:
                problem = (
                    f"makes {epochs:g} epochs of proxy.epochs, expected {MOST_EPOCHS:,} at most"
                )
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
            if (stage := getattr(constraint, "needs", None)) not in STAGES:
                place = f"{self.name}: constraints.{name}"
                problem = f"`needs` of {table.use} is {stage!r}, expected one of {STAGES}"
                raise InputError(place, problem)
            rules.append(Rule(name, constraint, table.mode, table.weight))
        return Indicator(tuple(rules))

    def _create(self, kind: Any, plugin: Plugin, place: str) -> Any:
        place = f"{self.name}: {place}"
        return create(kind, plugin.use, plugin.options, place, Path(self.folder))


def read_experiment(path: Path) -> Experiment:
    """Read a TOML file; every mistake is an `InputError` that names the key."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))  # Windows editors put a mark
    except OSError as error:
        raise InputError(str(path), f"cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:  # Its own errors, and those of long numbers.
        raise InputError(str(path), f"not valid TOML ({error})") from None
    data.setdefault("name", path.stem)
    data.setdefault("folder", str(path.resolve().parent))
    return parse_experiment(data, str(path))


def embedded_experiment(
    name: Literal["digits", "paper", "folder"], called: str | None = None
) -> Experiment:
    """Give `digits` (minutes), `paper` (its four rules) or `folder` (for images of one's own).

    `called` is the campaign's name, the file's own by default.
    """
    text = files("gensynth.resources").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    given = {"name": called} if called else {}
    return parse_experiment(tomllib.loads(text) | given, f"{name}.toml")


def parse_experiment(data: Mapping[str, Any], place: str) -> Experiment:
    """Read an experiment from the plain data of its file."""
    tables = {"fidelity": _fidelity(data.get("proxy"))} | dict(data)
    for key in ("space", "score", "generator"):
        if key in tables:
            tables[key] = _plugin_table(tables[key], key, place)
    constraints = tables.get("constraints", {})
    if not isinstance(constraints, Mapping):
        raise InputError(f"{place}: constraints", "expected a table")
    tables["constraints"] = {
        name: _rule_table(table, name, place) for name, table in constraints.items()
    }
    if "stopping" in tables:
        tables["stopping"] = _stopping_table(tables["stopping"], place)
    experiment = from_plain(Experiment, tables, f"{place}: ")
    return replace(experiment, data=_absolute(experiment.data, Path(experiment.folder)))


def _fidelity(proxy: Any) -> str:
    """Say whether a file says how short the proxy is; without either number it says neither."""
    told = isinstance(proxy, Mapping) and ("epochs" in proxy or "data_share" in proxy)
    return "given" if told else "by_images"


def _plugin_table(table: Any, key: str, place: str) -> dict[str, Any]:
    if isinstance(table, str):
        return {"use": table}
    if not isinstance(table, Mapping):
        raise InputError(f"{place}: {key}", "expected a name or a table")
    options = dict(table)
    use = options.pop("use", None)
    if use is None:
        raise InputError(f"{place}: {key}.use", "missing: the name of the plugin")
    return {"use": use, "options": options.pop("options", options)}


def _stopping_table(table: Any, place: str) -> dict[str, Any]:
    if not isinstance(table, Mapping):
        raise InputError(f"{place}: stopping", "expected a table")
    options = dict(table)
    known = {"rule": options.pop("rule")} if "rule" in options else {}
    return {**known, "options": options.pop("options", options)}


def _rule_table(table: Any, name: str, place: str) -> dict[str, Any]:
    if not isinstance(table, Mapping):
        raise InputError(f"{place}: constraints.{name}", "expected a table")
    options = dict(table)
    known = {key: options.pop(key) for key in ("use", "mode", "weight") if key in options}
    return {"use": name, **known, "options": options.pop("options", options)}


def _absolute(data: DataSettings, folder: Path) -> DataSettings:
    named = data.path == "digits" or data.path.startswith("hub:")
    if named or Path(data.path).is_absolute():
        return data
    return replace(data, path=str((folder / data.path).resolve()))
