"""The command line: `gensynth COMMAND`, one file per command."""

import codecs
import io
import sys

from gensynth.api.disk import writable
from gensynth.cli.exits import BAD_INPUT as BAD_INPUT
from gensynth.cli.exits import DONE as DONE
from gensynth.cli.exits import INTERRUPTED as INTERRUPTED
from gensynth.cli.exits import NOT as NOT
from gensynth.errors import InputError
from gensynth.process import exit_code, say, signals_interrupt


def main(arguments: list[str] | None = None) -> None:
    """Run a command; a user's mistake is one line on standard error, never a traceback."""
    import typer

    from gensynth.cli.app import app

    _write_in_any_locale()
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        with signals_interrupt(), writable("a file"):
            code = app(arguments or ["--help"], standalone_mode=False, prog_name="gensynth")
    except InputError as error:
        sys.exit(_say(str(error), BAD_INPUT))
    except (KeyboardInterrupt, typer.Abort) as interrupt:
        sys.exit(_say("interrupted", exit_code(interrupt)))
    except Exception as error:
        if _lacks_memory(error):
            sys.exit(_say(_TOO_LARGE, BAD_INPUT))
        if not hasattr(error, "format_message"):
            raise
        sys.exit(_say(_usage(error), BAD_INPUT))
    sys.exit(code if isinstance(code, int) else DONE)


_PLAIN = str.maketrans("─━╸╺…\N{MULTIPLICATION SIGN}↓▁▂▃▄▅▆▇█", "----.xv12345678")
"""What stands for the characters of tables and curves where a locale lacks them."""


def _write_in_any_locale() -> None:
    """Let output replace what the encoding of a terminal or a pipe lacks, instead of failing."""
    codecs.register_error(
        "gensynth",
        lambda e: (_plain(e.object[e.start : e.end]), e.end),  # type: ignore[attr-defined]
    )
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and "utf" not in stream.encoding.lower():
            stream.reconfigure(errors="gensynth")


def _plain(text: str) -> str:
    return text.translate(_PLAIN).encode("ascii", "replace").decode()


_TOO_LARGE = "memory: this machine has too little; use a smaller --image-size, --batch or network"


def _lacks_memory(error: Exception) -> bool:
    """Recognise what Python and torch raise without memory; torch has no type for it."""
    said = str(error)
    words = ("can't allocate memory", "size calculation overflowed", "Overflow when unpacking")
    of_torch = isinstance(error, (RuntimeError, TypeError, ValueError))
    return isinstance(error, MemoryError) or (of_torch and any(word in said for word in words))


def _usage(error: Exception) -> str:
    """Return the option and its mistake; typer passes on errors of several libraries."""
    option = getattr(getattr(error, "param", None), "opts", None) or ()
    message = str(error.format_message())  # type: ignore[attr-defined]
    return f"{option[0]}: {message}" if option and option[0] not in message else message


def _say(message: str, code: int) -> int:
    say(f"gensynth: {' '.join(message.split())}")
    return code
