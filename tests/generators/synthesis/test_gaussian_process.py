import numpy as np

from gensynth.generators.synthesis.encoding import Dataset, Encoding, Inputs
from gensynth.generators.synthesis.gaussian_process import Floats, GaussianProcess, Prior
from gensynth.genome import Decision

OPS = tuple("abcde")


def problem_of(count: int, seed: int) -> tuple[GaussianProcess, Inputs, Floats]:
    rng = np.random.default_rng(seed)
    encoding = Encoding({}).extended({f"edge{k}": OPS for k in range(4)} | {"width": (1, 2, 4)})
    many: list[dict[str, Decision]] = []
    for _ in range(count):
        decisions: dict[str, Decision] = {f"edge{k}": OPS[rng.integers(5)] for k in range(4)}
        if rng.random() < 0.5:
            decisions["width"] = (1, 2, 4)[rng.integers(3)]
        many.append(decisions)
    counts = [sum(d[f"edge{k}"] == "a" for k in range(4)) for d in many]
    targets = np.array(counts) + 0.3 * np.array([d.get("width") == 4 for d in many])
    inputs = Inputs.of(encoding.rows(many), rng.normal(size=(count, 2)))
    return GaussianProcess.make(encoding, 2), inputs, (targets - targets.mean()) / targets.std()


def test_the_gradient_is_that_of_the_loss() -> None:
    model, inputs, targets = problem_of(12, 0)
    rng = np.random.default_rng(1)
    at = model.parameters.pack()
    at = at + 0.1 * rng.normal(size=len(at))
    learned = Dataset(inputs, targets, np.full(len(targets), 0.1))
    _, gradient = model.loss_and_gradient(at, learned)
    steps = 1e-5 * np.eye(len(at))
    ends = [[model.loss_and_gradient(at + s * step, learned)[0] for s in (1, -1)] for step in steps]
    slopes = (np.array(ends)[:, 0] - np.array(ends)[:, 1]) / 2e-5
    assert np.allclose(gradient, slopes, atol=1e-5)


def test_a_search_that_steps_far_astray_is_turned_back() -> None:
    model, inputs, targets = problem_of(12, 0)
    learned = Dataset(inputs, targets, np.full(len(targets), 0.1))
    near = model.loss_and_gradient(model.parameters.pack(), learned)[0]
    for away in (100.0, 1e6, np.nan):
        loss, gradient = model.loss_and_gradient(model.parameters.pack() + away, learned)
        assert loss > near and np.isfinite(loss) and not gradient.any()


def test_fitting_raises_the_posterior_density() -> None:
    model, inputs, targets = problem_of(20, 2)
    found = Dataset(inputs, targets, np.zeros(len(targets)))
    assert model.fitted(found, steps=20).loss(found) < model.loss(found)


def test_it_predicts_networks_it_has_not_seen_and_knows_what_it_has() -> None:
    model, inputs, targets = problem_of(60, 3)
    seen, new = (
        Inputs.of(inputs.rows[:40], inputs.features[:40]),
        Inputs.of(inputs.rows[40:], inputs.features[40:]),
    )
    found = Dataset(seen, targets[:40], np.zeros(40))
    fitted = model.fitted(found, steps=30)
    posterior = fitted.conditioned(found)
    mean, deviation = posterior.predict(new)
    assert np.corrcoef(mean, targets[40:])[0, 1] > 0.9
    _, known = posterior.predict(seen)
    assert known.max() < deviation.min()


def test_doubtful_targets_pull_less() -> None:
    model, inputs, targets = problem_of(10, 4)
    one = Inputs.of(inputs.rows[:1], inputs.features[:1])
    raised = targets.copy()
    raised[0] += 3.0
    sure, _ = model.conditioned(Dataset(inputs, raised, np.zeros(10))).predict(one)
    noise = np.array([4.0] + [0.0] * 9)
    doubtful, _ = model.conditioned(Dataset(inputs, raised, noise)).predict(one)
    assert doubtful[0] < sure[0]


def test_left_out_residuals_are_those_of_a_process_without_the_target() -> None:
    model, inputs, targets = problem_of(8, 6)
    dataset = Dataset(inputs, targets, np.full(8, 0.1))
    residuals = model.conditioned(dataset).left_out()
    for k in range(8):
        others = [i for i in range(8) if i != k]
        rest = Inputs.of(inputs.rows[others], inputs.features[others])
        one = Inputs.of(inputs.rows[[k]], inputs.features[[k]])
        without = Dataset(rest, targets[others], np.full(7, 0.1))
        mean, _ = model.conditioned(without).predict(one)
        assert np.isclose(residuals[k], targets[k] - mean[0])


def test_parameters_survive_packing() -> None:
    model, _, _ = problem_of(4, 5)
    numbers = np.arange(len(model.parameters.pack()), dtype=float)
    assert np.array_equal(model.parameters.unpack(numbers).pack(), numbers)
    assert (Prior().deviation(model.parameters).pack() > 0).all()
