"""Trainings by a simulated clock: curves like the recorded ones, which a rule may stop early."""

from dataclasses import asdict, replace

import numpy as np
import pandas as pd
from sklearn.ensemble import ExtraTreesRegressor

from experiments.benchmarks.early_stopping import ByRank
from experiments.benchmarks.recorded_predictor import COSTS, Floats, Predictor
from experiments.benchmarks.simulated_space import Trainings
from gensynth.campaign.early_stopping import EarlyStopping, Halving, Never, SearchCurves
from gensynth.campaign.experiment_tables import Finals
from gensynth.campaign.finals import last_place, ranking
from gensynth.evaluation.evaluator import Description, Evaluator
from gensynth.evaluation.measurement import Measurement
from gensynth.evaluation.outcome import Outcome
from gensynth.graph.profile import Profile


class Curves:
    """Recorded curves and the duration of an epoch."""

    def __init__(self, table: pd.DataFrame) -> None:
        """Fit to the completed trainings of a recorded table."""
        done = table[table["ending"] == "completed"]
        self.curves: Floats = np.stack([np.asarray(curve, float) for curve in done["curve"]])
        self.places = np.array(
            [_place(curve[-1], macs) for curve, macs in zip(self.curves, done["macs"], strict=True)]
        )
        features = np.log10(done[list(COSTS)].to_numpy(dtype=float))
        self.clock = ExtraTreesRegressor(200, min_samples_leaf=3, random_state=0)
        self.clock.fit(features, np.log(done["cpu_seconds"].to_numpy(dtype=float)))

    def curve(self, profile: Profile, top1: float) -> tuple[Measurement, ...]:
        """Return the curve of a network whose training ends at `top1` percent."""
        nearest = np.square(self.places - _place(top1, profile.macs)).sum(axis=1).argmin()
        shape = self.curves[nearest]
        costs = np.log10([[float(asdict(profile)[name]) for name in COSTS]])
        seconds = float(np.exp(self.clock.predict(costs)[0])) / len(shape)
        top1s = np.clip(shape - shape[-1] + top1, 1.0, 99.9)
        return tuple(
            Measurement(k, float(value), 0.5, k * seconds) for k, value in enumerate(top1s, 1)
        )


def _place(top1: float, macs: float) -> Floats:
    return np.array([top1 / 5.0, np.log10(macs)])


RULES: dict[str, EarlyStopping] = {
    "none": Never(),
    "rank": ByRank(first=1, reduction=3),
    "hope": Halving(first=1, reduction=3),
}


class ClockedTrainings(Trainings):
    """Trainings with curves, stopped by a rule."""

    def __init__(
        self, evaluator: Evaluator, predictor: Predictor, number: int, curves: Curves, rule: str
    ) -> None:
        super().__init__(evaluator, predictor, number)
        self.curves = curves
        self.stopping = SearchCurves(RULES[rule], curves.curves.shape[1])
        self.seconds, self.epochs = 0.0, 0

    def trained(self, new: Outcome, described: Description, top1: float) -> Outcome:
        """Return the row of a training that would end at `top1`, or that is stopped earlier."""
        assert isinstance(new.profile, Profile)
        whole = self.curves.curve(new.profile, top1)
        length = next(
            (k for k, line in enumerate(whole, 1) if not self._goes_on(new, described, line)),
            len(whole),
        )
        curve = whole[:length]
        self.seconds += curve[-1].seconds
        self.epochs += length
        completed = length == len(whole)
        self.stopping.remember(new.number, curve, completed)
        if not completed:
            return replace(new, ending="stopped", attempt=1, curve=curve)
        return replace(self._scored(new, described, top1), curve=curve)

    def _goes_on(self, new: Outcome, described: Description, line: Measurement) -> bool:
        def admitted(end: Measurement) -> bool:
            value = self.evaluator.evaluate(described.candidate, end).value
            values = [o.value for o in ranking(self.known.values()) if o.value is not None]
            return value is not None and value > last_place(values, Finals())

        return self.stopping.goes_on(new.number, line, admitted)
