"""The page of a report: one file of HTML that loads nothing from elsewhere."""

import os
import shlex
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gensynth.campaign.campaign import CampaignDriver
from gensynth.campaign.experiment import EXPERIMENT
from gensynth.campaign.finals import Finalist
from gensynth.evaluation.constraint import Judgement
from gensynth.evaluation.outcome import Outcome
from gensynth.evaluation.score import unit_of, with_unit
from gensynth.exports.card_words import percent, versions
from gensynth.exports.cards import facts_of_export
from gensynth.prediction.evaluation import read_evaluation
from gensynth.report.charts import charts, course, curves
from gensynth.report.contents import Contents, Learned, contents_of, mean_seconds, seconds_of
from gensynth.report.evaluation_page import evaluation_html
from gensynth.report.network_drawing import draw_network
from gensynth.report.rivals import Rivals
from gensynth.report.use import GLOSSARY, commands, files_of, why_figures_differ
from gensynth.report.words import LOOKS, count, reasons
from gensynth.serialization import write_whole

STYLES = ("style.css", "pictures.css")
"""Style sheets of the page and of its pictures."""
FEW = 5
"""With fewer networks, a rank correlation describes only these."""
MOST_INFLUENCES = 12
"""Most decisions listed; the others matter less."""


def write_page(
    campaign: CampaignDriver,
    file: Path,
    others: Mapping[str, Sequence[Outcome]] | None = None,
    rivals: Rivals | None = None,
    learned: bool = True,
) -> Path:
    """Write the report of a campaign to `file`, completely or not at all.

    `others` are the outcomes of other campaigns on the same task, by name; `rivals` are measured
    latencies of other networks. The part about what was `learned` takes seconds to compute.
    """
    page = contents_of(campaign, others or {}, learned)
    best = os.path.relpath((campaign.folder / "best").resolve(), file.resolve().parent)
    write_whole(file, render(page, rivals, best.replace(os.sep, "/")))
    return file


def render(page: Contents, rivals: Rivals | None = None, best: str = "best") -> str:
    """Return the contents as a page of HTML; `best` leads from it to the exported network."""
    from jinja2 import Environment, StrictUndefined

    here = files("gensynth.report")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    template = environment.from_string(here.joinpath("page.html").read_text(encoding="utf-8"))
    styles = [here.joinpath(name).read_text(encoding="utf-8") for name in STYLES]
    return template.render(
        style=_Plain("".join(styles)), **_words(page, rivals), **_use(page, best)
    )


class _Plain(str):
    """Text of our own, which needs no escaping."""

    def __html__(self) -> str:
        return self


def _words(page: Contents, rivals: Rivals | None) -> dict[str, Any]:
    campaign = page.campaign
    experiment = campaign.context.experiment
    folder, unit = campaign.folder, unit_of(campaign.context.score)
    return {
        "name": experiment.name,
        "unit": unit,
        "answer": _answer(page),
        "facts": _facts(page),
        "shown": "The exported network" if page.exported else "The best of the search so far",
        "verdicts": [_verdict(j) for j in page.judgements],
        "verdicts_at": "at the lower bound of its top-1" if page.finalist else "on the proxy",
        "latencies": rivals.cells() if rivals else None,
        "drawing": draw_network(page.blocks, _drawn(page)) if page.blocks else "",
        "stages": page.stages,
        "tested": _Plain(_tested(page)),
        "charts": charts(page),
        "course": course(page),
        "beside": len(page.courses) > 1,
        "folder": shlex.quote(str(folder)),
        "endings": sorted(page.endings.items(), key=lambda item: -item[1]),
        "rejections": sorted(page.rejections.items(), key=lambda item: -item[1]),
        "finalists": [_finalist(f) for f in page.finalists],
        "finals_how": _finals_how(page),
        "fidelity": _fidelity(page),
        "learned": _learned(page.learned, unit) if page.learned else None,
        "untaught": page.untaught,
        "provenance": _provenance(page),
        "commands": _commands(folder),
        "experiment": _text(folder / EXPERIMENT),
        "candidates": [_candidate(o) for o in campaign.outcomes if o.attempt > 0],
    }


def _use(page: Contents, best: str) -> dict[str, Any]:
    folder = page.campaign.folder
    return {
        "files": files_of(folder / "best", quote(best)) if page.exported else [],
        "use": commands(folder),
        "why_differ": why_figures_differ(page),
        "curves": curves(page),
        "glossary": GLOSSARY,
    }


def _tested(page: Contents) -> str:
    """Return the figures of the exported network on the test pictures; empty if there are none."""
    found = read_evaluation(page.campaign.folder / "best") if page.exported else None
    if found is None:
        return ""
    root = Path(page.campaign.context.experiment.data.path)
    return evaluation_html(found, root if root.is_dir() else None)


def _answer(page: Contents) -> str:
    if page.exported is not None and page.finalist is not None and page.exported.profile:
        profile, test = page.exported.profile, page.exported.curve[-1].test_top1 or 0.0
        return (
            f"A network of {profile.params:,} parameters and {profile.macs:,} multiply-accumulates "
            f"was found, trained and exported. It classifies {percent(test)} of the test images "
            f"correctly (validation: {percent(page.finalist.mean)}, the mean of "
            f"{len(page.finalist.replicas)} trainings)."
        )
    if page.best is not None:
        return (
            f"No network has been exported yet. The best of {len(page.trained)} trainings so far "
            f"reaches {percent(page.best.top1)} on the validation split and keeps every enforced "
            "constraint."
        )
    return f"No network was found: none of {len(page.trained)} trained ones keeps every constraint."


def _facts(page: Contents) -> list[tuple[str, str]]:
    if page.exported is not None and page.finalist is not None:
        facts = facts_of_export(page.campaign, page.finalist, page.exported)
        return [(what, str(value)) for what, value in facts.items()]
    if page.best is None or page.best.profile is None:
        return []
    profile = page.best.profile
    return [
        ("Genome", page.best.genome_id),
        ("Parameters", f"{profile.params:,}"),
        ("MACs (conv + linear)", f"{profile.macs:,}"),
        ("Peak activation bytes", f"{profile.peak_activation_bytes:,}"),
        ("Validation top-1", f"{percent(page.best.top1)} (one proxy training)"),
        ("Pursued value", with_unit(page.best.value or 0.0, unit_of(page.campaign.context.score))),
    ]


def _verdict(judgement: Judgement) -> dict[str, str]:
    violation = judgement.violation
    margin = "" if violation is None else f"{-violation:+.1%}" if abs(violation) >= 5e-4 else "0"
    mode = "preferred" if judgement.mode == "prefer" else "enforced"
    named = ", ".join(judgement.offenders[:4])
    reason = f"{judgement.reason}: {named}" if named else judgement.reason
    return {
        "rule": judgement.constraint,
        "mode": mode,
        "look": LOOKS[judgement.word].style,
        "word": judgement.word,
        "margin": margin,
        "reason": reason,
    }


def _drawn(page: Contents) -> str:
    return f"The network's {len(page.blocks)} kinds of blocks, from the image to the class"


def _finalist(finalist: Finalist) -> dict[str, str]:
    done, holds = finalist.mean is not None, finalist.value is not None
    open_ = "passed over" if finalist.passed else "in training"
    word = "all constraints hold" if holds else "one fails at the bound" if done else open_
    return {
        "genome": finalist.outcome.genome_id,
        "top1": f"{finalist.outcome.top1:.2f}",
        "mean": f"{finalist.mean:.2f}" if finalist.mean is not None else "",
        "bound": f"{finalist.bound:.2f}" if finalist.bound is not None else "",
        "value": f"{finalist.value:.2f}" if finalist.value is not None else "",
        "look": "yes" if holds else "no" if done else "open",
        "word": word,
    }


def _finals_how(page: Contents) -> str:
    finals = page.campaign.context.experiment.finals
    return (
        f"The best candidates, trained again {finals.replicas} times with fresh seeds for "
        f"{finals.epochs_factor:g} times the proxy's epochs; every enforced constraint must hold "
        f"at the lower bound ({finals.confidence:.0%} confidence)."
    )


def _fidelity(page: Contents) -> str:
    found = page.fidelity
    if found.correlation is None:
        return (
            f"Networks trained for longer: {found.networks}, too few to assess how well the proxy "
            "ranks them."
        )
    caution = (
        "which were chosen because the proxy rates them alike: a low figure does not discredit it."
        if found.networks >= FEW
        else "too few to generalize."
    )
    return (
        f"Proxy against final: Spearman's rank correlation {found.correlation:.2f} over "
        f"{found.networks} networks, {caution}"
    )


def _learned(learned: Learned, unit: str) -> dict[str, Any]:
    start, end = learned.start, learned.end
    rows = [
        (
            "keep the constraints known before training",
            f"{start.feasible:.0%}",
            f"{end.feasible:.0%}",
        ),
        (f"mean predicted value, {unit}".rstrip(", "), f"{start.value:.1f}", f"{end.value:.1f}"),
        ("mean chance that all hold", f"{start.chance:.0%}", f"{end.chance:.0%}"),
        ("median MACs", count(start.macs), count(end.macs)),
        ("different functions", str(start.different), str(end.different)),
        ("share of decisions in which two differ", f"{start.distance:.0%}", f"{end.distance:.0%}"),
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


def _provenance(page: Contents) -> str:
    campaign, experiment = page.campaign, page.campaign.context.experiment
    return (
        f"Generator {experiment.generator.use}, seed {experiment.seed}; {len(campaign.outcomes)} "
        f"candidates recorded, {seconds_of(campaign.outcomes) / 3600:.2f} h of training in all, "
        f"{mean_seconds(page.trained):.1f} s each in the search. Data "
        f"{Path(experiment.data.path).name}, fingerprint {campaign.context.data_fingerprint}. "
        f"{versions('gensynth', 'torch', 'optuna')}."
    )


def _commands(folder: Path) -> str:
    file, place = shlex.quote(str(folder / EXPERIMENT)), shlex.quote(str(folder))
    return f"gensynth search {file} --out again\ngensynth show {place}"


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""


def _candidate(outcome: Outcome) -> dict[str, str]:
    profile = outcome.profile
    why = reasons(outcome.judgements) or outcome.detail
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
