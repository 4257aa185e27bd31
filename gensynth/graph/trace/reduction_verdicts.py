"""Judges the reductions of a network by running again the linear pieces in which they lie."""

from collections.abc import Sequence

import torch
from torch import Tensor

from gensynth.graph.graph import LOW_PASS, Reduction
from gensynth.graph.trace.pieces import Piece, covered, missing, response, scattered

BLOCKED = 1e3
"""Beyond this ratio of the responses, nothing is left at zero."""

WEIGHED = "how it weighs the samples depends on the image"


def judge_reductions(ended: Sequence[Piece], first: int | None) -> list[Reduction]:
    """Judge the reductions of all pieces; what several of them share is judged once."""
    found: dict[int, Reduction] = {}
    kept: dict[int, list[tuple[Piece, Tensor]]] = {}
    for piece in ended:
        if lost := _lost_by_channel(piece, first):
            found[lost.row] = lost
        coarse = [part for part in piece.chain() if part.coarsens]
        strided = any(max(part.stride) > 1 for part in coarse)
        row = min((part.row for part in coarse), default=piece.row)
        if piece.drops_copies_only or not (strided or _is_coarse(piece)):  # Or sisters met again.
            continue
        exempt = _exempt(row, first)
        try:
            reduction = _judged(piece, row, kept, exempt)
        except (RuntimeError, TypeError, IndexError, KeyError):  # A form that cannot run again.
            reduction = Reduction(row, None, False, "it cannot be run on a pattern", exempt)
        before = found.get(row)
        if before is None or (before.filtered and not reduction.filtered) or reduction.skips:
            found[row] = reduction
    return [_kept_by_sisters(found[row], kept) for row in sorted(found)]


def _lost_by_channel(piece: Piece, first: int | None) -> Reduction | None:
    try:
        place = scattered(piece)
    except (RuntimeError, TypeError, IndexError, KeyError):  # A form that cannot run again.
        return None
    if place is None:
        return None
    words = "drops samples of each channel between those it keeps"
    return Reduction(place.row, False, True, words, _exempt(place.row, first))


def _exempt(row: int, first: int | None) -> bool:
    return first is None or row <= first


def _is_coarse(piece: Piece) -> bool:
    """Whether less of a map's grid is left than there was; all of an axis may have met in one."""
    grid, before = piece.grid, piece.origin.grid
    collapsed = (grid.rows == 1 < before.rows) or (grid.columns == 1 < before.columns)
    return collapsed or grid.coarser_than(before)


def _judged(
    piece: Piece, row: int, kept: dict[int, list[tuple[Piece, Tensor]]], exempt: bool
) -> Reduction:
    if any(part.depends for part in piece.chain()):
        words = "which samples stay depends on the image"
        return Reduction(row, None, False, words, exempt)
    arrived = covered(piece)
    skips = bool(len(missing(piece, arrived)))
    if skips:
        kept.setdefault(row, []).append((piece, arrived))
        return Reduction(row, False, True, "drops samples between those it keeps", exempt)
    if exempt:
        return Reduction(row, False, False, "at or before the first convolution", exempt)
    if any(part.loss for part in piece.chain()):
        return Reduction(row, False, False, "takes a maximum, which brings high frequencies back")
    # Learned weights show one number for each output: look at what they read as well.
    stages = {piece}
    for part in piece.chain():
        if part.learned:
            stages |= {p for p in (part, *part.parents) if p.grid.coarser_than(p.origin.grid)}
    nyquist = max(response(stage) for stage in stages)
    filtered = nyquist <= LOW_PASS + 1e-3
    if filtered and piece.origin.weighs:
        return Reduction(row, None, False, WEIGHED)
    words = f"{nyquist:.2f} of the response at zero is left at the Nyquist frequency"
    if nyquist > BLOCKED:
        words = "it blocks the mean and lets the Nyquist frequency pass"
    elif not filtered:
        words += ": no fixed low-pass filter comes before"
    return Reduction(row, filtered, False, words)


def _kept_by_sisters(found: Reduction, kept: dict[int, list[tuple[Piece, Tensor]]]) -> Reduction:
    """Let pieces of one map that together keep all of its samples drop none."""
    mine = kept.get(found.row)
    if not found.skips or not mine:
        return found
    piece = mine[0][0]
    others = [a for pairs in kept.values() for p, a in pairs if p.origin is piece.origin]
    if len(missing(piece, torch.cat(others).unique())):  # type: ignore[no-untyped-call]
        return found
    return found._replace(skips=False, cause="keeps every sample, together with its sisters")
