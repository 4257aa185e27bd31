"""Convert frozen dataclasses to and from plain data, which is what JSON and TOML can hold.

Reading is strict: an unknown or missing field, a wrong type, or a value outside a `Literal` raises
`InputError` with the place and the nearest valid word. Nothing is ever unpickled.
"""

import dataclasses
import json
import math
import os
import stat
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    Protocol,
    TypeAlias,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    runtime_checkable,
)

from gensynth.errors import InputError, nearest
from gensynth.quantity import Quantity

Plain: TypeAlias = "bool | int | float | str | list[Plain] | dict[str, Plain] | None"
T = TypeVar("T")

MOST_BYTES = 2**28
"""Size of the largest file that is read as text."""
_PLAIN = frozenset({bool, int, float, str, dict, list, tuple, NoneType})
_SCALARS = {bool: "true or false", int: "an integer", float: "a number", str: "a string"}


@runtime_checkable
class _Scalar(Protocol):
    """A number of numpy or torch, which computes like one of Python but is not plain data."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def item(self) -> Any: ...


def scalar(value: Any) -> Any:
    """Return a scalar of numpy or torch as the one of Python; anything else as it is.

    >>> import numpy
    >>> scalar(numpy.float32(0.5)), scalar("word")
    (0.5, 'word')
    """
    if type(value) in _PLAIN:  # Asking a protocol takes twenty times as long.
        return value
    return value.item() if isinstance(value, _Scalar) and tuple(value.shape) == () else value


def to_plain(value: Any) -> Plain:
    """Convert dataclasses, mappings, lists, tuples and scalars, also numpy's, into plain data.

    Raises:
        ValueError: `value` holds anything else, or a number that is not finite.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    value = scalar(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} is not plain data: JSON holds only finite numbers")
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise ValueError(f"{type(value).__name__} is not plain data")


def dumps(value: Any) -> str:
    """Return the canonical JSON of `value`: sorted keys, no white space, finite numbers only.

    >>> dumps({"b": (1, 2), "a": None})
    '{"a":null,"b":[1,2]}'
    """
    return json.dumps(to_plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def loads(text: str | bytes, place: str) -> Plain:
    """Parse JSON.

    Raises:
        InputError: `text` is not JSON, or is nested too deeply to be parsed.
    """
    try:
        data: Plain = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InputError(place, f"not valid JSON ({error})") from None
    return data


def from_plain(kind: type[T], data: Any, place: str) -> T:
    """Convert plain `data` to a `kind`.

    Args:
        kind: a dataclass, a scalar type, or a generic of these, such as `tuple[int, ...]`.
        data: what `loads` or a TOML parser returned.
        place: where the data comes from (`file: key`); every error begins with it.

    Raises:
        InputError: `data` is not a `kind`.
    """
    value: T = _read(kind, data, place)
    return value


@cache
def fields_of(kind: type) -> dict[str, Any]:
    """Return the type of each field that a caller may set on the dataclass `kind`, by name."""
    hints = get_type_hints(kind, include_extras=True)
    return {f.name: hints[f.name] for f in dataclasses.fields(kind) if f.init}


def _refuse_constant(word: str) -> None:
    raise ValueError(f"{word} is not a finite number")


def _read(kind: Any, data: Any, place: str) -> Any:
    if kind is Any or kind is object:
        return data
    if kind in _SCALARS:
        return _read_scalar(kind, data, place)
    if kind is None or kind is NoneType:
        return _expect(data is None, data, "nothing", place)
    if dataclasses.is_dataclass(kind):
        return _read_dataclass(kind, data, place)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _read_annotated(arguments[0], arguments[1:], data, place)
    if origin is Literal:
        return _read_literal(arguments, data, place)
    if origin in (Union, UnionType):
        return _read_union(arguments, data, place)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _read_mapping(arguments, data, place)
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return _read_sequence(origin, arguments, data, place)
    raise TypeError(f"{place}: fields of type {kind!r} cannot be read from plain data")


def _expect(holds: bool, data: Any, wanted: str, place: str) -> Any:
    if not holds:
        raise InputError(place, f"expected {wanted}, got {_show(data)}")
    return data


def _show(data: Any) -> str:
    text = json.dumps(data, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def _read_scalar(kind: type, data: Any, place: str) -> Any:
    if kind is float and isinstance(data, int) and not isinstance(data, bool):
        _expect(abs(data) <= sys.float_info.max, data, "a number", place)
        data = float(data)
    holds = isinstance(data, kind) and (kind is bool or not isinstance(data, bool))
    finite = not isinstance(data, float) or math.isfinite(data)
    return _expect(holds and finite, data, _SCALARS[kind], place)


def _read_annotated(kind: Any, notes: tuple[Any, ...], data: Any, place: str) -> Any:
    """Read a number with its unit where the field is a `Quantity`; other notes mean nothing."""
    for note in notes:
        if isinstance(note, Quantity) and isinstance(data, str):
            return _read(kind, note.read(data, place), place)
    return _read(kind, data, place)


def _read_literal(words: tuple[Any, ...], data: Any, place: str) -> Any:
    for word in words:
        if word == data and type(word) is type(data):
            return word
    hint = nearest(data, [str(w) for w in words]) if isinstance(data, str) else ""
    listed = ", ".join(json.dumps(word) for word in words)
    raise InputError(place, f"expected one of {listed}, got {_show(data)}{hint}")


def _read_union(kinds: tuple[Any, ...], data: Any, place: str) -> Any:
    errors = []
    for kind in kinds:
        try:
            return _read(kind, data, place)
        except InputError as error:
            errors.append(error)
    # The error of the member that comes closest to the data helps most.
    raise max(errors, key=lambda error: (error.place != place, "expected" not in error.problem))


def _read_dataclass(kind: Any, data: Any, place: str) -> Any:
    _expect(isinstance(data, Mapping), data, "a table", place)
    hints = fields_of(kind)
    if former := vars(kind).get("former_fields"):  # Names that files of earlier versions use.
        data = {former.get(key, key): item for key, item in data.items()}
    for key in data:
        if key not in hints:
            raise InputError(_inside(place, key), f"unknown field{nearest(str(key), hints)}")
    for field in dataclasses.fields(kind):
        if field.init and _is_required(field) and field.name not in data:
            raise InputError(_inside(place, field.name), "missing")
    values = {key: _read(hints[key], item, _inside(place, key)) for key, item in data.items()}
    try:
        return kind(**values)
    except InputError as error:
        raise InputError(_inside(place, error.place), error.problem) from None
    except (ValueError, TypeError) as error:
        raise InputError(place, str(error)) from None


def _inside(place: str, key: str) -> str:
    """Return the place of the field `key` at `place`; the place of a file ends in `: `."""
    return place + key if not place or place.endswith(" ") else f"{place}.{key}" if key else place


def _is_required(field: Any) -> bool:
    missing = dataclasses.MISSING
    return field.default is missing and field.default_factory is missing


def _read_mapping(arguments: tuple[Any, ...], data: Any, place: str) -> Any:
    _expect(isinstance(data, Mapping), data, "a table", place)
    kind = arguments[1] if arguments else Any
    return {str(key): _read(kind, item, _inside(place, key)) for key, item in data.items()}


def _read_sequence(origin: type, arguments: tuple[Any, ...], data: Any, place: str) -> Any:
    _expect(isinstance(data, (list, tuple)), data, "a list", place)
    if origin is tuple and arguments and arguments[-1] is not Ellipsis:
        _expect(len(data) == len(arguments), data, f"a list of {len(arguments)}", place)
        kinds = list(arguments)
    else:
        kinds = [arguments[0] if arguments else Any] * len(data)
    items = [_read(k, d, f"{place}[{i}]") for i, (k, d) in enumerate(zip(kinds, data, strict=True))]
    return tuple(items) if origin is not list else items


PART = ".part"
"""Suffix of a file that is being written; one that a killed process left may be deleted."""


def read_file(path: Path) -> bytes:
    """Read a file of a folder that may come from somebody else.

    Raises:
        OSError: it is missing, or cannot be read.
        InputError: it is a device or a pipe, which would never end, or larger than any of ours.
    """
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise InputError(str(path), "is not a file")
    if path.stat().st_size > MOST_BYTES:
        raise InputError(str(path), f"has more than {MOST_BYTES:,} bytes")
    return path.read_bytes()


def write_whole(path: Path, text: str) -> None:
    """Write `text` (UTF-8) to a draft next to `path`, then rename it: never half a file.

    This holds after a power failure too: once the call returns, the new text stays.
    """
    draft = path.with_name(f"{path.name}.{os.getpid()}{PART}")
    draft.write_text(text, encoding="utf-8")
    put_in_place(draft, path)


def put_in_place(draft: Path, path: Path) -> None:
    """Rename a complete draft to `path`; neither its content nor its name is lost with the power.

    A rename may reach the disk before the content does, so the content goes first.
    """
    _sync(draft, os.O_RDWR)  # Windows syncs only what may be written to.
    os.replace(draft, path)
    if os.name != "nt":  # Windows cannot open a folder.
        _sync(path.parent, os.O_RDONLY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
