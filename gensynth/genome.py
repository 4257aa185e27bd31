"""A genome: the frozen dataclass that describes one architecture, and its canonical JSON.

A genome file is `{"schema": 1, "space": NAME, "version": N, "genome": {...}}`. The ID of a genome
covers only the last entry, so that a newer file format does not rename existing networks.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from gensynth.errors import InputError
from gensynth.serialization import Plain, dumps, from_plain, loads

GENOME_SCHEMA = 1
"""Version of the file format that this code reads and writes."""
ID_LENGTH = 12
GENOME = "genome.json"
"""Name of the genome file in an exported folder."""

Decision = str | int | float | bool | None
Decisions = Mapping[str, Decision]
G = TypeVar("G")


@dataclass(frozen=True)
class GenomeFile:
    """The content of a genome file: schema, search space, and the genome as plain data."""

    schema: int
    space: str
    version: int
    """Version of the search space."""
    genome: Mapping[str, Any]


def genome_id(genome: object) -> str:
    """Return the ID of a genome: the `digest` of its canonical JSON."""
    return digest(dumps(genome))


def digest(text: str) -> str:
    """Return the first 12 hexadecimal digits of the SHA-256 of `text`.

    >>> digest("[]")
    '4f53cda18c2b'
    """
    return hashlib.sha256(text.encode()).hexdigest()[:ID_LENGTH]


def to_json(genome: object, space: str, version: int) -> str:
    """Return the canonical genome file of `genome`, which belongs to this `version` of `space`."""
    return dumps({"schema": GENOME_SCHEMA, "space": space, "version": version, "genome": genome})


def read_genome_file(text: str | bytes, place: str) -> GenomeFile:
    """Parse a genome file without interpreting the genome itself.

    Raises:
        InputError: the text is not a genome file, or has another schema.
    """
    data: Plain = loads(text, place)
    schema = data.get("schema") if isinstance(data, dict) else None
    if isinstance(schema, int) and schema != GENOME_SCHEMA:
        problem = (
            f"expected schema {GENOME_SCHEMA}, got {schema}; the file was written by another "
            "version of gensynth"
        )
        raise InputError(place, problem)
    return from_plain(GenomeFile, data, place)


def from_json(kind: type[G], text: str | bytes, version: int, place: str = "genome") -> G:
    """Parse a genome file and return its genome as a `kind`.

    Raises:
        InputError: the text is not a genome file of this `version` of the space.
    """
    file = read_genome_file(text, place)
    if file.version != version:
        problem = f"expected version {version} of space {file.space}, got {file.version}"
        raise InputError(place, problem)
    return from_plain(kind, file.genome, f"{place}: genome")
