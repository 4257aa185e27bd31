"""Compares our counts with those of other counters: fvcore and torch's FlopCounterMode.

Both count operators while the network runs, by their own rules. A difference has one of three
causes, and is explained by the operators responsible: operators without MACs by our definition
(normalisation, pooling), products of two activations (which we count separately), and operators
that the other counter does not know. Any remaining difference would be an error in one of them.
"""

import logging
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gensynth.graph.profile import Profile

if TYPE_CHECKING:
    import torch
    from torch import nn

AGREED = 1e-3
"""Counts that differ by no more than this share agree."""
_PRODUCTS = frozenset(
    [
        "conv",
        "linear",
        "matmul",
        "addmm",
        "mm",
        "bmm",
        "baddbmm",
        "einsum",
        "mv",
        "addmv",
        "dot",
        "convolution",
    ]
)
"""Operators that both sides understand as multiply-accumulates."""


@dataclass(frozen=True)
class Opinion:
    """One counter's multiply-accumulates for a network on one image."""

    counter: str
    """`fvcore`, or `torch` for its FlopCounterMode."""
    macs: Mapping[str, int] = field(default_factory=dict)
    """By operator, as the counter calls it."""
    uncounted: Mapping[str, int] = field(default_factory=dict)
    """Operators that the counter does not know, and how often they occur."""
    problem: str = ""
    """Why there is no count."""

    @property
    def total(self) -> int:
        """All that it counts."""
        return sum(self.macs.values())

    @property
    def products(self) -> int:
        """What it counts of convolutions, linear layers and other products."""
        return sum(count for operator, count in self.macs.items() if _is_product(operator))


def opinions(module: "nn.Module", input_shape: tuple[int, int, int]) -> tuple[Opinion, ...]:
    """Ask both counters about `module` on one image of `input_shape` (C, H, W)."""
    from gensynth.graph.trace import sized

    module = sized(module, input_shape)
    return fvcore_opinion(module, input_shape), torch_opinion(module, input_shape)


def fvcore_opinion(module: "nn.Module", input_shape: tuple[int, int, int]) -> Opinion:
    """Ask fvcore, which calls multiply-accumulates flops and counts normalisation, too."""
    from fvcore.nn import FlopCountAnalysis

    with _evaluated(module), _quiet("fvcore"):
        try:
            analysis = FlopCountAnalysis(module, _image(module, input_shape))
            analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
            counted = {name: int(count) for name, count in analysis.by_operator().items()}
            return Opinion("fvcore", counted, dict(analysis.unsupported_ops()))
        except (Exception, SystemExit) as error:
            return Opinion("fvcore", problem=_line(error))


def torch_opinion(module: "nn.Module", input_shape: tuple[int, int, int]) -> Opinion:
    """Ask torch's FlopCounterMode, which counts two operations for a multiply-accumulate."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    fast_path = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # It hides the linear layers of attention.
    with _evaluated(module):
        try:
            kernel = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
            recurrent = torch.ops.aten.mkldnn_rnn_layer
            uncounted = Counter[str]()

            def pass_over(*_: object, **__: object) -> int:
                uncounted[str(recurrent)] += 1
                return 0

            # It has the formula of attention, but not for this kernel.
            mapping = {kernel: _attention, recurrent: pass_over}
            mode = FlopCounterMode(display=False, custom_mapping=mapping)
            # Its hooks need gradients of whatever a parameter was moved to, as a class token.
            with mode as counter, torch.enable_grad():
                module(_image(module, input_shape))
            found = counter.get_flop_counts().get("Global", {})
            counted = {_name(op): int(flops) // 2 for op, flops in found.items()}
            return Opinion("torch", counted, dict(uncounted))
        except (Exception, SystemExit) as error:
            return Opinion("torch", problem=_line(error))
        finally:
            torch.backends.mha.set_fastpath_enabled(fast_path)


def _attention(query: object, key: object, value: object, *_: object, **__: object) -> int:
    from torch.utils.flop_counter import sdpa_flop_count

    return int(sdpa_flop_count(query, key, value))  # type: ignore[no-untyped-call]


def difference(opinion: Opinion, profile: Profile) -> str:
    """Explain in a sentence how a count differs from ours; empty if they agree."""
    if opinion.problem:
        return f"no count: {opinion.problem}"
    ours, theirs = profile.macs, opinion.total
    if abs(ours - theirs) <= AGREED * max(ours, theirs):
        return ""
    others = {op: n for op, n in opinion.macs.items() if n and not _is_product(op)}
    attention = {op: n for op, n in others.items() if "attention" in op}
    defined = {op: n for op, n in others.items() if op not in attention}
    parts = []
    if profile.matmul_macs:
        parts.append(
            f"products of two activations, {profile.matmul_macs:,} MACs, which ours excludes"
        )
    if defined:
        parts.append(f"{_listed(defined)}, which have no MACs by definition")
    both = ours + profile.matmul_macs
    left = opinion.products + sum(attention.values()) - both
    if abs(left) > AGREED * max(both, 1):
        words = f"{left:+,} MACs are left"
        unknown = ", ".join(f"{op} ({n})" for op, n in sorted(opinion.uncounted.items()))
        words += f"; it does not count {unknown}" if unknown and left < 0 else ""
        words += f"; we do not count {', '.join(profile.uncounted)}" if profile.uncounted else ""
        parts.append(words)
    return f"{(theirs - ours) / max(ours, 1):+.2%}: " + "; ".join(parts)


def _is_product(operator: str) -> bool:
    return operator.strip("_") in _PRODUCTS


def _listed(counts: Mapping[str, int]) -> str:
    order = sorted(counts.items(), key=lambda item: -item[1])
    return ", ".join(f"{operator} {count:,}" for operator, count in order)


def _name(operator: object) -> str:
    return str(operator).rpartition(".")[2].strip("_")


def _line(error: BaseException) -> str:
    text = next(iter(str(error).strip().splitlines()), "")
    return f"{type(error).__name__}: {text[:200]}"


def _image(module: "nn.Module", input_shape: tuple[int, int, int]) -> "torch.Tensor":
    from gensynth.graph.trace import image_for

    return image_for(module, input_shape)


@contextmanager
def _evaluated(module: "nn.Module") -> Iterator[None]:
    """Set eval mode for a while; random numbers stay as they are."""
    from gensynth.graph.trace import undisturbed

    with undisturbed(module):
        yield


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    """Keep a package from logging warnings about what it does not know."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
