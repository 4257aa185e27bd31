"""Neural architecture search by generative synthesis, for tiny vision networks.

Three lines search, and load the network found:

    import gensynth
    campaign = gensynth.search("my.toml", out="runs/mine")
    network = campaign.best.network()
"""

from importlib import import_module
from typing import Any

from gensynth.former_names import keep_former_names

_PUBLIC = {
    "gensynth.api.assessing": ("PEERS",),
    "gensynth.api.campaigns": ("Campaign",),
    "gensynth.api.loading": ("finish", "load"),
    "gensynth.api.comparing": ("compare", "setup_device"),
    "gensynth.api.drawn_networks": ("Drawn",),
    "gensynth.api.evaluating": ("evaluate",),
    "gensynth.api.experiment_file": ("new_experiment",),
    "gensynth.api.exporting": ("Exported", "export", "setup_format"),
    "gensynth.api.found_network": ("Found",),
    "gensynth.api.networks": ("boards", "check", "profile", "score"),
    "gensynth.api.plugins": ("NewPlugin", "check_plugin", "installed_plugins", "new_plugin"),
    "gensynth.api.predicting": ("Prediction", "predict"),
    "gensynth.api.pushing": ("push",),
    "gensynth.api.schema": ("schema",),
    "gensynth.api.searching": ("Interrupted", "preflight", "search"),
    "gensynth.api.training": ("Trained", "train"),
    "gensynth.api.warm_start": ("ImportedTrainings", "import_trainings"),
    "gensynth.campaign.early_stopping": ("Curve", "EarlyStopping", "Running"),
    "gensynth.campaign.experiment": ("Experiment", "read_experiment"),
    "gensynth.errors": ("InputError",),
    "gensynth.evaluation.constraint": (
        "Candidate",
        "Constraint",
        "ConstraintError",
        "Judgement",
        "NeedsInt8Loss",
        "NeedsReference",
        "Stage",
        "Verdict",
    ),
    "gensynth.evaluation.footprint": ("NeedsFootprint",),
    "gensynth.evaluation.latency": ("AsksLatency", "Interval", "Latency", "Question"),
    "gensynth.evaluation.measurement": ("Measurement",),
    "gensynth.evaluation.outcome": ("Outcome",),
    "gensynth.evaluation.score": ("NetScore", "Score"),
    "gensynth.exports.export_folder": ("ExportError",),
    "gensynth.formats": ("Deployment", "Format", "Run"),
    "gensynth.generators.optuna_sampler.sampler": ("GenerativeSynthesisSampler",),
    "gensynth.generators.problem": ("Problem",),
    "gensynth.generators.protocol": ("CountsRejections", "Generator", "Proposal"),
    "gensynth.genome": ("Decisions",),
    "gensynth.graph.graph": ("Graph", "Layer"),
    "gensynth.graph.profile": ("Profile",),
    "gensynth.graph.trace": ("trace",),
    "gensynth.latency.device": (
        "ComparesNetworks",
        "Comparison",
        "ConfirmsLatency",
        "Device",
        "ForeseesLatency",
        "NeedsSetup",
    ),
    "gensynth.latency.job": ("LatencyJob",),
    "gensynth.latency.reference": ("find_reference",),
    "gensynth.models.by_name": ("Model",),
    "gensynth.prediction.evaluation": ("Evaluation",),
    "gensynth.quantity": ("Bytes", "Count", "Milliseconds", "Percent"),
    "gensynth.report.network_assessment": ("Assessment",),
    "gensynth.report.trackers": ("MlflowRuns", "Tracker", "TrackioRuns"),
    "gensynth.tflm.boards": ("Board",),
    "gensynth.space": ("Choose", "GivesGraph", "Replay", "SearchSpace", "Source", "Task", "build"),
    "gensynth.evaluation.class_measures": ("precision", "sensitivity"),
    "gensynth.training.job": ("Diverged",),
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
