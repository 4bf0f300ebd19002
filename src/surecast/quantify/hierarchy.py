"""Coarser grids of a study's simulator as models of lower fidelity, each with its declared work.

A study names them by their size, the finest being the simulator's own:

    estimators: [{kind: multilevel, cells: [16, 32, 64]}]

Without `cells` every grid of `Simulator.coarser` is offered. A simulator that is a user's function offers those
that its own setting `cells` gives; `costs` must then say their work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from surecast.quantify.sampling import Level, Model
from surecast.simulate.function import FunctionSimulator
from surecast.simulate.simulator import Simulator
from surecast.study.errors import EstimationError

if TYPE_CHECKING:
    from surecast.study.model import Study

Grid = tuple[str, Simulator, float]
"""Name, simulator and work relative to the study's own."""


def grids(simulator: Simulator, cells: Sequence[int] | None, costs: Sequence[float] | None) -> list[Grid]:
    """The coarser grids asked for, finest first.

    Parameters
    ----------
    cells : sequence of int, optional
        Sizes, coarsest first, the simulator's own last; by default all that it offers.
    costs : sequence of float, optional
        Work on each of `cells`; by default `Simulator.work`.

    Raises
    ------
    EstimationError
        If the simulator does not offer one of them, or its work is not known.
    """
    coarser = simulator.coarser()
    if cells is None:
        sizes = [size(one) for one in coarser]
        names = [f"coarser_{place}" if count is None else f"cells_{count}" for place, count in enumerate(sizes)]
        return [(name, one, one.work() / simulator.work()) for name, one in zip(names, coarser, strict=True)]
    offered = {size(one): one for one in [simulator, *coarser]}
    own = size(simulator)
    if isinstance(simulator, FunctionSimulator) and own is not None:
        offered |= {count: _with_cells(simulator, count) for count in cells}
        if costs is None:
            raise EstimationError("the work of a user's function on other grids is not known.", "write `costs`.")
    known = ", ".join(str(count) for count in sorted(count for count in offered if count is not None))
    for count in cells:
        if count not in offered:
            raise EstimationError(
                f"the simulator offers no grid of {count}.", f"use some of: {known}." if known else "leave it out."
            )
    if cells[-1] != own:
        raise EstimationError(
            f"the finest grid is {cells[-1]}, not the simulator's own {own}.", f"end `cells` with {own}."
        )
    work = [one / costs[-1] for one in costs] if costs else [offered[n].work() / simulator.work() for n in cells]
    return [(f"cells_{count}", offered[count], cost) for count, cost in zip(cells[:-1], work[:-1], strict=True)][::-1]


def size(simulator: Simulator) -> int | None:
    """The first number of a simulator's resolution: cells or points along a side; of a function its setting `cells`."""
    settings: dict[str, Any] = simulator.resolution()
    if isinstance(simulator, FunctionSimulator):
        settings = {"cells": simulator.arguments.get("cells")}
    first = next(iter(settings.values()), None)
    return first if isinstance(first, int) else None


def levels(simulator: Simulator, estimator: Any, model: Callable[[Simulator], Model]) -> list[Level]:
    """The coarser grids that an estimator uses, finest first; none if it uses none.

    Parameters
    ----------
    estimator : Estimator
        One with `uses_levels` says which, by its settings `cells` and `costs`.
    model : callable
        From a simulator to the model that calls it.

    Raises
    ------
    EstimationError
        See `grids`.
    """
    if not getattr(type(estimator), "uses_levels", False):
        return []
    return [Level(name, model(one), cost) for name, one, cost in grids(simulator, estimator.cells, estimator.costs)]


def problems(
    study: Study, cells: Sequence[int] | None, costs: Sequence[float] | None, *, required: bool
) -> Iterator[tuple[str, str, str]]:
    """What the study's simulator does not offer: (key, message, remedy)."""
    try:
        found = grids(study.build_simulator(), cells, costs)
    except EstimationError as error:
        yield "estimators", error.message, error.remedy
        return
    if required and not found:
        yield (
            "estimators",
            "needs a simulator with coarser grids, and this one offers none.",
            "use monte_carlo or scrambled_sobol, or multifidelity with a surrogate.",
        )


def _with_cells(simulator: FunctionSimulator, cells: int) -> FunctionSimulator:
    return simulator.model_copy(update={"arguments": {**simulator.arguments, "cells": cells}})
