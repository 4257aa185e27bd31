"""Neural architecture search by generative synthesis, for tiny vision networks.

Three lines search, and load the network found:

    import gensynth
    campaign = gensynth.search("my.toml", out="runs/mine")
    network = campaign.best.network()
"""

from importlib import import_module
from typing import Any

from gensynth.moved import keep_former_names

_PUBLIC = {
    "gensynth.api.assessing": ("PEERS",),
    "gensynth.api.campaigns": ("Campaign", "load"),
    "gensynth.api.comparing": ("compare", "setup_device"),
    "gensynth.api.drawing": ("Drawn",),
    "gensynth.api.evaluating": ("evaluate",),
    "gensynth.api.exporting": ("Exported", "export"),
    "gensynth.api.found_network": ("Found",),
    "gensynth.api.networks": ("check", "profile", "score"),
    "gensynth.api.plugins": ("NewPlugin", "check_plugin", "installed_plugins", "new_plugin"),
    "gensynth.api.predicting": ("Prediction", "predict"),
    "gensynth.api.searching": ("Interrupted", "preflight", "search"),
    "gensynth.api.training": ("Trained", "train"),
    "gensynth.campaign.experiment": ("Experiment", "read_experiment"),
    "gensynth.errors": ("InputError",),
    "gensynth.evaluation.constraint": ("Candidate", "Judgement", "Stage", "Verdict"),
    "gensynth.evaluation.measurement": ("Measurement",),
    "gensynth.evaluation.outcome": ("Outcome",),
    "gensynth.evaluation.score": ("NetScore",),
    "gensynth.exports.folder": ("ExportError",),
    "gensynth.generators.optuna_sampler.sampler": ("GenerativeSynthesisSampler",),
    "gensynth.generators.protocol": ("Generator", "Proposal"),
    "gensynth.genome": ("Decisions",),
    "gensynth.graph.profile": ("Profile",),
    "gensynth.prediction.evaluation": ("Evaluation",),
    "gensynth.report.assessment": ("Assessment",),
    "gensynth.training.job": ("Diverged",),
    "gensynth.space": ("Choose", "SearchSpace", "Source", "Task"),
}
"""Public names by the module that holds each; `__init__.pyi` types them."""
_HOMES = {name: module for module, names in _PUBLIC.items() for name in names}

__all__ = sorted(_HOMES)

keep_former_names()


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that the command line starts fast."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, imported or not."""
    return sorted({*globals(), *_HOMES})
