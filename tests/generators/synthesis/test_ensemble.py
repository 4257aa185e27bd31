import numpy as np

from gensynth.generators.synthesis.encoding import Dataset, Encoding, Inputs
from gensynth.generators.synthesis.ensemble import MEMBERS, Ensemble, log_mean


def widths(*chosen: int) -> tuple[Encoding, Inputs]:
    encoding = Encoding({}).extended({"width": (1, 2, 4, 8), "kernel": (3, 5)})
    rows = encoding.rows([{"width": width, "kernel": 3} for width in chosen])
    return encoding, Inputs.of(rows, np.zeros((len(chosen), 0)))


def disagreement(ensemble: Ensemble, dataset: Dataset, asked: Inputs) -> float:
    means, _ = ensemble.conditioned([dataset] * MEMBERS).predict(asked)
    return float(means.std(axis=0).max())


def test_members_differ_at_first_and_are_the_same_ones_every_time() -> None:
    encoding, _ = widths(1)
    ensemble, again = Ensemble.make(encoding, 0), Ensemble.make(encoding, 0)
    packed = [member.parameters.pack() for member in ensemble.members]
    assert all(not np.allclose(packed[0], other) for other in packed[1:])
    for one, other in zip(ensemble.members, again.members, strict=True):
        assert np.array_equal(one.parameters.pack(), other.parameters.pack())


def test_members_agree_where_the_outcomes_are_and_differ_elsewhere() -> None:
    encoding, seen = widths(1, 2, 4)
    dataset = Dataset(seen, np.array([-1.0, 0.0, 1.0]), np.zeros(3))
    ensemble = Ensemble.make(encoding, 0).fitted([dataset] * MEMBERS, steps=20)
    _, new = widths(8)
    assert disagreement(ensemble, dataset, new) > 2 * disagreement(ensemble, dataset, seen)


def test_fitting_raises_every_member() -> None:
    encoding, seen = widths(1, 2, 4, 8)
    dataset = Dataset(seen, np.array([-1.0, 0.2, 0.3, 0.5]), np.zeros(4))
    before = Ensemble.make(encoding, 0)
    after = before.fitted([dataset] * MEMBERS, steps=20)
    for one, other in zip(before.members, after.members, strict=True):
        assert other.loss(dataset) < one.loss(dataset)


def test_chances_are_averaged_not_their_logarithms() -> None:
    assert np.allclose(np.exp(log_mean(np.log([[0.2, 1e-300], [0.4, 0.5]]))), [0.3, 0.25])
