"""The command line: `gensynth COMMAND`, one file per command."""

import sys

from gensynth.errors import InputError

DONE, NOT, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
"""Exit codes: done; not (nothing feasible, a verdict not ok); bad input; interrupted."""


def main(arguments: list[str] | None = None) -> None:
    """Run a command; a user's mistake is one line on standard error, never a traceback."""
    import click

    from gensynth.cli.app import app

    try:
        code = app(arguments, standalone_mode=False, prog_name="gensynth")
    except InputError as error:
        sys.exit(_say(str(error), BAD_INPUT))
    except click.exceptions.Abort:
        sys.exit(_say("interrupted", INTERRUPTED))
    except KeyboardInterrupt:
        sys.exit(_say("interrupted", INTERRUPTED))
    except click.ClickException as error:
        sys.exit(_say(error.format_message(), BAD_INPUT))
    sys.exit(code if isinstance(code, int) else DONE)


def _say(message: str, code: int) -> int:
    print(f"gensynth: {message}", file=sys.stderr)
    return code
