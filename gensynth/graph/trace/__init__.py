"""`trace(module, input_shape)`: run a module once and return what ran, as a `Graph`.

One image of batch 1 passes through the module in eval mode, below the module system, so that
functional calls, modules and in-place operators give the same rows. The conventions:

- Row 0 is the input; every executed operator that depends on it is one row, in the order of
  execution. Dropout, identities and detach leave none, nor does what depends on weights only.
- Columns come from `gensynth.graph.trace.describe`; `op` is torch's bare name (`add_` is `add`).
- `shape` leaves out a leading axis of one (the batch) unless it is the only axis.
- An operator with one input that depends on the image and else constants is an `activation`
  (`mul` by a layer scale, `add` of a position embedding); with several, a `combine`.
- `parameters` counts a weight on the first row that reads it: weight and bias on the convolution,
  2 C on a batch normalisation (running statistics are none). `macs` leaves the bias out.
- A fixed depthwise convolution (its weight is not a parameter) is a `pool` named `blur`; its
  multiply-accumulates count as a convolution's.
- Global pooling (`mean` over positions, also by AdaptiveAvgPool2d(1)) is `reduce`, `mean`.
- Views are `move` rows with `alias`; those that nobody reads vanish. An operator with several
  outputs (split, unbind) is one row for each that is read, with `part=k` as its detail.
- If an operator in place changes the memory of another tensor, reading that adds a row `write`.
- `detail` holds what no other column shows, `""` for the default: padding (extent - 1) // 2 and no
  dilation for windows, channels for softmax, all positions for a mean; of other operators the
  plain arguments that differ from torch's defaults.
- If the output is not the last executed row, or there are several, a last row `output` (an alias)
  reads them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from gensynth.errors import InputError
from gensynth.graph.graph import Graph
from gensynth.graph.trace.higher_order import uncompiled
from gensynth.graph.trace.leaving import Doors
from gensynth.graph.trace.recorder import Recorder


def trace(module: nn.Module, input_shape: tuple[int, int, int]) -> Graph:
    """Run `module` once on an image of `input_shape` (C, H, W) and return the graph of that run.

    The module is left as it was: training flags, buffers and random state are restored. Of lazy
    layers, a copy takes the sizes that the image gives them. Raises `InputError` if it is not a
    module, cannot take that shape, or returns nothing computed from the image.
    """
    if not isinstance(module, nn.Module):
        raise InputError("model", f"{type(module).__name__} is not a torch.nn.Module")
    module = sized(module, input_shape)
    image = image_for(module, input_shape)
    recorder = Recorder(module, image)
    with undisturbed(module), recorder.named_by(module), torch.no_grad():
        try:
            with Doors(recorder.leave, recorder.note), uncompiled(), recorder:
                output = module(image)
        except InputError:
            raise
        except (Exception, SystemExit) as error:
            shape = "x".join(map(str, input_shape))
            raise InputError(
                "model", f"cannot run on one {shape} image: {type(error).__name__}: {error}"
            ) from error
    return recorder.graph(output)


def sized(module: nn.Module, input_shape: tuple[int, int, int]) -> nn.Module:
    """Return a copy of a module with lazy layers that one image has initialised, others as is."""
    if not any(map(is_lazy, (*module.parameters(), *module.buffers()))):
        return module
    copied = deepcopy(module).eval()
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            copied(torch.rand(1, *input_shape))
    except Exception as error:
        words = f"has lazy layers that one image cannot give a size: {error}"
        raise InputError("model", words) from error
    if any(map(is_lazy, (*copied.parameters(), *copied.buffers()))):
        raise InputError("model", "has lazy layers without a size: the image does not reach them")
    return copied


def image_for(module: nn.Module, input_shape: tuple[int, int, int]) -> Tensor:
    """Return one random image of the type and on the device of the module's numbers."""
    tensors = [*module.parameters(), *module.buffers()]
    like = next((t for t in tensors if t.is_floating_point()), torch.empty(0))
    random = torch.Generator().manual_seed(0)
    return torch.rand((1, *input_shape), generator=random).to(like.device, like.dtype)


@contextmanager
def undisturbed(module: nn.Module) -> Iterator[None]:
    """Set eval mode for a while, without fused kernels; restore flags, buffers, random state."""
    training = [(part, part.training) for part in module.modules() if hasattr(part, "training")]
    buffers = [(buffer, buffer.clone()) for buffer in module.buffers() if _holds_numbers(buffer)]
    fast_path = torch.backends.mha.get_fastpath_enabled()
    # The fused transformer kernels hide their linear layers.
    torch.backends.mha.set_fastpath_enabled(False)
    _evaluate(module)
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast_path)
        for part, flag in training:
            part.training = flag
        with torch.inference_mode():  # Some buffers may only be written there.
            for buffer, before in buffers:
                if not torch.equal(buffer, before):
                    buffer.copy_(before)


def _holds_numbers(tensor: Tensor) -> bool:
    return tensor.layout is torch.strided and not tensor.is_meta


def _evaluate(module: nn.Module) -> None:
    """Set eval mode; a module that refuses it (an exported program) gets the flags only."""
    try:
        module.eval()
    except Exception:
        for part in module.modules():
            if hasattr(part, "training"):
                part.training = False
