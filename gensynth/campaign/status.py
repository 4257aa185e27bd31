"""How a campaign stands: the numbers that a person wants to see while it runs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gensynth.campaign.campaign import Campaign
from gensynth.campaign.finals import ranking
from gensynth.evaluation.constraint import broken
from gensynth.evaluation.outcome import Outcome


@dataclass(frozen=True)
class Standing:
    """A snapshot of a campaign."""

    trained: int
    """Trainings of the search that have ended."""
    trials: int
    """Trainings of the search in all."""
    running: int
    phase: str
    """`references`, `search`, `finals`, or `last training`."""
    best: Outcome | None
    """Of the search, those apart that the finals refused."""
    endings: Mapping[str, int]
    """Ended candidates of the search by ending."""
    rejected: Mapping[str, int]
    """Candidates turned down before training, by the rule they broke."""
    last: tuple[Outcome, ...]
    """The latest rows that were trained, newest first."""


def standing(campaign: Campaign) -> Standing:
    """Take a snapshot."""
    rows = [outcome for outcome in campaign.outcomes if outcome.purpose == "search"]
    trained = [outcome for outcome in campaign.outcomes if outcome.attempt > 0]
    refused = {f.outcome.fingerprint for f in campaign.finalists() if f.refused}
    first = next((o for o in ranking(rows) if o.fingerprint not in refused), None)
    running = [pending.row.purpose for pending in campaign.ledger.running.values()]
    return Standing(
        trained=sum(o.attempt > 0 for o in rows),
        trials=campaign.context.experiment.trials,
        running=len(running),
        phase=_phase(running),
        best=first,
        endings=Counter(outcome.ending for outcome in rows),
        rejected=_rejected(campaign, rows),
        last=tuple(reversed(trained[-4:])),
    )


def _phase(running: Sequence[str]) -> str:
    words = {"reference": "references", "final": "finals", "export": "last training"}
    return words.get(running[0], "search") if running else "search"


def _rejected(campaign: Campaign, rows: list[Outcome]) -> Mapping[str, int]:
    """Count per rule: proposals that broke it, and what the generator screened out itself."""
    counts: Counter[str] = Counter()
    for row in rows:
        if row.ending == "infeasible":
            counts.update(j.constraint for j in broken(row.judgements))
    counts.update(campaign.rejections())
    return counts
