"""Mean deflection of a cantilever beam under a hundred input laws.

    I_j = E_j[y],    y as in `surecast.simulate.problems.beam`, j = 1..100

Law j has means of FX, FY, E, w, t, L and correlations of (w, t), (w, L), (t, L), a row of a Latin hypercube over
U(525, 575), U(425, 475), U(175, 225), U(0.06, 0.07), U(0.09, 0.1), U(4, 5), U(-0.6, 0), U(0, 0.5), U(0, 0.5), as in
the paper; the hundred rows are data, in ``beam_laws.json``, drawn anew: the paper's own have no licence.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from surecast.simulate.problems.beam import CITATION, LICENCE, beam_inputs, deflection
from surecast.simulate.problems.problem import Problem, Quantity

PARAMETERS = Path(__file__).parent / "beam_laws.json"
CORRELATED = list(itertools.combinations(("w", "t", "L"), 2))


def law_of(row: Sequence[float]) -> tuple[Mapping[str, Any], list[Mapping[str, Any]]]:
    """Inputs and correlations, as a study file gives them, of a row of nine parameters."""
    means, correlations = row[:6], row[6:]
    links: list[Mapping[str, Any]] = [
        {"between": list(pair), "value": value} for pair, value in zip(CORRELATED, correlations, strict=True)
    ]
    return beam_inputs(*means), links


def _variants() -> dict[str, tuple[Mapping[str, Any], list[Mapping[str, Any]]]]:
    rows = json.loads(PARAMETERS.read_text(encoding="utf-8"))["rows"]
    return {f"law_{index:03d}": law_of(row) for index, row in enumerate(rows, start=1)}


BEAM_LAWS = Problem(
    name="beam_100",
    kind="expectations",
    function=deflection,
    inputs=beam_inputs(),
    quantities={"deflection": Quantity("m", "deflection of the beam's tip")},
    equation="deflection = 4 L^3/(E w t) sqrt((FX/w^2)^2 + (FY/t^2)^2)",
    citation=CITATION,
    licence=LICENCE,
    variants=_variants(),
)
