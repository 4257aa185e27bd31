"""This folder's network for timm: import this file, then `timm.create_model` knows the network.

    import sys; sys.path.append("FOLDER")
    import timm, timm_model

    timm.create_model(timm_model.NAME, pretrained=True)
    timm.create_model(timm_model.NAME, pretrained=True, features_only=True)
    timm.create_model("local-dir:FOLDER", pretrained=True)

The file needs torch, timm and what lies beside it; `config.json` says what the images have to be.
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
    """What timm expects of a network beside its own methods."""

    num_classes: int
    num_features: int
    head_hidden_size: int
    feature_info: list[dict[str, Any]]

    def get_classifier(self) -> nn.Module:
        """Give the last layer."""
        return self.get_submodule(CONFIG["pretrained_cfg"]["classifier"])

    def reset_classifier(self, num_classes: int, global_pool: str | None = None) -> None:
        """Put a fresh last layer in place; none for 0 classes."""
        self.num_classes = num_classes
        fresh = nn.Linear(self.num_features, num_classes) if num_classes else nn.Identity()
        self.set_submodule(CONFIG["pretrained_cfg"]["classifier"], fresh)

    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """Refuse what these small networks do not offer."""
        assert not enable, "gradient checkpointing is not supported"

    def prune_intermediate_layers(
        self,
        indices: int | Sequence[int] = 1,
        prune_norm: bool = False,
        prune_head: bool = True,
    ) -> list[int]:
        """Leave the last layer out, and say which maps were asked for, counted from 0."""
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
        """Give the maps of `feature_info`: `(N, num_chs, H / reduction, W / reduction)`."""
        assert output_fmt == "NCHW", "maps have the shape NCHW"
        own: Any = super()
        return own.forward_intermediates(x, indices, intermediates_only)


def build(num_classes: int, in_chans: int, global_pool: str = "avg", **options: Any) -> nn.Module:
    """Build the network for other classes or channels; its own otherwise."""
    if global_pool != "avg" or options:
        unknown = [*options] or [f"global_pool={global_pool!r}"]
        raise TypeError(f"{NAME}: cannot take {', '.join(unknown)}")
    network: nn.Module = _factory()()
    # Weights keep their names in a subclass; in a wrapper they would not.
    network.__class__ = type(type(network).__name__, (TimmMethods, type(network)), {})
    assert isinstance(network, TimmMethods)
    classifier = network.get_classifier()
    network.num_classes = CONFIG["num_classes"]
    network.num_features = network.head_hidden_size = classifier.in_features  # type: ignore[assignment]
    if num_classes != network.num_classes:
        network.reset_classifier(num_classes)
    first: Any = network.get_submodule(CONFIG["pretrained_cfg"]["first_conv"])
    if in_chans != first.in_channels:
        network.set_submodule(CONFIG["pretrained_cfg"]["first_conv"], _widened(first, in_chans))
    return network.train()


def _widened(conv: nn.Conv2d, channels: int) -> nn.Conv2d:
    if conv.groups != 1:
        raise TypeError(f"{NAME}: in_chans is {conv.in_channels}, its first layer has columns")
    settings = (conv.kernel_size, conv.stride, conv.padding, conv.dilation)
    bias = conv.bias is not None
    return nn.Conv2d(channels, conv.out_channels, *settings, bias=bias)  # type: ignore[arg-type]


def _factory() -> Any:
    """Import the network's own file under a name that no other folder's has."""
    module_name, file = f"_network_{NAME}", FOLDER / CONFIG["file"]
    if module_name not in sys.modules:
        spec = importlib.util.spec_from_file_location(module_name, file)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[module_name] = module
        spec.loader.exec_module(module)
    return getattr(sys.modules[module_name], file.stem)


def entrypoint(pretrained: bool = False, **options: Any) -> nn.Module:
    """Build the network for `timm.create_model`."""
    wanted = options.get("features_only") and not CONFIG["feature_info"]
    if wanted:
        raise TypeError(f"{NAME}: gives no maps, only logits")
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
