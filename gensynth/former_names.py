"""Former names of modules, which plugins, notebooks and stored records still use.

Each gets a stand-in in `sys.modules` that loads the present module when an attribute is first
read. The parent package gets no attribute, so the former module `gensynth.profile` does not hide
the public function of that name.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

FORMER = {
    "gensynth.api.drawing": "gensynth.api.drawn_networks",
    "gensynth.campaign.answers": "gensynth.campaign.schedule",
    "gensynth.campaign.ends": "gensynth.campaign.schedule",
    "gensynth.campaign.folder": "gensynth.campaign.campaign_folder",
    "gensynth.campaign.latencies": "gensynth.campaign.remeasurement",
    "gensynth.campaign.longer": "gensynth.campaign.schedule",
    "gensynth.campaign.whereabouts": "gensynth.campaign.record_location",
    "gensynth.columns": "gensynth.graph.columns",
    "gensynth.constraint": "gensynth.evaluation.constraint",
    "gensynth.data.originals": "gensynth.data.stored_pictures",
    "gensynth.downsampling": "gensynth.graph.downsampling",
    "gensynth.experiment": "gensynth.campaign.experiment",
    "gensynth.export.publish": "gensynth.exports.publish",
    "gensynth.exports.again": "gensynth.exports.reexport",
    "gensynth.exports.candidates": "gensynth.exports.campaign_networks",
    "gensynth.exports.folder": "gensynth.exports.export_folder",
    "gensynth.exports.tested": "gensynth.exports.verified_top1",
    "gensynth.formats.quiet": "gensynth.formats.output_suppression",
    "gensynth.gates": "gensynth.graph.gates",
    "gensynth.generator": "gensynth.generators.protocol",
    "gensynth.generators.fitness": "gensynth.generators.problem",
    "gensynth.graph.other_counters": "gensynth.graph.second_opinions",
    "gensynth.inline_executor": "gensynth.executors.inline",
    "gensynth.judge": "gensynth.evaluation.evaluator",
    "gensynth.latency.terms": "gensynth.evaluation.latency",
    "gensynth.measurement": "gensynth.evaluation.measurement",
    "gensynth.moved": "gensynth.former_names",
    "gensynth.outcome": "gensynth.evaluation.outcome",
    "gensynth.peers": "gensynth.models.timm_models",
    "gensynth.problem": "gensynth.generators.problem",
    "gensynth.profile": "gensynth.graph.profile",
    "gensynth.record.folder": "gensynth.campaign.campaign_folder",
    "gensynth.record.log": "gensynth.record.event_log",
    "gensynth.record.rows": "gensynth.record.outcome_rows",
    "gensynth.record.study": "gensynth.record.optuna_study",
    "gensynth.report.assessment": "gensynth.report.network_assessment",
    "gensynth.report.drawing": "gensynth.report.network_drawing",
    "gensynth.report.sketch": "gensynth.report.network_layout",
    "gensynth.score": "gensynth.evaluation.score",
    "gensynth.setting": "gensynth.campaign.context",
    "gensynth.trace": "gensynth.graph.trace",
    "gensynth.training.class_measures": "gensynth.evaluation.class_measures",
    "gensynth.training.device": "gensynth.training.torch_device",
    "gensynth.training.lesson": "gensynth.training.epoch_data",
    "gensynth.training.order": "gensynth.training.epoch_data",
    "gensynth.training.pace": "gensynth.training.training_speed",
    "gensynth.training.start": "gensynth.training.starting_weights",
    "gensynth.training.together": "gensynth.training.grouped_attempt",
}
"""The present name of each module, by its former name."""


class _Former(ModuleType):
    """A stand-in for a module that has moved."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(import_module(FORMER[self.__name__]), name)


def keep_former_names() -> None:
    """Make every former module name importable."""
    for name in FORMER:
        sys.modules.setdefault(name, _Former(name))


def former(module: str) -> str:
    """Return the name of `module` that is stored in records, so that its identity never changes.

    >>> former("gensynth.models.timm_models")
    'gensynth.peers'
    >>> former("a_plugin.blocks")
    'a_plugin.blocks'
    """
    return next((old for old, new in FORMER.items() if new == module), module)
