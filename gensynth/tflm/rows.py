"""The rows of a graph while they are converted, and the tensors that hold their outputs."""

from collections import Counter
from math import prod

from gensynth.graph.graph import Layer
from gensynth.tflm.writer import Writer


class Rows:
    """The rows, and what has been written for them."""

    def __init__(self, layers: tuple[Layer, ...], writer: Writer) -> None:
        """Start with nothing but the image."""
        self.layers = layers
        self.writer = writer
        self.tensor = {0: 0}
        """The tensor that holds the output of a row."""
        self.readers = Counter(j for layer in layers for j in layer.inputs)

    def reads(self, row: int) -> tuple[int, ...]:
        """Return the tensors that a row reads."""
        return tuple(self.tensor[j] for j in self.layers[row].inputs)

    def read(self, row: int) -> int:
        """Return the first tensor that a row reads."""
        return self.tensor[self.layers[row].inputs[0]]

    def alone(self, row: int) -> bool:
        """Whether no other row reads what this one reads."""
        return self.readers[self.layers[row].inputs[0]] == 1

    def label(self, row: int) -> str:
        """Return a row as `op (module)`."""
        layer = self.layers[row]
        return f"{layer.op} ({layer.name or 'the network'})"

    def folds(self, row: int) -> bool:
        """Whether a normalisation can be part of the convolutions before it."""
        rows = [self.layers[row].inputs[0]]
        if self.layers[rows[0]].op == "cat":
            rows += self.layers[rows[0]].inputs
        sources = rows[1:] or rows
        alone = all(self.readers[i] == 1 for i in rows)
        return alone and all(self.layers[i].kind == "conv" for i in sources)

    def anything(self, row: int) -> int:
        """Write an operator that nothing is known of, so that the rest can be written."""
        layer = self.layers[row]
        return self.writer.write("CUSTOM", self.reads(row), prod(layer.shape), (), row)
