"""A network that classifies pictures: how it prepares them, runs, and names its classes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gensynth.data.decoding_memory import opened, room_for
from gensynth.data.picture import described, in_parallel, open_picture, usable
from gensynth.errors import nearest_path
from gensynth.formats import Run

BATCH = 64
"""Pictures that run at once."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Classifier:
    """A network with the preprocessing and the classes that it was trained with."""

    name: str
    prepare: Callable[[Any], Any]
    """Maps a picture, a path or an open file, to the input: float32 (C, H, W)."""
    run: Run
    """Maps inputs (N, C, H, W) to logits (N, classes)."""
    classes: tuple[str, ...]
    """Names of the classes, in the order of the outputs."""

    def probabilities(self, pictures: Sequence[Any]) -> Iterator[Floats | str]:
        """Yield for each picture the probability of each class, or why it cannot be read.

        Args:
            pictures: paths, or functions that return a path or an open file.
        """
        waiting: list[Any] = []
        for prepared in in_parallel(self._prepared, pictures):
            waiting.append(prepared)
            if len(waiting) == BATCH:
                yield from self._classified(waiting)
                waiting = []
        yield from self._classified(waiting)

    def _prepared(self, picture: Any) -> Any:
        read = partial(_opened, picture)
        try:
            with room_for(read) as problem:
                if problem:
                    return problem
                with read() as file:
                    data = file.read()
                with opened(BytesIO(data)) as image:
                    _, problem = usable(image, data)
                return problem or self.prepare(BytesIO(data))
        except FileNotFoundError:
            return f"no such file{_near(picture)}"
        # A decoder may raise anything on damaged bytes.
        except Exception as error:
            return described(error, _head(read))

    def _classified(self, prepared: Sequence[Any]) -> Iterator[Floats | str]:
        import torch

        readable = [one for one in prepared if not isinstance(one, str)]
        shares: Iterator[Floats] = iter(())
        if readable:
            logits = self.run(torch.from_numpy(np.stack(readable)))
            shares = iter(logits.double().softmax(1).numpy())
        for one in prepared:
            found = one if isinstance(one, str) else next(shares)
            finite = isinstance(found, str) or bool(np.isfinite(found).all())
            yield found if finite else "the output of the network is not finite"


def _near(picture: Any) -> str:
    return nearest_path(picture) if isinstance(picture, (str, Path)) else ""


def _opened(picture: Any) -> Any:
    """Return a picture's file, open for reading."""
    place = picture() if callable(picture) else picture
    return place if hasattr(place, "read") else open_picture(place)


def _head(read: Callable[[], Any]) -> bytes:
    """Return the first bytes of a file, which tell its format; none if it cannot be read."""
    try:
        with read() as file:
            found: bytes = file.read(12)
            return found
    except (OSError, ValueError):
        return b""
