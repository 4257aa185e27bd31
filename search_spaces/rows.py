"""Writes the graph of a network without building it, as `gensynth.graph.trace` would read it."""

from collections.abc import Sequence

from gensynth.graph.graph import Layer

_TAPS = {"tri3": 3, "bin5": 5}
_NUMBER_BY_NUMBER = {"sigmoid": "sigmoid", "hard_sigmoid": "hardsigmoid"}


class Rows:
    """The layers of a graph so far.

    Most methods append layers and return the number of the last one; `row` is the number of the
    layer whose output they read.
    """

    def __init__(self, input_shape: tuple[int, int, int]) -> None:
        """Start with the image, of (C, H, W)."""
        self.layers = [Layer("input", "input", (), input_shape)]

    def append(self, layer: Layer) -> int:
        """Append a layer."""
        self.layers.append(layer)
        return len(self.layers) - 1

    def shape(self, row: int) -> tuple[int, ...]:
        """Return the shape of the output of a layer, without the batch."""
        return self.layers[row].shape

    def conv(self, row: int, outputs: int, kernel: int, groups: int, stride: int, name: str) -> int:
        """Append a convolution without bias, padded to ceil(H / stride)."""
        inputs, height, width = self.layers[row].shape
        shape = (outputs, -(-height // stride), -(-width // stride))
        weights = inputs // groups * outputs * kernel * kernel
        macs = weights * shape[1] * shape[2]
        extent, step = (kernel, kernel), (stride, stride)
        return self.append(
            Layer("conv", "conv2d", (row,), shape, name, extent, step, groups, weights, macs)
        )

    def norm(self, row: int, name: str) -> int:
        """Append a batch normalisation."""
        shape = self.layers[row].shape
        one = (1, 1)
        return self.append(
            Layer("norm", "batch_norm", (row,), shape, name, one, one, 1, 2 * shape[0])
        )

    def activation(self, row: int, op: str, name: str, detail: str = "") -> int:
        """Append a function of each number, called `op` in torch."""
        shape = self.layers[row].shape
        return self.append(Layer("activation", op, (row,), shape, name, detail=detail))

    def combine(self, op: str, rows: tuple[int, int], name: str) -> int:
        """Append an operation on two maps of equal shape, number by number."""
        return self.append(Layer("combine", op, rows, self.layers[rows[0]].shape, name))

    def pool(self, op: str, row: int, kernel: int, stride: int, name: str) -> int:
        """Append a pooling by `max` or `avg`, padded to ceil(H / stride)."""
        channels, height, width = self.layers[row].shape
        shape = (channels, -(-height // stride), -(-width // stride))
        nyquist = round(kernel % 2 / kernel, 6) if op == "avg" else None
        extent, step = (kernel, kernel), (stride, stride)
        return self.append(Layer("pool", op, (row,), shape, name, extent, step, nyquist=nyquist))

    def blur(self, row: int, taps: int, name: str) -> int:
        """Append the layers of `antialias.Blur`."""
        channels, height, width = self.layers[row].shape
        edge = taps // 2
        padded = (channels, height + 2 * edge, width + 2 * edge)
        detail = f"padding=[{edge}, {edge}, {edge}, {edge}]"
        row = self.append(Layer("move", "replication_pad2d", (row,), padded, name, detail=detail))
        shape = (channels, (height + 1) // 2, (width + 1) // 2)
        extent, macs = (taps, taps), taps * taps * channels * shape[1] * shape[2]
        return self.append(
            Layer(
                "pool", "blur", (row,), shape, name, extent, (2, 2), channels, 0, macs, 0.0
            )._replace(detail="padding=0x0")
        )

    def reduce(self, row: int, down: str | None, name: str) -> int:
        """Append the layers of `antialias.REDUCERS[down]`, or none for any other `down`."""
        if down in _TAPS:
            return self.blur(row, _TAPS[down], name)
        op = {"rect2": "avg", "max": "max"}.get(down or "")
        return self.pool(op, row, 2, 2, name) if op else row

    def condense(self, row: int, pool: str, ratio: int, name: str) -> int:
        """Append the layers of `condensers.condenser`."""
        for i in range(ratio.bit_length() - 1):
            part = f"{name}.{i}"
            if pool == "max_blur":
                row = self.blur(self.pool("max", row, 3, 1, f"{part}.peak"), 3, f"{part}.blur")
            else:
                row = self.reduce(row, {"average": "rect2", "blur": "tri3"}[pool], part)
        return row

    def gate(self, row: int, gate: str, name: str) -> int:
        """Append the layers of `condensers.GATES[gate]`."""
        if gate in _NUMBER_BY_NUMBER:
            return self.activation(row, _NUMBER_BY_NUMBER[gate], name)
        shape = self.layers[row].shape
        row = self.append(Layer("softmax", "softmax", (row,), shape, name))
        if gate == "softmax":
            return row
        return self.activation(row, "mul", name, f"other={shape[0]}")

    def resize(self, row: int, size: tuple[int, int], name: str) -> int:
        """Append an enlargement to `size` (H, W) by nearest neighbours, if the size differs."""
        channels, *now = self.layers[row].shape
        if tuple(now) == size:
            return row
        return self.append(Layer("resize", "upsample_nearest2d", (row,), (channels, *size), name))

    def attend(
        self, row: int, kind: str, ratio: int, pool: str, gate: str, activation: str, name: str
    ) -> int:
        """Append the layers of `condensers.ATTENTIONS[kind]`."""
        channels, *size = self.layers[row].shape
        inner = max(2, channels // 4)
        if kind == "se":
            mean = self.append(Layer("reduce", "mean", (row,), (channels, 1, 1), name))
            squeezed = self._biased(mean, inner, f"{name}.squeeze")
            squeezed = self.activation(squeezed, activation, f"{name}.act")
            excited = self._biased(squeezed, channels, f"{name}.excite")
            return self.combine("mul", (row, self.gate(excited, gate, name)), name)
        inside, groups = (channels, channels) if kind == "ac" else (inner, 1)
        part = f"{name}.embed"
        found = self.condense(row, pool, ratio, f"{name}.condense")
        found = self.conv(found, inside, 3, groups, 1, f"{part}.spatial.conv")
        found = self.norm(found, f"{part}.spatial.norm")
        found = self.activation(found, activation, f"{part}.spatial.act")
        found = self.conv(found, channels, 1, 1, 1, f"{part}.relate.conv")
        found = self.gate(self.norm(found, f"{part}.relate.norm"), gate, name)
        attended = self.combine("mul", (row, self.resize(found, (size[0], size[1]), name)), name)
        scaled = self.activation(attended, "mul", name)
        self.layers[scaled] = self.layers[scaled]._replace(parameters=channels)
        return scaled

    def _biased(self, row: int, outputs: int, name: str) -> int:
        made = self.conv(row, outputs, 1, 1, 1, name)
        parameters = self.layers[made].parameters + outputs
        self.layers[made] = self.layers[made]._replace(parameters=parameters)
        return made

    def shuffle(self, row: int, columns: int, name: str) -> int:
        """Append the layer of `columns.Shuffle`."""
        shape = self.layers[row].shape
        width = shape[0] // columns
        order = [i * width + j for j in range(width) for i in range(columns)]
        route = tuple((0, channel, channel + 1) for channel in order)
        detail = f"groups={columns}"
        return self.append(
            Layer("move", "channel_shuffle", (row,), shape, name, route=route, detail=detail)
        )

    def split(self, row: int, sizes: Sequence[int], name: str) -> list[int]:
        """Append slices of `sizes` channels each, and return their numbers."""
        _, height, width = self.layers[row].shape
        first, rows = 0, []
        for i, channels in enumerate(sizes):
            run = ((0, first, first + channels),)
            piece = Layer("move", "split", (row,), (channels, height, width), name, alias=True)
            rows.append(self.append(piece._replace(route=run, detail=f"part={i}")))
            first += channels
        return rows

    def join(self, rows: Sequence[int], name: str) -> int:
        """Append a concatenation of maps along the channels."""
        sizes = [self.layers[row].shape[0] for row in rows]
        shape = (sum(sizes), *self.layers[rows[0]].shape[1:])
        route = tuple((i, 0, channels) for i, channels in enumerate(sizes))
        return self.append(
            Layer("move", "cat", tuple(rows), shape, name, route=route, detail="dim=1")
        )

    def head(self, row: int, classes: int) -> int:
        """Append the mean over all positions and the linear layer `head`, with bias."""
        channels = self.layers[row].shape[0]
        row = self.append(Layer("reduce", "mean", (row,), (channels,)))
        macs = channels * classes
        weights = macs + classes
        linear = Layer("linear", "linear", (row,), (classes,), "head", parameters=weights)
        return self.append(linear._replace(macs=macs))
