"""Networks of timm with published weights that are on this machine already."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageOps

from gensynth.errors import InputError, unknown
from gensynth.models.timm_models import import_timm

if TYPE_CHECKING:
    from torch import nn

HUB_FILES = ("model.safetensors", "pytorch_model.bin")


def pretrained(name: str) -> "tuple[nn.Module, Callable[[Any], Any], tuple[str, ...]]":
    """Return a network of timm, what prepares a picture for it, and the names of its classes.

    Nothing is downloaded. The preparation is timm's own, of a picture turned upright.

    Raises:
        InputError: timm has no such network, or its weights are not on this machine.
    """
    timm = import_timm()
    if not timm.is_model(name):
        raise unknown(f"timm:{name}", "timm network", name, timm.list_models())
    settings = timm.get_pretrained_cfg(name)
    file = _weights(settings) if settings is not None else None
    if file is None:
        remedy = f"download them by timm.create_model({name!r}, pretrained=True)"
        raise InputError(f"timm:{name}", f"its weights are not on this machine; {remedy}")
    network = timm.create_model(name, pretrained=True, pretrained_cfg_overlay={"file": str(file)})
    data = import_module("timm.data")
    transform = data.create_transform(**data.resolve_model_data_config(network))

    def prepare(picture: Any) -> Any:
        with Image.open(picture) as opened:
            return transform(ImageOps.exif_transpose(opened).convert("RGB")).numpy()

    return network.eval(), prepare, _classes(network, data)


def _weights(settings: Any) -> Path | None:
    """Return the file of published weights, if an earlier download left it here."""
    if settings.file and Path(settings.file).is_file():
        return Path(settings.file)
    if settings.hf_hub_id:
        hub = import_module("huggingface_hub")
        for file in HUB_FILES:
            found = hub.try_to_load_from_cache(settings.hf_hub_id, file)
            if isinstance(found, str):
                return Path(found)
    if settings.url:
        folder = Path(import_module("torch.hub").get_dir()) / "checkpoints"
        file = folder / settings.url.rpartition("/")[2]
        return file if file.is_file() else None
    return None


def _classes(network: Any, data: Any) -> tuple[str, ...]:
    names = network.pretrained_cfg.get("label_names")
    if names:
        return tuple(names)
    if network.num_classes == 1000:
        known = data.ImageNetInfo()
        return tuple(known.index_to_description(number) for number in range(1000))
    return tuple(f"class {number}" for number in range(network.num_classes))
