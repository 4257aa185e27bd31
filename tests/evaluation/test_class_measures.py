import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from gensynth.evaluation.class_measures import balanced_accuracy, precision, sensitivity

PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60)


@given(PAIRS)
def test_measures_are_those_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    true, predicted = zip(*pairs, strict=True)
    labels = list(range(4))
    confusion = metrics.confusion_matrix(true, predicted, labels=labels).tolist()
    recall = metrics.recall_score(
        true, predicted, labels=labels, average=None, zero_division=np.nan
    )
    positive = metrics.precision_score(
        true, predicted, labels=labels, average=None, zero_division=np.nan
    )
    for label in labels:
        expected = None if np.isnan(recall[label]) else pytest.approx(100 * recall[label])
        assert sensitivity(confusion, label) == expected
        expected = None if np.isnan(positive[label]) else pytest.approx(100 * positive[label])
        assert precision(confusion, label) == expected
    assert balanced_accuracy(confusion) == pytest.approx(100 * np.nanmean(recall))


def test_guessing_the_largest_class_gains_nothing() -> None:
    assert balanced_accuracy([[90, 0], [10, 0]]) == 50.0


def test_no_images_no_accuracy() -> None:
    with pytest.raises(ValueError, match="must count at least one image"):
        balanced_accuracy([])
