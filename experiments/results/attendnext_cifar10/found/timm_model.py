"""Registers this folder's network with timm: after importing it, `timm.create_model` knows it.

    import sys; sys.path.append("FOLDER")
    import timm, timm_model

    timm.create_model(timm_model.NAME, pretrained=True)
    timm.create_model(timm_model.NAME, pretrained=True, features_only=True)
    timm.create_model("local-dir:FOLDER", pretrained=True)

This file needs torch, timm and the other files of the folder; `config.json` describes the images.
"""

import importlib.util
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from timm.models import build_model_with_cfg, register_model
from torch import nn

FOLDER = Path(__file__).resolve().parent
CONFIG = json.loads((FOLDER / "config.json").read_text(encoding="utf-8"))
NAME: str = CONFIG["architecture"]
default_cfgs = {NAME: {**CONFIG["pretrained_cfg"], "file": str(FOLDER / "model.safetensors")}}


class TimmMethods(nn.Module):
    """The methods that timm expects of a network."""

    num_classes: int
    num_features: int
    head_hidden_size: int
    feature_info: list[dict[str, Any]]

    def get_classifier(self) -> nn.Module:
        """Return the last layer."""
        return self.get_submodule(CONFIG["pretrained_cfg"]["classifier"])

    def reset_classifier(self, num_classes: int, global_pool: str | None = None) -> None:
        """Replace the last layer by a fresh one, or remove it for 0 classes."""
        self.num_classes = num_classes
        fresh = nn.Linear(self.num_features, num_classes) if num_classes else nn.Identity()
        self.set_submodule(CONFIG["pretrained_cfg"]["classifier"], fresh)

    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """Raise an error if `enable`: these small networks do not need it."""
        if enable:
            raise NotImplementedError(f"{NAME}: gradient checkpointing is not supported")

    def prune_intermediate_layers(
        self,
        indices: int | Sequence[int] = 1,
        prune_norm: bool = False,
        prune_head: bool = True,
    ) -> list[int]:
        """Remove the last layer, and return the numbers of the chosen maps, from 0."""
        count = len(self.feature_info)
        if prune_head:
            self.reset_classifier(0)
        if isinstance(indices, int):
            return list(range(count - indices, count))
        return [range(count)[index] for index in indices]

    def forward_intermediates(
        self,
        x: Any,
        indices: int | Sequence[int] | None = None,
        norm: bool = False,
        stop_early: bool = False,
        output_fmt: str = "NCHW",
        intermediates_only: bool = False,
    ) -> Any:
        """Return the maps of `feature_info`: `(N, num_chs, H / reduction, W / reduction)`."""
        if output_fmt != "NCHW":
            raise ValueError(f"{NAME}: output_fmt must be NCHW, got {output_fmt}")
        own: Any = super()
        return own.forward_intermediates(x, indices, intermediates_only)


def build(num_classes: int, in_chans: int, global_pool: str = "avg", **options: Any) -> nn.Module:
    """Build the network; other numbers of classes or channels get fresh first or last layers."""
    if global_pool != "avg" or options:
        unknown = [*options] or [f"global_pool={global_pool!r}"]
        raise TypeError(f"{NAME}: unsupported options: {', '.join(unknown)}")
    network: Any = _factory()()
    # Unlike a wrapper, a subclass keeps the names of the weights.
    network.__class__ = type(type(network).__name__, (TimmMethods, type(network)), {})
    classifier = network.get_classifier()
    network.num_classes = CONFIG["num_classes"]
    network.num_features = network.head_hidden_size = classifier.in_features
    if num_classes != network.num_classes:
        network.reset_classifier(num_classes)
    first: Any = network.get_submodule(CONFIG["pretrained_cfg"]["first_conv"])
    if in_chans != first.in_channels:
        network.set_submodule(CONFIG["pretrained_cfg"]["first_conv"], _widened(first, in_chans))
    trained: nn.Module = network.train()
    return trained


def _widened(conv: nn.Conv2d, channels: int) -> nn.Conv2d:
    if conv.groups != 1:
        problem = f"in_chans must be {conv.in_channels}, as the first layer has columns"
        raise TypeError(f"{NAME}: {problem}, got {channels}")
    settings = (conv.kernel_size, conv.stride, conv.padding, conv.dilation)
    bias = conv.bias is not None
    return nn.Conv2d(channels, conv.out_channels, *settings, bias=bias)  # type: ignore[arg-type]


def _factory() -> Any:
    """Import the network's own file, under a name that is unique among folders."""
    module_name, file = f"_network_{NAME}", FOLDER / CONFIG["file"]
    if module_name not in sys.modules:
        spec = importlib.util.spec_from_file_location(module_name, file)
        if spec is None or spec.loader is None:
            raise ImportError(f"{file} cannot be imported")
        module = importlib.util.module_from_spec(spec)
        sys.modules[module_name] = module
        spec.loader.exec_module(module)
    return getattr(sys.modules[module_name], file.stem)


def entrypoint(pretrained: bool = False, **options: Any) -> nn.Module:
    """Build the network for `timm.create_model`."""
    wanted = options.get("features_only") and not CONFIG["feature_info"]
    if wanted:
        raise TypeError(f"{NAME}: features_only is unsupported, as the network has no feature maps")
    features = {
        "feature_cls": "getter",
        "out_indices": list(range(len(CONFIG["feature_info"]))),
    }
    network: nn.Module = build_model_with_cfg(
        build, NAME, pretrained, feature_cfg=features, **options
    )
    return network


entrypoint.__name__ = NAME
register_model(entrypoint)
