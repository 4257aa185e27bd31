"""Former module names that plugins, notebooks and stored records still use.

`sys.modules` gets a stand-in for each; it loads the present module at the first attribute. The
parent package gets no attribute, so a former module `gensynth.profile` does not hide the public
function of the same name.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

FORMER = {
    "gensynth.columns": "gensynth.graph.columns",
    "gensynth.constraint": "gensynth.evaluation.constraint",
    "gensynth.downsampling": "gensynth.graph.downsampling",
    "gensynth.experiment": "gensynth.campaign.experiment",
    "gensynth.export.publish": "gensynth.exports.publish",
    "gensynth.gates": "gensynth.graph.gates",
    "gensynth.generator": "gensynth.generators.protocol",
    "gensynth.inline_executor": "gensynth.executors.inline",
    "gensynth.judge": "gensynth.evaluation.evaluator",
    "gensynth.latency.terms": "gensynth.evaluation.latency",
    "gensynth.measurement": "gensynth.evaluation.measurement",
    "gensynth.outcome": "gensynth.evaluation.outcome",
    "gensynth.peers": "gensynth.models.timm_models",
    "gensynth.problem": "gensynth.generators.problem",
    "gensynth.profile": "gensynth.graph.profile",
    "gensynth.record.folder": "gensynth.campaign.folder",
    "gensynth.score": "gensynth.evaluation.score",
    "gensynth.setting": "gensynth.campaign.context",
    "gensynth.trace": "gensynth.graph.trace",
}
"""Present module by former name."""


class _Former(ModuleType):
    """Stands in `sys.modules` for a module that has moved."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(import_module(FORMER[self.__name__]), name)


def keep_former_names() -> None:
    """Make every former module name importable."""
    for name in FORMER:
        sys.modules.setdefault(name, _Former(name))


def former(module: str) -> str:
    """Return the name that records of earlier versions hold for `module`."""
    return next((old for old, new in FORMER.items() if new == module), module)
