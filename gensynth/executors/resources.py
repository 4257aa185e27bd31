"""Whether this machine has what a training asks for, found out before the first one."""

from gensynth.campaign.experiment_tables import Resources
from gensynth.errors import InputError
from gensynth.process import usable_cores


def require_here(resources: Resources) -> None:
    """Raise `InputError` if trainings in this process would lack cores or a GPU."""
    cores = usable_cores()
    if resources.cpus_per_trial > cores:
        problem = f"must be at most {cores}, the cores that may be used here, got "
        raise InputError("resources.cpus_per_trial", f"{problem}{resources.cpus_per_trial:g}")
    if resources.gpus_per_trial > 0 and not _has_gpu():
        problem = f"asks for {resources.gpus_per_trial:g}, but torch finds no GPU here; use 0"
        raise InputError("resources.gpus_per_trial", problem)
    require_device(resources)


def require_device(resources: Resources) -> None:
    """Raise `InputError` if the trainings of this machine are to run on a GPU that it lacks."""
    if resources.device == "cuda" and not _has_gpu():
        problem = '"cuda" was asked for, but torch finds no GPU here; use "cpu" or "auto"'
        raise InputError("resources.device", problem)


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()
