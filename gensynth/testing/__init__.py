"""Conformance checks for plugin authors: does a plugin keep the laws that searches rely on?

    from gensynth.testing import check_constraint, check_space, require

    require(check_space(MySpace()))
    require(check_constraint(MyConstraint(limit=10)))

`gensynth check-plugin NAME` runs the same checks from the command line.
"""

from gensynth.testing.check import Check, require
from gensynth.testing.constraints import check_constraint, check_score
from gensynth.testing.generators import check_generator
from gensynth.testing.spaces import check_space

__all__ = ["Check", "check_constraint", "check_generator", "check_score", "check_space", "require"]
