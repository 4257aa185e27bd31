"""The top-1 that a trained network loses in int8, on held-out images."""

from copy import deepcopy
from typing import TYPE_CHECKING

from gensynth.data.batches import Batches
from gensynth.formats import Deployment
from gensynth.formats.int8 import to_int8
from gensynth.formats.onnx import runner
from gensynth.formats.output_suppression import quiet
from gensynth.formats.real_inputs import CALIBRATED, spread

if TYPE_CHECKING:
    from torch import nn

BATCH = 64


def top1_loss(network: "nn.Module", calibration: Batches, held_out: Batches, top1: float) -> float:
    """Quantise a network as an export does, and return the percentage points of top-1 lost.

    `top1` is what it reaches in float32 on all of `held_out`, in percent. The loss is negative if
    rounding happened to help. Raises `InputError` if the network cannot be quantised.
    """
    import torch

    images, _ = spread(calibration, CALIBRATED)
    shape = images.shape[1], images.shape[2], images.shape[3]
    plain = deepcopy(network).cpu().to(memory_format=torch.contiguous_format).eval()  # type: ignore[call-overload]
    with quiet():
        run = runner(to_int8(Deployment(plain, shape, images.cpu().contiguous())))
    right = 0
    for batch, labels in held_out.in_order(BATCH):
        right += int((run(batch.cpu().contiguous()).argmax(1) == labels.cpu()).sum())
    return top1 - 100 * right / len(held_out)
