"""The consoles of all commands: what they print holds no control sequences from outside."""

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook, RenderResult
from rich.measure import Measurement
from rich.segment import Segment

from gensynth.errors import shown


def console(stderr: bool = False, **options: Any) -> Console:
    """Return a console for standard output or standard error."""
    made = Console(stderr=stderr, emoji=False, **options)  # A name may hold ":a:".
    made.push_render_hook(_Shown())
    return made


class _Shown(RenderHook):
    """Wraps everything that is printed."""

    def process_renderables(
        self, renderables: list[ConsoleRenderable]
    ) -> "list[ConsoleRenderable]":
        """Wrap each of them."""
        return [_Printable(each) for each in renderables]


class _Printable:
    """Renders as what it holds, except for characters that a terminal would obey."""

    def __init__(self, held: ConsoleRenderable) -> None:
        self._held = held

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        segments: Iterable[Segment] = console.render(self._held, options)
        for text, style, control in segments:
            yield Segment(text if control else shown(text), style, control)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement.get(console, options, self._held)
