"""What a campaign answers an executor that asks for a job, if there is none."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Wait:
    """There is no job until another one has ended."""


@dataclass(frozen=True)
class Done:
    """The campaign has ended, for this reason."""

    reason: str
