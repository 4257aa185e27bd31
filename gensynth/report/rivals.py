"""The latency of the network found and of well-known ones, measured in one run."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gensynth.campaign.campaign import CampaignDriver
from gensynth.errors import InputError
from gensynth.evaluation.latency import Latency
from gensynth.latency.here import time_networks
from gensynth.latency.runtimes import prepare, usual_runtime
from gensynth.models.by_name import Model, find_model
from gensynth.models.timm_models import OF_THE_PAPER
from gensynth.record.kept_files import kept
from gensynth.serialization import dumps, write_whole
from gensynth.space import build_source

FILE = "latency.json"
"""File of the last measurement in the campaign's folder."""


@dataclass(frozen=True)
class Rival:
    """One network and its latency."""

    model: str
    latency: Latency


@dataclass(frozen=True)
class Rivals:
    """The network found first, then the others."""

    genome: str
    """Genome of the network found."""
    runtime: str
    rows: tuple[Rival, ...]

    def cells(self) -> dict[str, Any]:
        """Return the figures as the page shows them."""
        first = self.rows[0].latency
        return {
            "how": f"{self.runtime}, one thread, batch 1, {first.machine}; all in one run; "
            f"intervals of {first.confidence:.0%}",
            "rows": [_row(rival, index) for index, rival in enumerate(self.rows)],
        }


def measure_rivals(campaign: CampaignDriver, names: Sequence[str] = OF_THE_PAPER) -> Rivals:
    """Time the exported network and the networks `names`, built for the campaign's images.

    Raises `InputError` if nothing has been exported yet, or a network cannot be built.
    """
    outcome = campaign.exported()
    if outcome is None:
        raise InputError(str(campaign.folder), "has no exported network to measure yet")
    runtime = usual_runtime()
    source = campaign.evaluator.described(outcome.decisions).source
    found = Model("the found network", build_source(source), source.input_shape)
    models = [found, *(find_model(name, campaign.context.task) for name in names)]
    latencies = time_networks([prepare(model, runtime, 1, 1) for model in models], 1, 0)
    rows = (Rival(m.name, latency) for m, latency in zip(models, latencies, strict=True))
    return Rivals(outcome.genome_id, runtime, tuple(rows))


def keep_rivals(rivals: Rivals, folder: Path) -> None:
    """Write the measurement into the campaign's folder."""
    write_whole(folder / FILE, dumps(rivals))


def kept_rivals(campaign: CampaignDriver) -> Rivals | None:
    """Read the measurement of the network that is exported now; None if there is none."""
    file, outcome = campaign.folder / FILE, campaign.exported()
    rivals = kept(Rivals, file) if outcome is not None else None
    if outcome is None or rivals is None:
        return None
    return rivals if rivals.genome == outcome.genome_id and rivals.rows else None


def _row(rival: Rival, index: int) -> dict[str, str]:
    latency = rival.latency
    interval = latency.ratio_interval
    ratio = latency.ratio_words if index else "1"
    if index and latency.precise_ratio is not None and interval is not None:
        ratio = f"{latency.precise_ratio:.3g} ({interval.low:.3g} to {interval.high:.3g})"
    return {"model": rival.model, "median": f"{latency.median:.3g}", "ratio": ratio}
