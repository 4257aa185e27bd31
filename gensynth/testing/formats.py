"""The laws of formats that networks are exported in."""

import math
import tempfile
from copy import deepcopy
from pathlib import Path

import torch

from gensynth.formats import Deployment, Format
from gensynth.testing.check import Check, Laws, check_table, expect, one_line
from gensynth.testing.networks import SHAPE, TASK, trained_networks

OURS = ("card.md", "genome.json", "model.safetensors", "config.json", "timm_model.py")
"""Files that every export has."""


def check_format(format_: Format) -> list[Check]:
    """Check a format on small networks, if its packages are installed here."""
    laws = Laws()
    check_table(laws, format_)
    with laws.law("it has a name, the name of a file of its own, and a tolerance or None"):
        _check_names(format_)
    ready = False
    with laws.law("check() passes, or raises an InputError of one line"), one_line():
        format_.check()
        ready = True
    if laws.hold and ready:
        _check_files(laws, format_)
    return laws.checks


def _check_names(format_: Format) -> None:
    expect(isinstance(format_.name, str) and bool(format_.name.strip()), f"{format_.name!r}")
    file, tolerance = format_.file, format_.tolerance
    expect(bool(file) and Path(file).name == file, f"{file!r} is not the name of a file")
    expect(file not in OURS and not file.endswith(".py"), f"every export has {file} already")
    fine = tolerance is None or (math.isfinite(tolerance) and tolerance >= 0)
    expect(fine, f"a tolerance of {tolerance}")


def _check_files(laws: Laws, format_: Format) -> None:
    with tempfile.TemporaryDirectory() as name:
        networks = [Deployment(module, SHAPE, _images(32)) for module in trained_networks()]
        paths = [Path(name, str(number), format_.file) for number in range(len(networks))]
        with laws.law("write(network, path) writes that file and no other, and changes nothing"):
            for network, path in zip(networks, paths, strict=True):
                path.parent.mkdir()
                _check_written(format_, network, path)
        if not laws.hold:
            return
        with laws.law("open(path) runs it on any number of images: logits (N, classes)"):
            for path in paths:
                run = format_.open(path)
                shapes = [tuple(run(_images(count)).shape) for count in (1, 2, 7)]
                expect(shapes == [(n, TASK.classes) for n in (1, 2, 7)], f"outputs {shapes}")
        with laws.law("its outputs agree with the network's within the tolerance, every time"):
            for network, path in zip(networks, paths, strict=True):
                _check_agreement(format_, network, path)


def _check_written(format_: Format, network: Deployment, path: Path) -> None:
    before = deepcopy(network.searched.state_dict())
    format_.write(network, path)
    found = sorted(file.name for file in path.parent.iterdir())
    expect(found == [format_.file], f"it wrote {', '.join(found) or 'nothing'}")
    after = network.searched.state_dict()
    same = all(bool(torch.equal(after[key], before[key])) for key in before)
    expect(same, "it changed the network's weights")


def _check_agreement(format_: Format, network: Deployment, path: Path) -> None:
    run, images = format_.open(path), _images(5)
    first, again = run(images), run(images)
    expect(bool(torch.equal(first, again)), "two runs differ")
    with torch.no_grad():
        difference = float((first - network.searched(images)).abs().max())
    allowed = math.inf if format_.tolerance is None else format_.tolerance
    expect(difference <= allowed, f"outputs differ by {difference:.3g}, allowed {allowed:g}")


def _images(count: int) -> torch.Tensor:
    return torch.randn((count, *SHAPE), generator=torch.Generator().manual_seed(count))
