"""The status of a campaign: the figures that a person wants to see while it runs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gensynth.campaign.campaign import CampaignDriver
from gensynth.campaign.finals import ranking
from gensynth.evaluation.constraint import broken
from gensynth.evaluation.outcome import Outcome


@dataclass(frozen=True)
class Status:
    """A campaign at one moment."""

    trained: int
    """Trainings of the search that have ended."""
    trials: int
    """Trainings of the search in total."""
    running: int
    """Trainings that are running, whatever their purpose."""
    phase: str
    """`references`, `search`, `finals`, or `last training`."""
    best: Outcome | None
    """The best candidate of the search that the finals have not refused."""
    endings: Mapping[str, int]
    """Ended candidates of the search, by ending."""
    rejected: Mapping[str, int]
    """Candidates rejected before training, by the rule that they broke."""
    last: tuple[Outcome, ...]
    """The latest trainings that ended, newest first."""


def status_of(campaign: CampaignDriver) -> Status:
    """Return the campaign's present status."""
    rows = [outcome for outcome in campaign.outcomes if outcome.purpose == "search"]
    trained = [outcome for outcome in campaign.outcomes if outcome.attempt > 0]
    refused = {f.outcome.fingerprint for f in campaign.finalists() if f.refused}
    best = next((o for o in ranking(rows) if o.fingerprint not in refused), None)
    purposes = [running.row.purpose for running in campaign.ledger.running.values()]
    return Status(
        trained=sum(o.attempt > 0 for o in rows),
        trials=campaign.context.experiment.trials,
        running=len(purposes),
        phase=_phase(purposes),
        best=best,
        endings=Counter(outcome.ending for outcome in rows),
        rejected=_rejected(campaign, rows),
        last=tuple(reversed(trained[-4:])),
    )


def _phase(purposes: Sequence[str]) -> str:
    words = {"reference": "references", "final": "finals", "export": "last training"}
    return words.get(purposes[0], "search") if purposes else "search"


def _rejected(campaign: CampaignDriver, rows: list[Outcome]) -> Mapping[str, int]:
    """Count the proposals that broke each rule, including those the generator discarded itself."""
    counts: Counter[str] = Counter()
    for row in rows:
        if row.ending == "infeasible":
            counts.update(j.constraint for j in broken(row.judgements))
    counts.update(campaign.rejections())
    return counts
