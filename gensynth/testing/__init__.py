"""Conformance checks for plugin authors: the laws that searches and exports rely on.

    from gensynth.testing import check_constraint, check_space, require

    require(check_space(MySpace()))
    require(check_constraint(MyConstraint(limit=10)))

`gensynth check-plugin NAME` runs the same checks from the command line.
"""

from gensynth.testing.check import Check, require
from gensynth.testing.constraints import check_constraint, check_score
from gensynth.testing.devices import check_device
from gensynth.testing.early_stopping import check_early_stopping
from gensynth.testing.formats import check_format
from gensynth.testing.generators import check_generator
from gensynth.testing.spaces import check_space

__all__ = [
    "Check",
    "check_constraint",
    "check_device",
    "check_early_stopping",
    "check_format",
    "check_generator",
    "check_score",
    "check_space",
    "require",
]
