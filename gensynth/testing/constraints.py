"""The laws of constraints and scores."""

import copy
import math
from dataclasses import replace
from typing import Any

from gensynth.evaluation.constraint import (
    STAGES,
    Candidate,
    Constraint,
    NeedsInt8Loss,
    NeedsReference,
    Rule,
    Verdict,
    judge,
)
from gensynth.evaluation.latency import AsksLatency, Question
from gensynth.evaluation.score import Score, score_of
from gensynth.serialization import dumps
from gensynth.testing.check import Check, Laws, check_table, expect
from gensynth.testing.networks import candidates, measurement


def check_constraint(constraint: Constraint) -> list[Check]:
    """Check a constraint, with its fields set, on networks of several kinds, trained and not."""
    laws = Laws()
    _check_class(laws, constraint)
    everyone = list(candidates())
    with laws.law("it answers every network with a Verdict, and never raises"):
        for candidate in everyone:
            verdict = constraint(candidate)
            expect(isinstance(verdict, Verdict), f"returned {type(verdict).__name__}")
            dumps([judge(Rule("checked", constraint), candidate)])  # As the record does.
    if not laws.hold:
        return laws.checks
    with laws.law("ok exactly if the violation is at most 0; both None if it cannot judge"):
        for candidate in everyone:
            _check_verdict(constraint(candidate))
    with laws.law("it gives its reason in one line, and offenders by name"):
        for candidate in everyone:
            _check_words(constraint(candidate))
    with laws.law("it judges the same network the same, and changes nothing"):
        for candidate in everyone:
            _check_repeats(constraint, candidate)
    with laws.law("it does not judge by a training before there is one, unless it needs none"):
        for candidate in everyone:
            _check_stage(constraint, candidate)
    return laws.checks


def check_score(score: Score) -> list[Check]:
    """Check a score: finite, or a `ValueError` if there is none; never falling with top-1."""
    laws = Laws()
    _check_class(laws, score)
    everyone = [c for c in candidates() if c.measurement is not None]
    with laws.law("it returns a finite number, or raises ValueError if there is no score"):
        for candidate in everyone:
            found = _scored(score, candidate)
            expect(found is None or math.isfinite(found), f"returned {found}")
            dumps(score_of(score, candidate))
    with laws.law("the same network has the same score"):
        for candidate in everyone:
            expect(_scored(score, candidate) == _scored(score, candidate), "the scores differ")
    with laws.law("some trained network has a score"):
        expect(any(_scored(score, c) is not None for c in everyone), "raised for all of them")
    with laws.law("it never falls if only the top-1 rises"):
        for candidate in everyone:
            rising = (replace(candidate, measurement=measurement(top1)) for top1 in (20, 60, 99))
            scores = [s for c in rising if (s := _scored(score, c)) is not None]
            expect(scores == sorted(scores), f"returned {scores} for 20, 60 and 99 %")
    return laws.checks


def _check_class(laws: Laws, plugin: Any) -> None:
    check_table(laws, plugin)
    with laws.law(f"`needs` is one of {', '.join(STAGES)}"):
        needs = getattr(plugin, "needs", None)
        expect(needs in STAGES, f"is {needs!r}")
        _check_needs(plugin)


def _check_needs(plugin: Any) -> None:
    """What it needs beyond a stage has the type that its protocol says."""
    if isinstance(plugin, AsksLatency):
        question = plugin.latency_question()
        expect(isinstance(question, Question), f"latency_question() returned {question!r}")
    if isinstance(plugin, NeedsReference):
        name = plugin.reference_network()
        expect(name is None or isinstance(name, str), f"reference_network() returned {name!r}")
    if isinstance(plugin, NeedsInt8Loss):
        needed = plugin.needs_int8_loss()
        expect(isinstance(needed, bool), f"needs_int8_loss() returned {needed!r}")


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
    before, weights = copy.deepcopy(candidate.graph), _weights(candidate)
    first = constraint(candidate)
    expect(constraint(candidate) == first, "the verdicts differ")
    expect(candidate.graph == before, "it changed the graph")
    after = _weights(candidate)
    same = all(bool((after[name] == weights[name]).all()) for name in weights)
    expect(same, "it changed the network's weights")


def _weights(candidate: Candidate) -> dict[str, Any]:
    return copy.deepcopy(candidate.module().state_dict()) if candidate.module else {}


def _check_stage(constraint: Constraint, candidate: Candidate) -> None:
    """A constraint of the graph or the profile judges now; one that needs more cannot yet."""
    if candidate.measurement is not None:
        return
    verdict = constraint(candidate)
    if constraint.needs in ("graph", "profile"):
        expect(verdict.ok is not None, f"did not judge ({verdict.reason}): is `needs` right?")
    else:
        expect(verdict.ok is None, f"judged {verdict.ok} without what it needs: {verdict.reason}")


def _scored(score: Score, candidate: Candidate) -> float | None:
    try:
        return score(candidate)
    except ValueError:
        return None
