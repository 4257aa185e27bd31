"""What the campaign of record left in the repository: it loads, and is what its card says."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gensynth.genome import from_json
from gensynth.space import Replay
from search_spaces.attendnext import AttendNeXt
from search_spaces.attendnext.genome import AttendNeXtGenome

RESULTS = Path(__file__).parents[2] / "experiments" / "results" / "attendnext_cifar10"
FOUND = RESULTS / "found"
LOADS = """
import sys, torch
sys.path.insert(0, sys.argv[1])
from attendnext import attendnext
from safetensors.torch import load_file
model = attendnext()
model.load_state_dict(load_file(sys.argv[1] + "/model.safetensors"))
with torch.no_grad():
    logits = model.eval()(torch.zeros(1, 3, 32, 32))
assert logits.shape == (1, 10) and torch.isfinite(logits).all()
assert not {"gensynth", "search_spaces"} & set(sys.modules)
print(sum(p.numel() for p in model.parameters()))
"""


@pytest.mark.parametrize("folder", [FOUND, RESULTS / "fifth" / "network"], ids=["found", "fifth"])
def test_a_found_network_loads_without_this_project(folder: Path) -> None:
    command = [sys.executable, "-I", "-c", LOADS, str(folder)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    card = (folder / "card.md").read_text(encoding="utf-8")
    stated = re.search(r"Parameters \| ([\d,]+)", card)
    assert stated is not None
    assert int(ran.stdout) == int(stated[1].replace(",", ""))


@pytest.mark.parametrize(
    ("preset", "folder"), [("cifar10", FOUND), ("cifar10_large", RESULTS / "fifth" / "network")]
)
def test_the_presets_are_the_found_networks(preset: str, folder: Path) -> None:
    space = AttendNeXt()
    text = (folder / "genome.json").read_text(encoding="utf-8")
    found = from_json(AttendNeXtGenome, text, space.version, "found")
    assert space.sample(Replay(space.presets[preset])) == found


def test_nothing_that_was_published_names_a_place_of_the_machine() -> None:
    for path in RESULTS.rglob("*"):
        if path.suffix in (".json", ".csv", ".html", ".md", ".py", ".svg"):
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"(?<![\w.])/(work|home|root|tmp)/", text), path


def test_every_genome_of_the_record_can_be_read() -> None:
    space = AttendNeXt()
    genomes = list((RESULTS / "genomes").glob("*.json"))
    assert genomes
    for path in genomes:
        text = path.read_text(encoding="utf-8")
        assert from_json(AttendNeXtGenome, text, space.version, str(path)).stages
        assert json.loads(text)["space"] == "attendnext"
