"""Files of a campaign's folder that keep what can be computed or measured again."""

from pathlib import Path
from typing import TypeVar

from gensynth.errors import InputError
from gensynth.process import say
from gensynth.serialization import from_plain, loads, read_file

T = TypeVar("T")


def kept(kind: type[T], file: Path) -> T | None:
    """Return the `kind` that an earlier run kept in a JSON file; None if it is not there.

    A file that is damaged counts as none, and a line on standard error says so.
    """
    try:
        return from_plain(kind, loads(read_file(file), str(file)), str(file))
    except FileNotFoundError:
        return None
    except (InputError, OSError) as error:
        problem = error.problem if isinstance(error, InputError) else error.strerror
        say(f"{file}: is not used, because it is damaged ({problem}); it will be made anew")
        return None
