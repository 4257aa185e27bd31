"""A genome: the frozen dataclass that describes one architecture, and its canonical JSON.

The file form is `{"schema": 1, "space": NAME, "version": N, "genome": {...}}`; the identity of a
genome covers the last of these only, so that a newer file format does not rename old networks.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from gensynth.errors import InputError
from gensynth.serialization import Plain, dumps, from_plain, loads

SCHEMA = 1
ID_LENGTH = 12
GENOME = "genome.json"
"""Its file in an exported folder."""

Decision = str | int | float | bool | None
Decisions = Mapping[str, Decision]
G = TypeVar("G")


@dataclass(frozen=True)
class GenomeFile:
    """What stands in a genome file: the format, the space it belongs to, the genome as data."""

    schema: int
    space: str
    version: int
    genome: Mapping[str, Any]


def genome_id(genome: object) -> str:
    """Name a genome by the first 12 hexadecimal digits of the SHA-256 of its canonical JSON."""
    return digest(dumps(genome))


def digest(text: str) -> str:
    """Shorten any canonical text to the 12 hexadecimal digits that name it."""
    return hashlib.sha256(text.encode()).hexdigest()[:ID_LENGTH]


def to_json(genome: object, space: str, version: int) -> str:
    """Write the canonical genome file of `genome`, of the `space` with this `version`."""
    return dumps({"schema": SCHEMA, "space": space, "version": version, "genome": genome})


def read_genome_file(text: str | bytes, place: str) -> GenomeFile:
    """Read the outer part of a genome file; raise `InputError` where it is not one we know."""
    data: Plain = loads(text, place)
    if isinstance(data, dict) and isinstance(data.get("schema"), int) and data["schema"] != SCHEMA:
        raise InputError(
            place, f"schema {data['schema']} is not {SCHEMA}: written by another version"
        )
    return from_plain(GenomeFile, data, place)


def from_json(kind: type[G], text: str | bytes, version: int, place: str = "genome") -> G:
    """Read a genome of type `kind` back; raise `InputError` for another version of its space."""
    file = read_genome_file(text, place)
    if file.version != version:
        raise InputError(place, f"space {file.space} version {file.version} is not {version}")
    return from_plain(kind, file.genome, f"{place}: genome")
