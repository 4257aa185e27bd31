"""Writes down, below the module system, what a network executes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map
from torch.utils.weak import WeakTensorKeyDictionary

from gensynth.errors import InputError
from gensynth.graph.graph import Graph, Kind, Layer
from gensynth.graph.trace.call import Call, bare_name
from gensynth.graph.trace.describe import describe
from gensynth.graph.trace.labels import Labels, Route, overlap
from gensynth.graph.trace.operators import VALUE_FREE, VANISHING


class Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every operator below autograd and appends a row for each that the image reaches."""

    def __init__(self, module: nn.Module, image: Tensor) -> None:
        """Know the parameters of `module`, and `image` as row 0."""
        super().__init__()  # type: ignore[no-untyped-call]
        self.layers: list[Layer] = []
        self.row: Any = WeakTensorKeyDictionary()
        """The row that made a tensor; constants have none."""
        self.weights: Any = WeakTensorKeyDictionary()
        """Names of the parameters that a constant was computed from."""
        self.labels = Labels()
        self.path: list[str] = []
        self.unread: dict[str, int] = {}
        """Sizes of the parameters that no row has read yet."""
        for name, parameter in module.named_parameters():
            self.weights[parameter] = [name]
            self.unread[name] = parameter.numel()
        self._append(image, {"kind": "input", "op": "input", "inputs": ()})
        self.labels.fresh(image)

    def graph(self, output: Any) -> Graph:
        """Close the table: the last row is the output, views that nobody read are gone."""
        made = [t for t in _tensors(_opened(output)) if t in self.row]
        if not made:
            problem = "returns no tensor that torch computed from the image"
            raise InputError("model", problem)
        rows = tuple(self.row[t] for t in made)
        layers = list(self.layers)
        if rows != (len(layers) - 1,):
            route = () if len(rows) == 1 else None
            shape = layers[rows[0]].shape
            layers.append(Layer("move", "output", rows, shape, alias=True, route=route))
        return Graph(_without_unread_views(layers), tuple(self.unread))

    @contextmanager
    def named_by(self, module: nn.Module) -> Iterator[None]:
        """Follow which module is running, by its dotted path."""
        handles = []
        for name, part in module.named_modules():
            if isinstance(part, torch.jit.ScriptModule):  # takes no hooks
                continue
            handles.append(part.register_forward_pre_hook(self._enter(name), prepend=True))
            handles.append(part.register_forward_hook(self._leave, always_call=True))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _enter(self, name: str) -> Callable[[nn.Module, Any], None]:
        return lambda module, inputs: self.path.append(name)

    def _leave(self, module: nn.Module, inputs: Any, output: Any) -> None:
        self.path.pop()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run the operator and write it down."""
        out = func(*args, **(kwargs or {}))
        outputs = _tensors(out)
        if outputs:
            self._see(func, args, kwargs or {}, outputs)
        return out

    def _see(self, func: Any, args: Any, kwargs: Any, outputs: tuple[Tensor, ...]) -> None:
        read = _tensors((args, kwargs))
        inputs = tuple(t for t in read if t in self.row)
        names = sorted(set().union(*(self.weights.get(t, ()) for t in read)))
        if not inputs or bare_name(func) in VALUE_FREE:
            for tensor in outputs:
                self.weights[tensor] = names
        elif bare_name(func) in VANISHING:
            self.row[outputs[0]] = self.row[inputs[0]]
            self.labels.inherit(inputs, outputs[0])
        else:
            self._write_down(Call(func, args, kwargs, inputs, bool(names), outputs), names)

    def _write_down(self, call: Call, names: list[str]) -> None:
        columns = describe(call)
        if columns["kind"] == "combine" and len(call.inputs) == 1:
            columns["kind"] = "activation"
        columns["inputs"] = tuple(self.row[t] for t in call.inputs)
        columns["parameters"] = sum(self.unread.pop(name, 0) for name in names)
        memory = _memory(call.inputs[0])
        in_place = call.func._schema.is_mutable
        routes = self._follow(call, columns["kind"])
        for part, (tensor, route) in enumerate(zip(call.outputs, routes, strict=False)):
            if len(routes) > 1:
                columns["detail"] = f"part={part}"
            shared = _memory(tensor) == memory
            columns["alias"] = columns["kind"] == "move" and shared and not in_place
            self._append(tensor, columns | {"route": route})
        for tensor in call.outputs[len(routes) :]:
            self.row[tensor] = len(self.layers) - 1
            self.labels.fresh(tensor)
        if in_place:
            self._write_through(call.out)

    def _follow(self, call: Call, kind: Kind) -> list[Route]:
        """Follow the channels through the operator; give the route of each output row."""
        if kind == "move":
            return self.labels.move(call)
        if kind == "reduce":
            return [self.labels.reduce(call)]
        if kind in ("pool", "resize"):
            self.labels.pool(call.inputs[0], call.out)
        elif kind in ("norm", "activation", "softmax", "combine"):
            self.labels.inherit(call.inputs, call.out)
        elif kind in ("linear", "matmul"):
            self.labels.fresh(call.out, call.out.dim() - 1)
        else:
            self.labels.fresh(call.out)
        return [()]

    def _write_through(self, written: Tensor) -> None:
        """After an operator in place: whoever looks at the same memory sees the new values."""
        memory = _memory(written)
        new = self.row[written]
        views = [*self.row.keys(), *(t for t in self.weights if not isinstance(t, nn.Parameter))]
        for view in views:
            shared = view is not written and _memory(view) == memory
            if not (shared and overlap(view, written)):
                continue
            old = (self.row[view],) if view in self.row else ()
            route = self.labels.write(view, written)
            columns = {"kind": "move", "op": "write", "inputs": (*old, new)}
            self._append(view, columns | {"alias": bool(old), "route": route})

    def _append(self, tensor: Tensor, columns: dict[str, Any]) -> None:
        shape = tuple(tensor.shape)
        shape = shape[1:] if len(shape) > 1 and shape[0] == 1 else shape
        path = self.path[-1] if self.path else ""
        self.row[tensor] = len(self.layers)
        self.layers.append(Layer(shape=shape, name=path, **columns))


def _opened(output: Any) -> Any:
    """Look into the dataclasses that a network may return."""

    def opened(leaf: Any) -> Any:
        if not is_dataclass(leaf):
            return leaf
        return [getattr(leaf, field.name, None) for field in fields(leaf)]

    return tree_map(opened, output)


def _memory(tensor: Tensor) -> int:
    """Name the memory that a tensor looks at; on the meta device there are no addresses."""
    name: int = tensor.untyped_storage()._cdata
    return name


def _tensors(values: Any) -> tuple[Tensor, ...]:
    return tuple(value for value in tree_leaves(values) if isinstance(value, Tensor))


def _without_unread_views(layers: list[Layer]) -> tuple[Layer, ...]:
    """Drop views that lead nowhere, and number the remaining rows anew."""
    read = {len(layers) - 1}
    for i in range(len(layers) - 1, -1, -1):
        if i in read or not (layers[i].kind == "move" and layers[i].alias):
            read |= {i, *layers[i].inputs}
    kept = sorted(read)
    number = {row: place for place, row in enumerate(kept)}
    return tuple(
        layers[i]._replace(inputs=tuple(number[j] for j in layers[i].inputs)) for i in kept
    )
