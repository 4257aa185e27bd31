"""The laws of constraints and scores."""

import copy
import math
from dataclasses import is_dataclass, replace
from typing import Any

from gensynth.evaluation.constraint import STAGES, Candidate, Constraint, Verdict
from gensynth.evaluation.score import Score
from gensynth.serialization import dumps, from_plain, loads, to_plain
from gensynth.testing.check import Check, Laws, expect
from gensynth.testing.networks import candidates, measurement


def check_constraint(constraint: Constraint) -> list[Check]:
    """Hold a constraint to its laws, on networks of several kinds, trained and not.

    Give it as a search would make it, with its fields set.
    """
    laws = Laws()
    _check_class(laws, constraint)
    everyone = list(candidates())
    with laws.law("it answers every network with a Verdict, and never raises"):
        for candidate in everyone:
            verdict = constraint(candidate)
            expect(isinstance(verdict, Verdict), f"gave {type(verdict).__name__}")
    if not laws.hold:
        return laws.checks
    with laws.law("ok exactly where the violation is at most 0; both None where it cannot judge"):
        for candidate in everyone:
            _check_verdict(constraint(candidate))
    with laws.law("it gives its reason in words, and names its offenders"):
        for candidate in everyone:
            _check_words(constraint(candidate))
    with laws.law("it answers the same network the same, and changes nothing"):
        for candidate in everyone:
            _check_repeats(constraint, candidate)
    with laws.law("it does not judge by a training before there is one, unless it needs none"):
        for candidate in everyone:
            _check_stage(constraint, candidate)
    return laws.checks


def check_score(score: Score) -> list[Check]:
    """Hold a score to its laws: finite, or a `ValueError` where none exists; rising in top-1."""
    laws = Laws()
    _check_class(laws, score)
    everyone = [c for c in candidates() if c.measurement is not None]
    with laws.law("it gives a finite number, or raises ValueError where no score exists"):
        for candidate in everyone:
            found = _scored(score, candidate)
            expect(found is None or math.isfinite(found), f"gave {found}")
    with laws.law("it gives the same network the same score"):
        for candidate in everyone:
            expect(_scored(score, candidate) == _scored(score, candidate), "gave another")
    with laws.law("it exists for some trained network"):
        expect(any(_scored(score, c) is not None for c in everyone), "raised for all of them")
    with laws.law("it never falls where only the top-1 rises"):
        for candidate in everyone:
            rising = (replace(candidate, measurement=measurement(top1)) for top1 in (20, 60, 99))
            scores = [s for c in rising if (s := _scored(score, c)) is not None]
            expect(scores == sorted(scores), f"gave {scores} for 20, 60 and 99 %")
    return laws.checks


def _check_class(laws: Laws, plugin: Any) -> None:
    with laws.law("it is a frozen dataclass: its fields are its table in an experiment"):
        expect(is_dataclass(plugin), "is no dataclass")
        expect(plugin.__dataclass_params__.frozen, "can be changed")
        again = from_plain(type(plugin), loads(dumps(to_plain(plugin)), "fields"), "fields")
        expect(again == plugin, f"its fields do not survive being written: {again}")
    with laws.law(f"`needs` is one of {', '.join(STAGES)}"):
        needs = getattr(plugin, "needs", None)
        expect(needs in STAGES, f"is {needs!r}")


def _check_verdict(verdict: Verdict) -> None:
    ok, violation = verdict.ok, verdict.violation
    expect((ok is None) == (violation is None), f"ok is {ok} with a violation of {violation}")
    if violation is not None:
        expect(math.isfinite(violation), f"a violation of {violation}")
        expect(ok == (violation <= 0), f"ok is {ok} with a violation of {violation}")


def _check_words(verdict: Verdict) -> None:
    expect(isinstance(verdict.reason, str) and bool(verdict.reason.strip()), "no reason")
    expect("\n" not in verdict.reason, "a reason of several lines")
    named = verdict.offenders
    expect(isinstance(named, tuple) and all(isinstance(n, str) for n in named), f"{named!r}")


def _check_repeats(constraint: Constraint, candidate: Candidate) -> None:
    before = copy.deepcopy(candidate.graph)
    assert candidate.module is not None
    weights = copy.deepcopy(candidate.module().state_dict())
    first = constraint(candidate)
    expect(constraint(candidate) == first, "gave another verdict")
    expect(candidate.graph == before, "changed the graph")
    after = candidate.module().state_dict()
    same = all(bool((after[name] == weights[name]).all()) for name in weights)
    expect(same, "changed the network's weights")


def _check_stage(constraint: Constraint, candidate: Candidate) -> None:
    """What needs the graph or the profile answers now; what needs more says that it cannot."""
    if candidate.measurement is not None:
        return
    verdict = constraint(candidate)
    if constraint.needs in ("graph", "profile"):
        expect(verdict.ok is not None, f"did not judge ({verdict.reason}): what does it need?")
    else:
        expect(verdict.ok is None, f"judged {verdict.ok} without what it needs: {verdict.reason}")


def _scored(score: Score, candidate: Candidate) -> float | None:
    try:
        return score(candidate)
    except ValueError:
        return None
