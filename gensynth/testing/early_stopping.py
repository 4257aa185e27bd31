"""The laws of rules for early stopping."""

import copy
import random
from collections.abc import Iterator

from gensynth.campaign.early_stopping import Curve, EarlyStopping, Running
from gensynth.evaluation.measurement import Measurement
from gensynth.testing.check import Check, Laws, check_table, expect

EPOCHS, TRAININGS = 12, 24


def check_early_stopping(rule: EarlyStopping) -> list[Check]:
    """Check a rule for early stopping on made-up curves."""
    laws = Laws()
    check_table(laws, rule)
    with laws.law("stops(running) returns True or False for every epoch of every training"):
        for running in _course(True):
            answer = rule.stops(running)
            expect(isinstance(answer, bool), f"returned {answer!r}")
    if not laws.hold:
        return laws.checks
    with laws.law("it decides by the curves alone: a resumed campaign decides the same"):
        for running in _course(False):
            answers = {copy.deepcopy(rule).stops(running), rule.stops(running), rule.stops(running)}
            expect(len(answers) == 1, f"it decides otherwise at epoch {running.latest.epoch}")
    with laws.law("it changes nothing"):
        for running in _course(True):
            before = copy.deepcopy(running.curves)
            rule.stops(running)
            expect(running.curves == before, "it changed the curves")
    with laws.law("it bears a search whose first training has just begun"):
        first = _measurement(1, 10.0)
        curves = {0: Curve(at={1: first})}
        answer = rule.stops(Running(0, first, EPOCHS, curves, lambda end: False))
        expect(isinstance(answer, bool), f"returned {answer!r}")
    return laws.checks


def _course(admitted: bool) -> Iterator[Running]:
    """Yield each epoch of a search in which several trainings run at a time."""
    rng = random.Random(0)
    curves: dict[int, Curve] = {}
    running = list(range(3))
    begun = len(running)
    while running:
        number = rng.choice(running)
        curve = curves.setdefault(number, Curve())
        epoch = max(curve.at, default=0) + 1
        latest = _measurement(epoch, 90 - 80 / epoch + rng.uniform(-9, 9))
        curve.at[epoch] = latest
        if epoch < EPOCHS:
            yield Running(number, latest, EPOCHS, curves, lambda end: admitted)
            continue
        curve.completed = True
        running.remove(number)
        if begun < TRAININGS:
            running.append(begun)
            begun += 1


def _measurement(epoch: int, top1: float) -> Measurement:
    return Measurement(epoch=epoch, top1=top1, loss=1.0, seconds=1.0)
