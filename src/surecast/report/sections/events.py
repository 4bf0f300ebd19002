"""Rare events: where each lies, with the modes found, and how its sample is weighed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from surecast.report import numbers
from surecast.report.estimates import Answers, Estimate, estimator_words
from surecast.report.figures.canvas import Drawing
from surecast.report.figures.rare_event import contributions, modes
from surecast.report.sections.section import Section, file_stem


def events_section(answers: Sequence[Answers]) -> Section | None:
    """Figures of every weighted sample; None where there is none."""
    shown = [
        {"asks": _asks(one), "reading": _reading(one), "drawings": list(drawings_of(one))}
        for answer in answers
        for one in answer.estimates
        if one.picture
    ]
    drawings = [drawing for one in shown for drawing in one["drawings"] if isinstance(drawing, Drawing)]
    return Section("events", "Rare events", {"samples": shown}, drawings) if shown else None


def drawings_of(one: Estimate) -> Iterator[Drawing]:
    """Where the event lies, and how much each run weighs."""
    picture = one.picture
    words = (one.question, one.output, one.estimator)
    plane = "u1 and u2" if picture["dimension"] == 2 else f"two of {picture['dimension']} directions"
    points, centres = (np.reshape(picture[key], (-1, 2)) for key in ("points", "modes"))
    event, shares = np.asarray(picture["event"], dtype=bool), np.asarray(picture["mode_shares"])
    yield modes(file_stem("modes", *words), f"Where {one.output}", points, event, centres, shares, plane)
    if picture["contributions"]:
        weights, effective = np.asarray(picture["contributions"]), float(one.diagnostics["effective_failures"])
        yield contributions(file_stem("weights", *words), f"Weights of {one.output}", weights, effective)


def _asks(one: Estimate) -> str:
    return f"{one.output}: question “{one.question}”, by {estimator_words(one.estimator)}"


def _reading(one: Estimate) -> str:
    """The sample in a sentence."""
    places, found = len(one.picture["modes"]), one.diagnostics
    parts = [f"the proposal aims at {places} place{'s' if places != 1 else ''}"]
    if "effective_failures" in found:
        parts.append(f"the events seen count as {numbers.number(found['effective_failures'], 3)} of equal weight")
    if one.picture["contributions"]:
        parts.append(f"the heaviest run makes {numbers.percent(one.picture['contributions'][0])} of the estimate")
    if math.isfinite(index := found.get("tail_index", math.nan)):
        parts.append(f"the tail index of the weights is {numbers.number(index, 2)} (above 0.5 they have no variance)")
    if "disagreement_share" in found:
        share = numbers.percent(found["disagreement_share"])
        parts.append(f"simulator and surrogate disagree on {share} of the probability")
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."
