"""A campaign as its users see it: what was found, as objects, tables, pages and exports."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gensynth.api.exporting import Exported, export_candidate, export_winner, member_within
from gensynth.api.found_network import Found, found, found_on_front
from gensynth.api.running import How, finish_campaign
from gensynth.campaign.campaign import CampaignDriver
from gensynth.campaign.campaign_folder import DATA, known_experiment, open_record
from gensynth.campaign.experiment import Experiment
from gensynth.campaign.finals import Finalist, ranking
from gensynth.errors import InputError
from gensynth.evaluation.outcome import Outcome
from gensynth.evaluation.score import unit_of
from gensynth.exports.publish import Published
from gensynth.feasibility.findings import Findings
from gensynth.plugins import trusted
from gensynth.report.front import front_members, front_table
from gensynth.report.html import heading
from gensynth.report.network_assessment import assessments_html
from gensynth.report.standings import (
    assessed,
    doubt,
    exported_before,
    plain_campaign,
    show_campaign,
    show_end,
    show_untrained,
)
from gensynth.report.terminal import console

if TYPE_CHECKING:
    import pandas as pd

    from gensynth.api.drawn_networks import Drawn

SHOWN = 10
"""Candidates that a notebook shows."""


class Campaign:
    """A search campaign: what `search` returns and `load` opens.

    In a notebook it draws itself; `show()` prints the same on a terminal.

    >>> import gensynth
    >>> campaign = gensynth.load("runs/mine")
    >>> len(campaign.table()) == len(campaign.outcomes)
    True
    >>> tops = [member.top1 for member in campaign.front]
    >>> tops == sorted(tops)
    True
    >>> campaign.report().name
    'report.html'
    >>> campaign.export("network").network().training
    False
    """

    def __init__(
        self, machine: CampaignDriver, ended: str = "", report: Path | None = None
    ) -> None:
        """Show the campaign that `machine` has run or opened; `ended` says why it is at its end."""
        self._machine = machine
        self.ended = ended
        """Why the search ended; empty if this campaign was only opened, or interrupted."""
        self.report_file = report
        """The report that the search wrote."""
        self.hopeless: Findings | None = None
        """Why nothing was trained: no candidate can keep the enforced constraints."""

    @property
    def folder(self) -> Path:
        """The campaign's folder."""
        return self._machine.folder

    @property
    def experiment(self) -> Experiment:
        """What it was run with."""
        return self._machine.context.experiment

    @property
    def outcomes(self) -> Sequence[Outcome]:
        """Every candidate that has ended, in order, judged by the present constraints."""
        return self._machine.outcomes

    @property
    def running(self) -> int:
        """The number of trainings that the next `search` resumes."""
        return len(self._machine.ledger.running)

    @property
    def finalists(self) -> Sequence[Finalist]:
        """The candidates of the finals and their results."""
        return self._machine.finalists()

    @cached_property
    def published(self) -> Published | None:
        """The exported network; None if there is none yet."""
        return exported_before(self._machine)

    @property
    def best(self) -> Found | None:
        """The exported network, else the best candidate so far; None if none is feasible."""
        if self.published is not None:
            return found(self._machine, self.published.finalist.outcome, self.published)
        return next((found(self._machine, o) for o in ranking(self.outcomes)), None)

    @property
    def front(self) -> list[Found]:
        """The networks that no other one equals at no higher costs; the least accurate first.

        The costs are those of the experiment's `[front]`, and MACs without one.
        """
        members = front_members(self._machine)
        return [found_on_front(self._machine, member, self.published) for member in members]

    def table(self) -> "pd.DataFrame":
        """Return all candidates as a DataFrame: one row each, decisions as columns."""
        from gensynth.record.optuna_study import frame

        return frame(self.outcomes)

    def save_table(self, file: str | Path) -> Path:
        """Write the table to a new `.parquet` or `.csv` file.

        Raises:
            InputError: the file exists, cannot be written, or has another ending.
        """
        from gensynth.report.trials_file import require_free, write_trials

        require_free(Path(file))
        write_trials(self.outcomes, Path(file))
        return Path(file)

    def save_curves(self) -> Path:
        """Write the training curves for TensorBoard and return their folder."""
        from gensynth.report.tensorboard import FOLDER, Curves

        Curves(self.folder)(self.outcomes)
        return self.folder / FOLDER

    def finish(self, progress: bool = True) -> None:
        """End the search now, then run the finals and the last training of what it has found.

        A search that is running does so itself, and this returns at once.

        Raises:
            KeyboardInterrupt: Ctrl-C; the same call resumes the trainings that were running.
        """
        ran = finish_campaign(self.folder, How(progress=progress))
        if ran is None:
            return
        self.__dict__.pop("published", None)
        self._machine, self.ended, self.report_file = ran.machine, ran.ended, ran.report
        self.hopeless = ran.hopeless
        if ran.interrupted is not None:
            raise ran.interrupted

    def report(
        self, to: str | Path | None = None, beside: Iterable[str | Path] = (), peers: bool = False
    ) -> Path:
        """Write the campaign as one page of HTML and return the file.

        Args:
            to: the file; `report.html` in the campaign's folder by default.
            beside: folders of other campaigns on the same data, to compare their courses.
            peers: measure the latency of the exported network and the paper's peers first.

        Raises:
            InputError: another campaign has other data, or there is no exported network to time.
        """
        from gensynth.report.page import write_page
        from gensynth.report.rivals import keep_rivals, kept_rivals, measure_rivals

        self._machine.require_code()
        others = dict(self._course_of(Path(folder)) for folder in beside)
        if peers:
            keep_rivals(measure_rivals(self._machine), self.folder)
        file = Path(to) if to is not None else self.folder / "report.html"
        return write_page(self._machine, file, others, kept_rivals(self._machine))

    def _course_of(self, folder: Path) -> tuple[str, Sequence[Outcome]]:
        """Return a name and the outcomes of another campaign; its record alone says both."""
        experiment, record = known_experiment(folder), open_record(folder, trust=trusted())
        if record.noted(DATA) != self._machine.context.data_fingerprint:
            raise InputError(str(folder), f"was run on other data than {self.folder}")
        return f"{experiment.generator.use} ({folder.name})", record.outcomes()

    def export(
        self,
        to: str | Path,
        formats: Sequence[str] = ("torch",),
        candidate: str | int = "",
        train: bool = False,
        **limits: float | str | None,
    ) -> Exported:
        """Write the winner or any `candidate` to a new folder, with its weights if they were kept.

        Args:
            to: the folder to write.
            formats: any of `torch`, `onnx`, `pt2`, `int8`, `executorch`, `tflite`, `tflite-int8`,
                `c`.
            candidate: the number or the genome of a candidate.
            train: train a candidate without weights first, as `[last_training]` says.
            limits: `max_params`, `max_macs`, `max_weight_bytes`, `max_peak_activation_bytes`: of
                the most accurate member of the front within them, instead of the winner.

        Raises:
            InputError: there is no winner yet, no such candidate or member, or the folder exists.
        """
        self._machine.require_code()
        if any(limit is not None for limit in limits.values()):
            candidate = member_within(self._machine, limits)
        if candidate != "":
            place = f"candidate {candidate}"
            return export_candidate(self._machine, str(candidate), Path(to), formats, place, train)
        return export_winner(self._machine, Path(to), formats)

    def generate(
        self, seeds: int = 16, first: int = 0, train: int = 0, **limits: float | str | None
    ) -> "Drawn":
        """Draw networks from the learned generator: G*(s), or G(s | r) within limits r.

        Args:
            seeds: number of fresh seeds, or of answers within limits.
            first: the first seed.
            train: how many of the networks to train by the proxy, at the start and as learned.
            limits: `max_params`, `max_macs`, `max_weight_bytes`, `max_peak_activation_bytes`,
                `max_ram_bytes`, `max_flash_bytes`, `max_latency_ms` (with a `device`) and
                `min_top1` in percent. With any of them the answers are the most accurate networks
                found within them, the best first; they are not trained.

        Raises:
            InputError: a limit is unknown, cannot be used, or is kept by no network.
        """
        from gensynth.api.drawn_networks import draw

        self._machine.require_code()
        return draw(self._machine, seeds, first, train, limits)

    def plain(self) -> list[dict[str, Any]]:
        """Return the feasible candidates as plain data, as `gensynth show --json` prints them."""
        return plain_campaign(self._machine, self.published)

    def show_front(self) -> None:
        """Print the front as a table."""
        console().print(front_table(self._machine))

    def show(self) -> None:
        """Print the best candidates, how all of them ended, and where the exported network is."""
        show_campaign(self._machine, self.published)
        show_untrained(self._machine)
        if self.ended or self.published is not None:
            known = doubt(self._machine, self.published) if self.ended and self.published else ""
            kept = self.folder / "report.html"
            report = self.report_file or (kept if kept.exists() else None)
            show_end(self.ended, self.published, report, known)

    def __repr__(self) -> str:
        best = self.best
        words = "no feasible candidate" if best is None else f"best {best.top1:.2f} % top-1"
        return f"<Campaign {str(self.folder)!r}: {len(self.outcomes)} candidates, {words}>"

    def _repr_html_(self) -> str:
        unit = unit_of(self._machine.context.score)
        rows = [assessed(outcome, unit=unit) for outcome in ranking(self.outcomes)[:SHOWN]]
        best = self.best
        drawing = best._repr_html_() if best is not None else ""
        return f"{heading(repr(self)[1:-1])}{assessments_html(rows)}{drawing}"
