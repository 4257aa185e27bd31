"""What a module stores: its parameters, packed weights and the constants of a frozen program."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from gensynth.graph.graph import Stored
from gensynth.graph.trace.call import tensors_in


def stored(module: nn.Module) -> Iterator[Tensor]:
    """Yield everything that `module` learned and that a device has to store.

    Parameters count whether or not an image reads them, once each; buffers do not count. The
    weights of quantised layers lie packed, and `torch.jit.freeze` turns all parameters into
    constants: both count as the parameters that they were. A network without any of these may
    hold tensors as constants; those are buffers by another name and do not count.
    """
    weights = [*_parameters(module), *_packed(module)]
    yield from weights or _frozen(module)


def total(weights: Sequence[Tensor]) -> Stored:
    """Add up the numbers and the bytes of weights; what several of them share counts once."""
    spans: dict[Any, list[tuple[int, int, int]]] = {}
    numbers = size = 0
    for tensor in weights:
        if _is_dense(tensor):
            width = tensor.element_size()
            start = int(tensor.storage_offset()) * width
            memory = tensor.untyped_storage()._cdata
            spans.setdefault(memory, []).append((start, start + tensor.numel() * width, width))
        else:
            numbers += tensor.numel()
            size += tensor.numel() * tensor.element_size()
    for shared in spans.values():
        reached = 0
        for start, end, width in sorted(shared):
            fresh = max(end - max(start, reached), 0)
            numbers += fresh // width
            size += fresh
            reached = max(reached, end)
    return Stored(numbers, size)


def _is_dense(tensor: Tensor) -> bool:
    """Whether it lies in memory in one piece, in whatever order of its axes."""
    if tensor.layout is not torch.strided or type(tensor) not in (Tensor, nn.Parameter):
        return False
    expected = 1
    for size, stride in sorted(zip(tensor.shape, tensor.stride(), strict=True), key=_by_stride):
        if size > 1 and stride != expected:
            return False
        expected *= size
    return True


def _by_stride(axis: tuple[int, int]) -> int:
    return axis[1]


def unregistered(module: nn.Module) -> dict[str, nn.Parameter]:
    """Return the parameters that `module` holds in plain lists, tuples and dictionaries, by name.

    `module.parameters()` does not list them. A device stores those that the network reads; others
    may belong to another network, such as a teacher that hides from the optimizer in a list.
    """
    known = {id(parameter) for parameter in module.parameters()}
    found: dict[str, nn.Parameter] = {}
    for place, part in module.named_modules():
        for name, value in vars(part).items():
            if not name.startswith("_"):
                for at, parameter in _held_in(value, f"{place}.{name}".strip(".")):
                    if id(parameter) not in known:
                        known.add(id(parameter))
                        found[at] = parameter
    return found


def _held_in(value: Any, name: str) -> Iterator[tuple[str, nn.Parameter]]:
    if isinstance(value, nn.Parameter) and not is_lazy(value):
        yield name, value
    elif isinstance(value, nn.Module):
        for inner, parameter in value.named_parameters():
            if not is_lazy(parameter):
                yield f"{name}.{inner}", parameter
    elif isinstance(value, (list, tuple, dict)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _held_in(item, f"{name}.{key}")


def held(module: nn.Module) -> Iterator[Tensor]:
    """Find the tensors that a module holds, registered or not."""
    yield from module.buffers()
    for part in module.modules():
        if not isinstance(part, torch.jit.ScriptModule):
            yield from tensors_in(list(vars(part).values()))


def packed_weights(packed: Any) -> tuple[Tensor, ...]:
    """Return the weights and biases of a packed object, and of those packed inside it."""
    unpack = getattr(packed, "unpack", None) or getattr(packed, "__getstate__", None)
    try:  # The cell of a recurrent layer has a state, and a scripted module has neither.
        found = list(_tensors_packed_in(unpack() if unpack else ()))
        return tuple({tensor.data_ptr(): tensor for tensor in found}.values())
    except RuntimeError:
        return ()


def _tensors_packed_in(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, torch.ScriptObject):
        yield from packed_weights(value)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _tensors_packed_in(item)


def _parameters(module: nn.Module) -> Iterator[Tensor]:
    yield from (parameter for parameter in module.parameters() if not is_lazy(parameter))


def _packed(module: nn.Module) -> Iterator[Tensor]:
    """Yield the weights that lie packed in the objects of quantised layers."""
    seen: set[int] = set()
    for part in module.modules():
        for value in vars(part).values():
            if isinstance(value, torch.ScriptObject) and id(value) not in seen:
                seen.add(id(value))
                yield from packed_weights(value)


def _frozen(module: nn.Module) -> Iterator[Tensor]:
    for part in module.modules():
        if not isinstance(part, torch.jit.ScriptModule):
            continue
        try:
            graph = part.inlined_graph  # It owns its nodes: keep it while they are read.
        except RuntimeError:  # A part without a forward method has no graph.
            continue
        for node in graph.findAllNodes("prim::Constant"):  # type: ignore[attr-defined]
            if node.output().type().kind() in ("TensorType", "ListType"):
                for value in tensors_in(node.output().toIValue()):
                    if value.is_floating_point():
                        yield value
        for node in graph.findAllNodes("prim::ConstantMKLDNNTensor"):  # type: ignore[attr-defined]
            yield node.t("value")  # Of a program that was optimized for inference.
        return  # The first graph holds all others.
