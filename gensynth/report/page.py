"""The page: contents laid out by a template, everything in one file, nothing from the network."""

import shlex
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from gensynth.campaign.campaign import Campaign
from gensynth.campaign.experiment import EXPERIMENT
from gensynth.campaign.finals import Finalist
from gensynth.evaluation.constraint import Judgement
from gensynth.evaluation.outcome import Outcome
from gensynth.exports.cards import facts_of_export, versions
from gensynth.report.chart import figure
from gensynth.report.charts import charts, course
from gensynth.report.contents import Contents, Learned, contents, mean_seconds, seconds_of
from gensynth.report.drawing import draw
from gensynth.report.rivals import Rivals
from gensynth.serialization import write_whole

STYLES = ("style.css", "pictures.css")
"""Of the page, and of the pictures on it."""
FEW = 5
"""Networks below which a rank correlation tells of these alone."""
MOST_INFLUENCES = 12
"""Decisions that are told; the others matter less."""


def write(
    campaign: Campaign,
    file: Path,
    beside: Mapping[str, Sequence[Outcome]] | None = None,
    rivals: Rivals | None = None,
    learned: bool = True,
) -> Path:
    """Write the report of a campaign to `file`, whole or not at all.

    `beside` are the outcomes of other campaigns on the same task, by name; `rivals` what was
    measured of other networks' latency. What was `learned` takes seconds to find out.
    """
    write_whole(file, render(contents(campaign, beside or {}, learned), rivals))
    return file


def render(told: Contents, rivals: Rivals | None = None) -> str:
    """Lay out the contents as a page of HTML."""
    from jinja2 import Environment, StrictUndefined

    here = files("gensynth.report")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    template = environment.from_string(here.joinpath("page.html").read_text(encoding="utf-8"))
    styles = [here.joinpath(name).read_text(encoding="utf-8") for name in STYLES]
    return template.render(style=_Plain("".join(styles)), **_words(told, rivals))


class _Plain(str):
    """Text of our own that needs no escaping."""

    def __html__(self) -> str:
        return self


def _words(told: Contents, rivals: Rivals | None) -> dict[str, Any]:
    campaign = told.campaign
    experiment = campaign.context.experiment
    folder = campaign.ledger.folder
    return {
        "name": experiment.name,
        "answer": _answer(told),
        "facts": _facts(told),
        "shown": "The exported network" if told.exported else "The best of the search, so far",
        "verdicts": [_verdict(j) for j in told.judgements],
        "verdicts_at": "at the lower bound of its top-1" if told.finalist else "on the proxy",
        "latencies": rivals.told() if rivals else None,
        "drawing": draw(told.blocks, _drawn(told)) if told.blocks else "",
        "stages": told.stages,
        "charts": charts(told),
        "course": course(told),
        "beside": len(told.courses) > 1,
        "folder": shlex.quote(str(folder)),
        "endings": sorted(told.endings.items(), key=lambda item: -item[1]),
        "rejections": sorted(told.rejections.items(), key=lambda item: -item[1]),
        "finalists": [_finalist(f) for f in told.finalists],
        "finals_how": _finals_how(told),
        "fidelity": _fidelity(told),
        "learned": _learned(told.learned) if told.learned else None,
        "untaught": told.untaught,
        "provenance": _provenance(told),
        "commands": _commands(folder),
        "experiment": _text(folder / EXPERIMENT),
        "candidates": [_candidate(o) for o in campaign.outcomes if o.attempt > 0],
    }


def _answer(told: Contents) -> str:
    if told.exported is not None and told.finalist is not None and told.exported.profile:
        profile, test = told.exported.profile, told.exported.curve[-1].test_top1 or 0.0
        return (
            f"A network of {profile.params:,} parameters and {profile.macs:,} multiply-accumulates "
            f"was found, trained and exported. It classifies {test:.2f} % of the test images right "
            f"(validation: {told.finalist.mean:.2f} % in the mean of "
            f"{len(told.finalist.replicas)} trainings)."
        )
    if told.best is not None:
        return (
            f"No network was exported yet. The best of {len(told.trained)} trainings so far "
            f"reaches {told.best.top1:.2f} % on the validation split and keeps every enforced rule."
        )
    return f"No network was found yet: none of {len(told.trained)} trained ones keeps every rule."


def _facts(told: Contents) -> list[tuple[str, str]]:
    if told.exported is not None and told.finalist is not None:
        facts = facts_of_export(told.campaign, told.finalist, told.exported)
        return [(what, str(value)) for what, value in facts.items()]
    if told.best is None or told.best.profile is None:
        return []
    profile = told.best.profile
    return [
        ("Genome", told.best.genome_id),
        ("Parameters", f"{profile.params:,}"),
        ("MACs (conv + linear)", f"{profile.macs:,}"),
        ("Peak activation bytes", f"{profile.peak_activation_bytes:,}"),
        ("Validation top-1", f"{told.best.top1:.2f} % (one training by the proxy)"),
        ("Pursued value", f"{told.best.value:.2f} dB"),
    ]


def _verdict(judgement: Judgement) -> dict[str, str]:
    look, word = {True: ("yes", "yes"), False: ("no", "no"), None: ("open", "not judged")}[
        judgement.ok
    ]
    violation = judgement.violation
    margin = "" if violation is None else f"{-violation:+.1%}" if abs(violation) >= 5e-4 else "0"
    mode = "preferred" if judgement.mode == "prefer" else "enforced"
    named = ", ".join(judgement.offenders[:4])
    reason = f"{judgement.reason}: {named}" if named else judgement.reason
    return {
        "rule": judgement.constraint,
        "mode": mode,
        "look": look,
        "word": word,
        "margin": margin,
        "reason": reason,
    }


def _drawn(told: Contents) -> str:
    return f"The network's {len(told.blocks)} kinds of blocks, from the image to the class"


def _finalist(finalist: Finalist) -> dict[str, str]:
    done, holds = finalist.mean is not None, finalist.value is not None
    word = "every rule holds" if holds else "a rule fails at the bound" if done else "in training"
    return {
        "genome": finalist.outcome.genome_id,
        "top1": f"{finalist.outcome.top1:.2f}",
        "mean": f"{finalist.mean:.2f}" if finalist.mean is not None else "",
        "bound": f"{finalist.bound:.2f}" if finalist.bound is not None else "",
        "value": f"{finalist.value:.2f}" if finalist.value is not None else "",
        "look": "yes" if holds else "no" if done else "open",
        "word": word,
    }


def _finals_how(told: Contents) -> str:
    finals = told.campaign.context.experiment.finals
    return (
        f"The best few, trained again {finals.replicas} times with fresh seeds for "
        f"{finals.epochs_factor:g} times the proxy's epochs; every enforced rule must hold on the "
        f"lower bound ({finals.confidence:.0%} confidence)."
    )


def _fidelity(told: Contents) -> str:
    found = told.fidelity
    if found.correlation is None:
        return (
            f"Networks trained long: {found.networks}, too few that differ to tell how well the "
            "proxy ranks them."
        )
    caution = (
        "chosen for being alike in the proxy: a low figure here does not speak against it."
        if found.networks >= FEW
        else "too few to say more than that it is so for these."
    )
    return (
        f"Proxy against final: Spearman's rank correlation {found.correlation:.2f} over "
        f"{found.networks} networks, {caution}"
    )


def _learned(learned: Learned) -> dict[str, Any]:
    start, end = learned.start, learned.end
    rows = [
        ("keep the rules known before training", f"{start.feasible:.0%}", f"{end.feasible:.0%}"),
        ("predicted value, mean, dB", f"{start.value:.1f}", f"{end.value:.1f}"),
        ("chance of all rules, mean", f"{start.chance:.0%}", f"{end.chance:.0%}"),
        ("median MACs", figure(round(start.macs)), figure(round(end.macs))),
        ("different functions", str(start.different), str(end.different)),
        ("decisions in which two differ", f"{start.distance:.0%}", f"{end.distance:.0%}"),
    ]
    top = learned.influences[:MOST_INFLUENCES]
    most = max((i.effect_db for i in top), default=1.0) or 1.0
    influences = [
        {
            "decision": i.decision,
            "effect": f"{i.effect_db:.2f}",
            "share": f"{100 * i.effect_db / most:.0f}",
            "best": i.best,
        }
        for i in top
    ]
    return {"end": end, "rows": rows, "influences": influences}


def _provenance(told: Contents) -> str:
    campaign, experiment = told.campaign, told.campaign.context.experiment
    return (
        f"Generator {experiment.generator.use}, seed {experiment.seed}; {len(campaign.outcomes)} "
        f"candidates recorded, {seconds_of(campaign.outcomes) / 3600:.2f} h of training in all, "
        f"{mean_seconds(told.trained):.1f} s each in the search. Data "
        f"{Path(experiment.data.path).name}, fingerprint {campaign.context.data_fingerprint}. "
        f"{versions('gensynth', 'torch', 'optuna')}."
    )


def _commands(folder: Path) -> str:
    file, place = shlex.quote(str(folder / EXPERIMENT)), shlex.quote(str(folder))
    return f"gensynth search {file} --out again\ngensynth show {place}"


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.exists() else ""


def _candidate(outcome: Outcome) -> dict[str, str]:
    profile = outcome.profile
    broken = [j for j in outcome.judgements if j.mode == "enforce" and j.ok is False]
    why = "; ".join(f"{j.constraint}: {j.reason}" for j in broken) or outcome.detail
    purpose = "" if outcome.purpose == "search" else f" ({outcome.purpose})"
    measured = outcome.top1 is not None and outcome.purpose != "export"
    return {
        "number": str(outcome.number),
        "genome": outcome.genome_id,
        "ending": outcome.ending + purpose,
        "top1": f"{outcome.top1:.2f}" if measured else "",
        "params": f"{profile.params:,}" if profile else "",
        "macs": f"{profile.macs:,}" if profile else "",
        "value": f"{outcome.value:.2f}" if outcome.value is not None else "",
        "why": why,
    }
