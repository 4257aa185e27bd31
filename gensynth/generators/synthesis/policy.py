"""The generator network G(s; theta_G), which answers decisions one after the other.

Given a seed s, each answer is drawn from a softmax over the options with logits
`bias + output . tanh(W z(s) + sum of the embeddings of the answers so far)`. z(s) and the random
numbers of the draws follow from s alone. The parameters of a decision start from a hash of its
name, so that G is a function of (theta_G, s) in any process, whatever it answered before.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy import float64
from numpy.typing import NDArray
from torch import Tensor

from gensynth.generators.problem import are_numbers
from gensynth.genome import Decision, Decisions
from gensynth.space import Choose

T = TypeVar("T")
Floats = NDArray[float64]
HIDDEN = 24
LATENT = 8
PROTOTYPE_LOGIT = 2.0
"""Initial logit of the prototype's answers; that of other answers is at most half of it."""
INITIAL_DEVIATION = 0.1
"""Standard deviation of the initial weights."""


@dataclass(frozen=True)
class DecisionTrace:
    """The decisions of one candidate: the seed s, the names in the order asked, the answers."""

    seed: int
    options: Mapping[str, Sequence[Decision]]
    decisions: Decisions


class Policy:
    """G and its parameters theta_G."""

    def __init__(self, prototype: Decisions, rate: float) -> None:
        """Start at the prototype; `rate` is the step size of learning (0 freezes theta_G)."""
        self.prototype = prototype
        self.rate = rate
        self.row: dict[tuple[str, str], int] = {}
        self.theta = [torch.zeros(0, HIDDEN), torch.zeros(0, HIDDEN), torch.zeros(0)]
        self.theta = [part.double() for part in self.theta]
        self.theta.append(torch.from_numpy(_hashed("latent", LATENT * HIDDEN)).view(LATENT, HIDDEN))
        self._moments: list[tuple[Tensor, Tensor]] = []
        self._steps = 0
        self._views: list[Floats] = []
        self._refresh()

    def answerer(self, seed: int) -> Choose:
        """Return what answers the decisions of G(s)."""
        return _Answers(self, seed)

    def rows(self, name: str, options: Sequence[Decision]) -> list[int]:
        """Return the rows of a decision's options in theta_G; new options get new rows."""
        keys = [(name, repr(option)) for option in options]
        new = [key for key in keys if key not in self.row]
        if new:
            for key in new:
                self.row[key] = len(self.row)
            self._grow(name, options, new)
        return [self.row[key] for key in keys]

    def initial_state(self, seed: int) -> Floats:
        """Return the hidden state W z(s) before any answer, (HIDDEN,)."""
        return np.asarray(latent_of(seed) @ self._views[3])

    def logits(self, rows: Sequence[int], state: Floats) -> Floats:
        """Return the logits of options by their rows, given the hidden state, (options,)."""
        _, output, bias, _ = self._views
        return output[rows] @ np.tanh(state) + bias[rows]

    def embedding(self, row: int) -> Floats:
        """Return what an answer adds to the hidden state, (HIDDEN,)."""
        added: Floats = self._views[0][row]
        return added

    def log_probability(self, traces: Sequence[DecisionTrace]) -> Tensor:
        """Return log p(decisions | s), differentiable by theta_G, (traces,)."""
        return self._log_probability(self.theta, traces)

    def learn(self, traces: Sequence[DecisionTrace], weights: Floats, steps: int) -> None:
        """Take Adam steps that increase `sum(weights * log p)`: the change of theta_G."""
        if self.rate == 0 or not traces:
            return
        weight = torch.from_numpy(np.asarray(weights, dtype=float64))
        self._padded(traces)  # Decisions that G was never asked for get their rows now.
        with _one_thread():
            for _ in range(steps):
                theta = [part.clone().requires_grad_(True) for part in self.theta]
                loss = -(weight * self._log_probability(theta, traces)).sum()
                self._step(torch.autograd.grad(loss, theta))
        self._refresh()

    def copy(self) -> "Policy":
        """Return an independent copy of G."""
        twin = Policy(self.prototype, self.rate)
        twin.row = dict(self.row)
        twin.theta = [part.clone() for part in self.theta]
        twin._refresh()
        return twin

    def _log_probability(self, theta: Sequence[Tensor], traces: Sequence[DecisionTrace]) -> Tensor:
        answers, output, bias, latent = theta
        options, chosen, reached = self._padded(traces)
        first = options.gather(-1, chosen[..., None]).squeeze(-1)
        given = answers[first] * reached[..., None]
        noise = torch.from_numpy(np.stack([latent_of(trace.seed) for trace in traces]))
        before = given.cumsum(dim=1) - given + (noise @ latent)[:, None]
        logits = (output[options] * torch.tanh(before)[:, :, None]).sum(-1) + bias[options]
        logits = logits.masked_fill(options < 0, -torch.inf)
        log_p = logits.log_softmax(-1).gather(-1, chosen[..., None]).squeeze(-1)
        return torch.where(reached, log_p, 0.0).sum(-1)

    def _padded(self, traces: Sequence[DecisionTrace]) -> tuple[Tensor, Tensor, Tensor]:
        """Return the traces as tensors of equal length.

        These are the rows of the options (n, t, k; -1 for none), the indices of the answers (n, t),
        and whether a decision was reached (n, t).
        """
        steps = [
            [(self.rows(n, o), list(o).index(t.decisions[n])) for n, o in t.options.items()]
            for t in traces
        ]
        length = max(map(len, steps))
        width = max(len(rows) for sequence in steps for rows, _ in sequence)
        options = torch.full((len(traces), length, width), -1)
        options[..., 0] = 0
        chosen = torch.zeros(len(traces), length, dtype=torch.long)
        reached = torch.zeros(len(traces), length, dtype=torch.bool)
        for i, sequence in enumerate(steps):
            for j, (rows, answer) in enumerate(sequence):
                options[i, j, : len(rows)] = torch.tensor(rows)
                chosen[i, j], reached[i, j] = answer, True
        return options, chosen, reached

    def _step(self, gradients: Sequence[Tensor]) -> None:
        """Take one Adam step (Kingma and Ba, arXiv 1412.6980) with decay rates 0.9 and 0.99."""
        self._steps += 1
        for index, gradient in enumerate(gradients):
            mean, square = self._moments[index]
            mean.mul_(0.9).add_(gradient, alpha=0.1)
            square.mul_(0.99).addcmul_(gradient, gradient, value=0.01)
            step = mean / (1 - 0.9**self._steps)
            size = (square / (1 - 0.99**self._steps)).sqrt() + 1e-8
            self.theta[index] = self.theta[index] - self.rate * step / size

    def _grow(
        self, name: str, options: Sequence[Decision], keys: Sequence[tuple[str, str]]
    ) -> None:
        hashed = [_hashed(" ".join(key), 2 * HIDDEN).reshape(2, HIDDEN) for key in keys]
        start = self._initial_biases(name, options)
        biases = [start[key[1]] for key in keys]
        new = [np.stack([h[0] for h in hashed]), np.stack([h[1] for h in hashed]), np.array(biases)]
        for index, part in enumerate(new):
            self.theta[index] = torch.cat([self.theta[index], torch.from_numpy(part)])
        self._refresh()

    def _initial_biases(self, name: str, options: Sequence[Decision]) -> dict[str, float]:
        """Return biases that favour the prototype's answer, and less so the numbers next to it."""
        words = [repr(option) for option in options]
        wanted = repr(self.prototype[name]) if name in self.prototype else None
        if wanted not in words:
            return dict.fromkeys(words, 0.0)
        at = words.index(wanted)
        if not are_numbers(options):
            return {word: PROTOTYPE_LOGIT * (index == at) for index, word in enumerate(words)}
        return {word: PROTOTYPE_LOGIT / (1 + abs(index - at)) for index, word in enumerate(words)}

    def _refresh(self) -> None:
        """Bring the NumPy views and Adam's moments to the present theta_G."""
        self._views = [part.numpy() for part in self.theta]
        kept = self._moments or [(part[:0], part[:0]) for part in self.theta]
        self._moments = [
            (_padded_like(mean, part), _padded_like(square, part))
            for (mean, square), part in zip(kept, self.theta, strict=True)
        ]


class _Answers:
    """Answers the decisions of one network, from the seed and the answers so far."""

    def __init__(self, policy: Policy, seed: int) -> None:
        self.policy = policy
        self.rng = np.random.Generator(np.random.Philox(key=seed))
        self.state = policy.initial_state(seed)

    def __call__(self, name: str, options: Sequence[T], /) -> T:
        rows = self.policy.rows(name, options)  # type: ignore[arg-type]
        logits = self.policy.logits(rows, self.state)
        # The Gumbel-max trick draws from the softmax of the logits.
        index = int(np.argmax(logits - np.log(self.rng.standard_exponential(len(rows)))))
        self.state = self.state + self.policy.embedding(rows[index])
        return options[index]


def latent_of(seed: int) -> Floats:
    """Return z(s), standard normal, (LATENT,)."""
    return np.random.Generator(np.random.Philox(key=seed, counter=1 << 64)).normal(size=LATENT)


def _hashed(text: str, size: int) -> Floats:
    digest = hashlib.sha256(text.encode()).digest()
    generator = np.random.Generator(np.random.PCG64(int.from_bytes(digest)))
    return INITIAL_DEVIATION * generator.normal(size=size)


def _padded_like(part: Tensor, like: Tensor) -> Tensor:
    if part.shape == like.shape:
        return part
    padded = torch.zeros_like(like)
    padded[: len(part)] = part
    return padded


@contextmanager
def _one_thread() -> Iterator[None]:
    """Use one thread, so that sums have one order whatever a training in this process has set."""
    threads = torch.get_num_threads()
    if threads != 1:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        if threads != 1:
            torch.set_num_threads(threads)
