"""The posterior of the accuracy, and the correction of its optimism."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gensynth.evaluation.outcome import Outcome
from gensynth.generators.synthesis.accuracy_posterior import (
    FARTHEST_ERROR,
    AccuracyPosterior,
    PredictedAccuracy,
    Predictions,
)
from gensynth.generators.synthesis.encoding import Encoding, Inputs
from gensynth.generators.synthesis.ensemble import MEMBERS, Ensemble
from gensynth.generators.synthesis.evidence import evidence_of
from tests.support.campaigns import measurement, outcome

NUMBERS = st.floats(-1e3, 1e3)


def ended(name: str, top1: float) -> Outcome:
    return replace(outcome(fingerprint=name), curve=(measurement(1, top1),))


def placed(errors: list[float]) -> tuple[Predictions, list[Outcome]]:
    """Predict 50 % with a deviation of 1 for each of several, and miss by `errors`."""
    predictions = Predictions()
    for number in range(len(errors)):
        predictions.add(str(number), PredictedAccuracy(50.0, 1.0))
    return predictions, [ended(str(number), 50.0 - error) for number, error in enumerate(errors)]


@given(st.lists(NUMBERS, max_size=20))
def test_optimism_is_never_negative_and_never_beyond_the_farthest_error(
    errors: list[float],
) -> None:
    predictions, outcomes = placed(errors)
    assert 0 <= predictions.optimism(outcomes) < FARTHEST_ERROR


def test_steady_disappointment_is_believed_more_and_more() -> None:
    cases = [placed([1.0] * count) for count in (0, 1, 4, 40)]
    optimism = [predictions.optimism(outcomes) for predictions, outcomes in cases]
    assert optimism[0] == 0
    assert optimism == sorted(optimism)
    assert 0.9 < optimism[-1] < 1


def test_good_surprises_make_nobody_bolder() -> None:
    predictions, outcomes = placed([-1.0] * 10)
    assert predictions.optimism(outcomes) == 0


def test_only_what_was_predicted_and_completed_counts() -> None:
    predictions, outcomes = placed([2.0] * 6)
    stopped = [replace(o, ending="stopped") for o in outcomes]
    assert predictions.optimism([*stopped, ended("never predicted", 0.0)]) == 0


def posterior() -> tuple[AccuracyPosterior, Inputs]:
    """Two networks that reached 60 and 80 %, and one that was not trained."""
    encoding = Encoding({}).extended({"width": (1, 2, 4)})
    rows = encoding.rows([{"width": width} for width in (1, 4, 2)])
    outcomes = [ended("one", 60.0), ended("other", 80.0)]
    evidence = evidence_of(
        outcomes, lambda indices: Inputs.of(rows[list(indices)], np.zeros((2, 0))), MEMBERS
    )
    return AccuracyPosterior.of(Ensemble.make(encoding, 0), evidence), Inputs.of(
        rows, np.zeros((3, 0))
    )


def test_predictions_are_in_percent_and_surer_where_something_was_trained() -> None:
    accuracy, inputs = posterior()
    means, deviations = accuracy.predict(inputs)
    assert means.shape == deviations.shape == (MEMBERS, 3)
    assert np.allclose(means.mean(axis=0)[:2], [60.0, 80.0], atol=3.0)
    assert 60.0 < means.mean(axis=0)[2] < 80.0
    assert (deviations[:, 2] > deviations[:, :2].max(axis=1)).all()


def test_pending_candidates_keep_the_mean_and_lower_the_doubt() -> None:
    accuracy, inputs = posterior()
    waiting = Inputs.of(inputs.rows[2:], inputs.features[2:])
    before, after = accuracy.predict(waiting), accuracy.given(waiting).predict(waiting)
    assert np.allclose(before[0], after[0], atol=0.5)
    assert (after[1] < 0.5 * before[1]).all()


def test_a_shift_moves_the_mean_alone() -> None:
    accuracy, inputs = posterior()
    plain, shifted = accuracy.predict(inputs), accuracy.predict(inputs, np.array([1.0, 0.0, 0.0]))
    assert (shifted[0][:, 0] > plain[0][:, 0]).all()
    assert np.array_equal(shifted[0][:, 1:], plain[0][:, 1:])
    assert np.array_equal(shifted[1], plain[1])
