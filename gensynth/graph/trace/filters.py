"""What fixed filters leave of the highest frequency, and which weights are filters at all.

Whether a reduction of the resolution is anti-aliased by them is decided in `reduction_verdicts.py`.
"""

from collections.abc import Sequence

from torch import Tensor

from gensynth.graph.graph import LOW_PASS
from gensynth.graph.trace.call import OperatorCall


def response_at_nyquist(filters: Tensor, dilation: Sequence[int] = (1, 1)) -> float | None:
    """Compare |response| at the Nyquist frequency with that at zero, on the worse axis.

    `filters` is (C, 1, H, W) or (H, W); the worst channel counts; rounded to 1e-6. None for a
    filter that blocks constants, which is not a low-pass, and for one on the meta device.
    """
    if filters.is_meta:
        return None
    bank = filters.detach().double().reshape(-1, *filters.shape[-2:])
    zero = bank.sum((1, 2)).abs()
    if bool((zero < 1e-9).any()):
        return None
    rows, columns = (
        bank.new_tensor([(-1.0) ** (i * step) for i in range(size)])
        for size, step in zip(bank.shape[1:], dilation, strict=True)
    )
    vertical = (bank.sum(2) * rows).sum(1).abs() / zero
    horizontal = (bank.sum(1) * columns).sum(1).abs() / zero
    return round(float(max(vertical.max(), horizontal.max())), 6)


def once_learned(call: OperatorCall) -> bool:
    """Whether the weight of a convolution is frozen, but does not act like a low-pass filter.

    Such a weight was learned elsewhere (a frozen backbone, a program without parameters), and is
    no filter that somebody chose, such as a blur.
    """
    if not call.frozen or call.kind != "conv" or call.func.namespace != "aten":
        return False
    weight = call.arguments["weight"]
    if any(weight is tensor for tensor in call.inputs):
        return False
    return not _acts_low_pass(weight.detach(), call.arguments["dilation"])


def _acts_low_pass(weight: Tensor, dilation: Sequence[int]) -> bool:
    """Whether each filter of a bank (out, in, *window) that is not 0 keeps low frequencies only."""
    if weight.is_meta or not weight.is_floating_point():
        return False
    bank = weight.double().flatten(0, 1)
    bank = bank[bank.flatten(1).abs().sum(1) > 1e-9]
    wide = [axis for axis, size in enumerate(bank.shape[1:], 1) if size > 1]
    zero = bank.flatten(1).sum(1).abs()
    if not wide or not len(bank) or bool((zero < 1e-9).any()):
        return False
    for axis in wide:
        step = dilation[axis - 1] if len(dilation) > 1 else dilation[0]
        signs = bank.new_tensor([(-1.0) ** (i * step) for i in range(bank.shape[axis])])
        high = (bank.movedim(axis, -1) * signs).flatten(1).sum(1).abs()
        if bool((high > (LOW_PASS + 1e-3) * zero).any()):
            return False
    return True
