"""An experiment: everything that defines a search campaign, as its TOML file states it."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from gensynth.campaign.early_stopping import EarlyStopping
from gensynth.campaign.experiment_tables import (
    Finals,
    Front,
    LastTraining,
    Plugin,
    Resources,
    RuleTable,
    Stopping,
)
from gensynth.data.sets import DataSettings
from gensynth.errors import InputError, nearest_path
from gensynth.evaluation.constraint import STAGES, Constraint, Indicator, Rule
from gensynth.evaluation.score import Score
from gensynth.plugins import create
from gensynth.serialization import from_plain
from gensynth.space import SearchSpace
from gensynth.training.job import MOST_EPOCHS, Recipe

Executor = Literal["ray", "inline"]
RULE_KEYS = ("use", "mode", "weight")
"""Keys of a constraint's table that are not options of its plugin."""
EXPERIMENT = "experiment.toml"
"""The experiment in a campaign's folder, with all defaults written out."""


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
    front: Front = field(default_factory=Front)
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
        problem = f"cannot be read ({error.strerror}){nearest_path(path)}"
        raise InputError(str(path), problem) from None
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
