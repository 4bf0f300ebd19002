"""What a problem is: a function, the laws of its inputs, a question, and the answer with its standard error.

Reference values stand in ``reference.json`` beside this file, under the names that estimates have
(``mean``, ``variance``, ``first[x1]``, ``total[x1]``, ``probability``; for many expectations each one's own
name), with the standard error of each (0 where it is exact to rounding) and how they were found.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from surecast.study import kinds
from surecast.study.laws.joint import JointLaw
from surecast.study.settings import Correlation

if TYPE_CHECKING:
    import xarray as xr

REFERENCE = Path(__file__).parent / "reference.json"

Spec = Mapping[str, Any]


@dataclass(frozen=True)
class Quantity:
    """An output: its unit and what it is."""

    units: str
    long_name: str


@dataclass(frozen=True)
class Problem:
    """A test problem.

    Parameters
    ----------
    name : str
        In the catalogue.
    kind : str
        What is asked: ``sobol`` (moments and Sobol indices of one output), ``probability`` (of `event`),
        ``expectations`` (many at once: means of several outputs, or of one output under several laws).
    function : callable
        From inputs by keyword, arrays (n,), to one array (n,), or to one for each output.
    inputs : mapping
        Law of each input, as a study file gives it.
    quantities : mapping
        Outputs by name.
    equation : str
        The function as a formula.
    citation : str
        The publication that it comes from.
    licence : str
        Where this definition was taken from, under which licence.
    event : str
        Event whose probability is asked, in the grammar of exceedance questions.
    variants : mapping
        Further joint laws by name: ``(inputs, correlations)``.
    """

    name: str
    kind: Literal["sobol", "probability", "expectations"]
    function: Callable[..., Any]
    inputs: Mapping[str, Spec]
    quantities: Mapping[str, Quantity]
    equation: str
    citation: str
    licence: str
    event: str = ""
    variants: Mapping[str, tuple[Mapping[str, Spec], list[Spec]]] = field(default_factory=dict)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of all outputs."""
        return tuple(self.quantities)

    @property
    def output(self) -> str:
        """Name of the output; the first one where there are several."""
        return self.outputs[0]

    @functools.cached_property
    def law(self) -> JointLaw:
        """Joint law of the inputs."""
        return joint_law(self.inputs)

    @functools.cached_property
    def laws(self) -> dict[str, JointLaw]:
        """The joint laws under which expectations are asked, by name; empty unless there are several."""
        return {name: joint_law(inputs, links) for name, (inputs, links) in self.variants.items()}

    @property
    def reference(self) -> dict[str, float]:
        """True value of each statistic; see the module."""
        return dict(_references()[self.name]["values"])

    @property
    def standard_error(self) -> dict[str, float]:
        """Standard error of each reference value."""
        stated: dict[str, float] = _references()[self.name]["standard_errors"]
        return {name: stated.get(name, 0.0) for name in self.reference}

    @property
    def how(self) -> str:
        """How the reference values were found."""
        return str(_references()[self.name]["how"])

    def simulator(self, inputs: xr.Dataset) -> xr.Dataset:
        """The outputs (run,) of inputs (run,), with units and long names."""
        import xarray as xr

        arrays = {name: np.ascontiguousarray(inputs[name].values, dtype=np.float64) for name in self.inputs}
        found = self.function(**arrays)
        columns = found if isinstance(found, tuple) else (found,)
        made = {
            name: ("run", values, {"units": quantity.units, "long_name": quantity.long_name})
            for (name, quantity), values in zip(self.quantities.items(), columns, strict=True)
        }
        return xr.Dataset(made)


def joint_law(inputs: Mapping[str, Spec], correlations: list[Spec] | None = None) -> JointLaw:
    """A joint law from what a study file says under `inputs` and `correlations`."""
    laws = {}
    for name, spec in inputs.items():
        settings = dict(spec)
        laws[name] = kinds.resolve("laws", settings.pop("kind"))(**settings)
    return JointLaw(laws, [Correlation(**spec) for spec in correlations or []])


@functools.cache
def _references() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(REFERENCE.read_text(encoding="utf-8"))
    return found
