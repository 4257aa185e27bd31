"""Records, below the module system, what a network executes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch._ops import HigherOrderOperator
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakTensorKeyDictionary

from gensynth.errors import InputError
from gensynth.graph.graph import Graph, Kind, Layer
from gensynth.graph.trace.call import OperatorCall, inside_dataclasses, qualified_name, tensors_in
from gensynth.graph.trace.describe import describe
from gensynth.graph.trace.filters import once_learned
from gensynth.graph.trace.higher_order import run_higher_order
from gensynth.graph.trace.labels import Labels, Route, overlap
from gensynth.graph.trace.operators import VALUE_FREE, VANISHING
from gensynth.graph.trace.rows import memory_of, shape_of, without_unread_views
from gensynth.graph.trace.sampling import Sampling
from gensynth.graph.trace.stored_parameters import held, packed_weights, stored, total, unregistered


class Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Intercepts every operator below autograd; each that depends on the image adds a row."""

    supports_higher_order_operators = True

    def __init__(self, module: nn.Module, image: Tensor) -> None:
        """Take note of the parameters of `module`, and of `image` as row 0."""
        super().__init__()  # type: ignore[no-untyped-call]
        self.layers: list[Layer] = []
        self.row: Any = WeakTensorKeyDictionary()
        """The row that made a tensor; constants have none."""
        self.weights: Any = WeakTensorKeyDictionary()
        """Names of the parameters that a constant was computed from."""
        self.constants: list[Layer] = []
        """Products of learned weights with constants."""
        self.labels = Labels()
        self.sampling = Sampling()
        self.path: list[str] = []
        self.unread: dict[str, int] = {}
        """Sizes of the parameters that no row has read yet."""
        self.left: dict[str, list[int]] = {}
        """Rows whose values left torch, by the place where they did."""
        self._stored, self._unregistered = list(stored(module)), unregistered(module)
        self._packed: set[int] = set()
        named = dict(module.named_parameters()) | self._unregistered
        trained = {name for name, parameter in named.items() if parameter.requires_grad}
        self._trained = {*(trained or named), _PASSING}
        """Names of the parameters that are trained; all of a network that is frozen as a whole."""
        self._hidden = any(isinstance(part, torch.jit.ScriptModule) for part in module.modules())
        self._bare = not named
        """It has no parameters, as if frozen as a program: weights are constants like others."""
        for name, parameter in named.items():
            self.weights[parameter] = [name]
            self.unread[name] = parameter.numel()
        for buffer in held(module):
            if buffer not in self.weights:
                self.weights[buffer] = []
        self._append(image, {"kind": "input", "op": "input", "inputs": ()})
        self.labels.fresh(image)
        self.sampling.begin(image)

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Keep torch from importing its compiler, which takes seconds, for a mode without it."""
        return False

    def graph(self, output: Any) -> Graph:
        """Return the finished graph: the last row is the output, and unread views are dropped."""
        outputs = tensors_in(inside_dataclasses(output))
        if self._hidden and not any(t in self.row for t in outputs):
            for tensor in outputs:
                self._unseen(tensor, "operators of a fused program, which torch does not show", [0])
        made = [t for t in outputs if t in self.row]
        if not made:
            doors = f": values leave torch at {', '.join(self.left)}" if self.left else ""
            raise InputError(
                "model", f"returns no tensor that torch computed from the image{doors}"
            )
        rows = tuple(self.row[t] for t in made)
        reductions = self.sampling.close(made)
        layers = list(self.layers)
        if rows != (len(layers) - 1,):
            route = () if len(rows) == 1 else None
            shape = layers[rows[0]].shape
            layers.append(Layer("move", "output", rows, shape, alias=True, route=route))
        kept, number = without_unread_views(layers)
        found = tuple(r._replace(row=number[r.row]) for r in reductions if r.row in number)
        unread = tuple(name for name in self.unread if name not in self._unregistered)
        read = [p for name, p in self._unregistered.items() if name not in self.unread]
        return Graph(kept, unread, total([*self._stored, *read]), found, tuple(self.constants))

    def __deepcopy__(self, memo: Any) -> "Recorder":
        """Stay one: a network that copies parts of itself copies the hooks that lead here."""
        return self

    def leave(self, tensor: Tensor, method: str) -> None:
        """Note that the numbers of `tensor` were handed to code outside torch."""
        if tensor in self.row:
            place = f"{self._here() or 'the network'}.{method}()"
            self.left.setdefault(place, []).append(self.row[tensor])

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
        """Run the operator and write it down, or its parts if it arrives whole."""
        kwargs = kwargs or {}
        if isinstance(func, HigherOrderOperator):
            return run_higher_order(self, func, args, kwargs)
        if _is_composite(func):  # Below autograd, in inference mode, nothing took it apart.
            with self:
                return func._op_dk(_COMPOSITE, *args, **kwargs)
        out = func(*args, **kwargs)
        if outputs := tensors_in(out):
            self._see(func, args, kwargs, outputs)
        return out

    def note(
        self, columns: dict[str, Any], read: tuple[Tensor, ...], outputs: tuple[Tensor, ...]
    ) -> None:
        """Append one row for what ran as a whole, whose parts nobody saw."""
        inputs = tuple(t for t in read if t in self.row)
        names = sorted(set().union(*(self.weights.get(t, ()) for t in read)))
        if not inputs:
            for tensor in outputs:
                self.weights[tensor] = names
            columns["inputs"] = ()
            self.constants.append(Layer(shape=shape_of(outputs[0]), name=self._here(), **columns))
            return
        columns["inputs"] = tuple(self.row[t] for t in inputs)
        columns["parameters"] = sum(self.unread.pop(name, 0) for name in names)
        self._append(outputs[0], columns)
        for tensor in outputs:
            self.row[tensor] = len(self.layers) - 1
            self.labels.fresh(tensor)
            if columns["kind"] == "linear":
                self.sampling.recur(inputs[0], tensor, len(self.layers) - 1)
            else:
                self.sampling.lose(inputs, tensor, len(self.layers) - 1)

    def _see(self, func: Any, args: Any, kwargs: Any, outputs: tuple[Tensor, ...]) -> None:
        if any(tensor.is_nested for tensor in outputs):
            raise InputError("model", f"cannot be judged: {func} makes tensors of unequal rows")
        read = tensors_in((args, kwargs))
        for tensor in read:
            if tensor in self.row or tensor in self.weights:
                continue
            if isinstance(tensor, nn.Parameter):  # Of a module that was made or copied just now.
                self.weights[tensor] = [_PASSING]
            elif self.left:
                self._return(tensor)
        inputs = tuple(t for t in read if t in self.row)
        names = sorted(set().union(*(self.weights.get(t, ()) for t in read)))
        name = qualified_name(func)
        if not inputs or name in VALUE_FREE:
            if any(t.dtype in _PACKED for t in read if t not in self.row):
                names = names or [_QUANTISED]
            for tensor in outputs:
                self.weights[tensor] = names
            if (names or self._bare) and not inputs:
                self._count_constant(OperatorCall(func, args, kwargs, (), True, outputs))
        elif name in VANISHING:
            self.row[outputs[0]] = self.row[inputs[0]]
            self.labels.inherit(inputs, outputs[0])
            self.sampling.same(inputs[0], outputs[0])
        else:
            learned = not self._trained.isdisjoint(names)
            frozen = (bool(names) or self._bare) and not learned
            call = OperatorCall(func, args, kwargs, inputs, learned, outputs, frozen)
            self._write_down(call._replace(learned=True) if once_learned(call) else call, names)

    def _count_constant(self, call: OperatorCall) -> None:
        """Take note of a product of weights with constants, such as a table of positions."""
        if call.kind in ("conv", "linear", "matmul"):
            columns = describe(call) | {"inputs": ()}
            self.constants.append(Layer(shape=shape_of(call.out), name=self._here(), **columns))

    def _here(self) -> str:
        return self.path[-1] if self.path else ""

    def _return(self, tensor: Tensor) -> None:
        """Treat a tensor that torch did not compute as the result of the values that left torch."""
        op = f"values that left torch at {', '.join(self.left)} and came back"
        self._unseen(tensor, op, sorted({row for rows in self.left.values() for row in rows}))

    def _unseen(self, tensor: Tensor, op: str, rows: list[int]) -> None:
        """Add a row for a tensor that was made of `rows` in a way that nobody saw."""
        self._append(tensor, {"kind": "other", "op": op, "inputs": tuple(rows), "route": None})
        self.labels.fresh(tensor)
        self.sampling.lose((), tensor, len(self.layers) - 1)

    def _write_down(self, call: OperatorCall, names: list[str]) -> None:
        columns = describe(call)
        if columns["kind"] == "combine" and len(call.inputs) == 1:
            columns["kind"] = "activation"
        columns["inputs"] = tuple(self.row[t] for t in call.inputs)
        columns["parameters"] = sum(self.unread.pop(name, 0) for name in names)
        columns["parameters"] += self._unpacked(call)
        memory = memory_of(call.inputs[0])
        in_place = call.func._schema.is_mutable
        routes = self._follow(call, columns["kind"])
        for part, (tensor, route) in enumerate(zip(call.outputs, routes, strict=False)):
            if len(routes) > 1:
                columns["detail"] = f"part={part}"
            shared = memory_of(tensor) == memory
            columns["alias"] = columns["kind"] == "move" and shared and not in_place
            self._append(tensor, columns | {"route": route})
        for tensor in call.outputs[len(routes) :]:
            self.row[tensor] = len(self.layers) - 1
            self.labels.fresh(tensor)
        self.sampling.see(call, columns, [self.row[tensor] for tensor in call.outputs])
        if in_place:
            self._write_through(call.out)

    def _unpacked(self, call: OperatorCall) -> int:
        """Return the number of weights of the packed objects that are read for the first time."""
        count = 0
        for value in call.args:
            if isinstance(value, torch.ScriptObject) and id(value) not in self._packed:
                self._packed.add(id(value))
                count += sum(tensor.numel() for tensor in packed_weights(value))
        return count

    def _follow(self, call: OperatorCall, kind: Kind) -> list[Route]:
        """Follow the channels through the operator, and return the route of each output row."""
        if kind == "move":
            try:
                return self.labels.move(call)
            except (RuntimeError, NotImplementedError, TypeError):  # No labels can be moved so.
                for tensor in call.outputs:
                    self.labels.fresh(tensor)
                return [None] * len(call.outputs)
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
        """After an operator in place, add a row for every tensor that shares the written memory."""
        memory = memory_of(written)
        new = self.row[written]
        views = [*self.row.keys(), *(t for t in self.weights if not isinstance(t, nn.Parameter))]
        for view in views:
            shared = view is not written and memory_of(view) == memory
            if not (shared and overlap(view, written)):
                continue
            old = (self.row[view],) if view in self.row else ()
            route = self.labels.write(view, written)
            self.sampling.write(view, written, len(self.layers))
            columns = {"kind": "move", "op": "write", "inputs": (*old, new)}
            self._append(view, columns | {"alias": bool(old), "route": route})

    def _append(self, tensor: Tensor, columns: dict[str, Any]) -> None:
        self.row[tensor] = len(self.layers)
        self.layers.append(Layer(shape=shape_of(tensor), name=self._here(), **columns))


def _is_composite(func: Any) -> bool:
    """Whether torch itself, not a rule in Python, makes the operator of others."""
    return torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), _COMPOSITE)


_PACKED = frozenset({torch.int8, torch.uint8})
"""Types of constants that hold the weights of a quantised program."""
_QUANTISED, _PASSING = "a quantised weight", "a weight that no module stores"


_COMPOSITE = torch._C.DispatchKey.CompositeImplicitAutograd
