"""The problems by name; each is imported only when it is asked for."""

from __future__ import annotations

from surecast.simulate.problems.problem import Problem
from surecast.study.errors import ComponentError
from surecast.study.kinds import resolve_target
from surecast.study.nearest import suggestion

_PACKAGE = "surecast.simulate.problems"
TARGETS: dict[str, str] = {
    "ishigami": f"{_PACKAGE}.ishigami:ISHIGAMI",
    "gfunction8": f"{_PACKAGE}.g_function:G_FUNCTION",
    "borehole": f"{_PACKAGE}.borehole:BOREHOLE",
    "flood": f"{_PACKAGE}.flood:FLOOD",
    "beam_paper": f"{_PACKAGE}.beam:BEAM",
    "fourbranch": f"{_PACKAGE}.four_branch:FOUR_BRANCH",
    "RP22": f"{_PACKAGE}.rp22:RP22",
    "RP25": f"{_PACKAGE}.rp25:RP25",
    "RP8": f"{_PACKAGE}.rp8:RP8",
    "axialbeam": f"{_PACKAGE}.axial_beam:AXIAL_BEAM",
    "RP107": f"{_PACKAGE}.rp107:RP107",
    "beam_pf": f"{_PACKAGE}.beam:BEAM_FAILURE",
    "gauss_moments": f"{_PACKAGE}.gaussian_moments:GAUSSIAN_MOMENTS",
    "beam_100": f"{_PACKAGE}.beam_laws:BEAM_LAWS",
}
"""Name -> where it is defined, as text."""


def names(kind: str | None = None) -> list[str]:
    """Names of the problems, of one kind (``sobol``, ``probability``, ``expectations``) or of all."""
    return [name for name in TARGETS if kind is None or problem(name).kind == kind]


def target(name: str) -> str:
    """Where a problem is defined, ``module:name``.

    Raises
    ------
    ComponentError
        If there is none of this name; the nearest one is given.
    """
    if name not in TARGETS:
        raise ComponentError(f"there is no problem {name!r}.", suggestion(name, TARGETS))
    return TARGETS[name]


def problem(name: str) -> Problem:
    """The problem of a name.

    Raises
    ------
    ComponentError
        If there is none; the nearest name is given.
    """
    found = resolve_target(target(name))
    assert isinstance(found, Problem)
    return found
