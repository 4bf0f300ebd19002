"""A plate with a hole in tension: linear elasticity in plane stress or plane strain.

    div s = 0,   s = l tr(e) I + 2 m e,   e = (grad u + grad u^T) / 2   on |x|, |y| <= 1 outside the hole
    the hole, (x / radius)^2 + (y / (aspect radius))^2 <= 1, is free;   s n = (load, 0) n_x at x = 1 and x = -1
    y = 1 and y = -1 are free

u is the displacement (m), s the stress (Pa), l and m Lame's constants of young (E, Pa) and poisson (nu, 1), load the
tension (Pa). A quarter is solved, with lines of symmetry along the axes, by biquadratic elements
(`surecast.simulate.plane_elasticity`) on a mesh that moves with the hole (`surecast.simulate.plate_mesh`). Fields are
given at the middle of the elements, on the same (angle, distance) for every hole; ``position_x`` and ``position_y``
say where these points lie. With ``outer: infinite`` the tractions on the sides are those of Kirsch's solution, as if
the square were cut out of an infinite plate (`surecast.simulate.kirsch`): the exact solution is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from surecast.simulate import kirsch
from surecast.simulate.parametrised import Number, Parametrised
from surecast.simulate.plane_elasticity import Body, Material
from surecast.simulate.plate_mesh import positions
from surecast.simulate.simulator import Simulator, VariableInfo
from surecast.study.component import refused

if TYPE_CHECKING:
    import xarray as xr

LARGEST_IMBALANCE = 1e-8  # relative; a run whose reactions are not its load to this is a failed one
SEMI_AXES = (0.005, 0.95)  # of the hole, m: beyond, elements are too long or the plate is nearly cut through
DIMS = ("angle", "distance")


class LinearElasticity(Parametrised):
    """Plate with a hole; inputs are those of ``young``, ``poisson``, ``load``, ``radius`` and ``aspect`` that are null.

    Fails (as a recorded run) where E is not positive, nu is not between -1 and 1/2, the hole is smaller than 0.005 m or
    larger than 0.95 m, the solution is not finite, or the reactions on the lines of symmetry differ from the load by
    more than 1e-8. In plane strain the error grows as nu nears 1/2.
    """

    diagnostics: ClassVar[tuple[str, ...]] = ("equilibrium",)
    parameters: ClassVar[dict[str, str]] = {"young": "Pa", "poisson": "1", "load": "Pa", "radius": "m", "aspect": "1"}
    positive: ClassVar[tuple[str, ...]] = ("young", "radius", "aspect")

    cells: int = Field(
        default=16, ge=4, le=512, multiple_of=2, description="Elements from hole to side, and over the quarter turn."
    )
    plane: Literal["stress", "strain"] = Field(
        default="stress", description="Plane stress (a thin plate) or plane strain (a long body)."
    )
    outer: Literal["plate", "infinite"] = Field(
        default="plate", description="At the sides: a uniform tension (plate), or as in an infinite plate (infinite)."
    )
    young: Number | None = Field(default=None, description="Young's modulus, Pa; null for an input.")
    poisson: Number | None = Field(default=None, description="Poisson's ratio; null for an input.")
    load: Number | None = Field(default=None, description="Tension along x, Pa; null for an input.")
    radius: Number | None = Field(default=None, description="Semi-axis of the hole along x, m; null for an input.")
    aspect: Number | None = Field(
        default=1.0, description="Semi-axis of the hole along y relative to that along x; null for an input."
    )

    @model_validator(mode="after")
    def _has_a_solution(self) -> Self:
        if self.outer == "infinite" and self.aspect != 1:
            raise refused("aspect", "is not 1: Kirsch's hole is a circle.", "leave it out, or set outer to plate.")
        if self.radius is not None and self.aspect is not None:
            fault = self._hole_fault(np.array([self.radius]), np.array([self.aspect]))[0]
            if fault:
                raise refused("radius", f"{fault}.", "write for example `radius: 0.1`, or null for an input.")
        return self

    def fault(self, name: str, values: np.ndarray) -> np.ndarray:
        """See `Parametrised.fault`."""
        found = super().fault(name, values)
        if name == "poisson":
            found[(found == "") & ~((values > -1) & (values < 0.5)).all(axis=1)] = "poisson is not between -1 and 1/2"
        return found

    def variables(self) -> dict[str, VariableInfo]:
        """Displacement, stresses, where they are, largest equivalent stress, energy, and the balance of forces."""

        def info(dims: tuple[str, ...], units: str, long_name: str) -> VariableInfo:
            return {"dims": dims, "units": units, "long_name": long_name}

        return {
            "displacement_x": info(DIMS, "m", "displacement in x"),
            "displacement_y": info(DIMS, "m", "displacement in y"),
            "stress_x": info(DIMS, "Pa", "normal stress in x"),
            "stress_y": info(DIMS, "Pa", "normal stress in y"),
            "stress_xy": info(DIMS, "Pa", "shear stress"),
            "von_mises": info(DIMS, "Pa", "von Mises' equivalent stress"),
            "position_x": info(DIMS, "m", "x of the point, from the middle of the hole"),
            "position_y": info(DIMS, "m", "y of the point, from the middle of the hole"),
            "max_von_mises": info((), "Pa", "largest equivalent stress, over the vertices of the elements"),
            "strain_energy": info((), "J/m", "strain energy of the whole plate per metre of thickness"),
            "equilibrium": info((), "1", "relative difference of reactions and load"),
        }

    def resolution(self) -> dict[str, Any]:
        """Number of elements each way."""
        return {"cells": self.cells}

    def work(self) -> float:
        """Number of elements: see `Simulator.work`."""
        return float(self.cells**2)

    def refined(self) -> Self:
        """Twice the elements each way."""
        return self.model_copy(update={"cells": 2 * self.cells})

    def coarser(self) -> list[Simulator]:
        """A half, a quarter ... of the elements each way, down to 4."""
        cells = [self.cells // 2**level for level in range(1, 9) if self.cells % 2**level == 0]
        return [self.model_copy(update={"cells": count}) for count in cells if count >= 4 and count % 2 == 0]

    def restrict(self, fields: xr.Dataset) -> xr.Dataset:
        """Fields at the middle of these elements, by cubic polynomials between those of half the width.

        None is taken across the ray to the plate's corner, where the fields have a kink as functions of the angle.
        """
        while fields.sizes["distance"] > self.cells:
            kept = fields.drop_dims(list(DIMS))
            for name, variable in fields.data_vars.items():
                if "distance" in variable.dims:
                    values = variable.transpose(..., *DIMS).values
                    lower, upper = np.split(_halved(values), 2, axis=-2)
                    turned = [_halved(half.swapaxes(-1, -2)).swapaxes(-1, -2) for half in (lower, upper)]
                    kept[name] = (variable.transpose(..., *DIMS).dims, np.concatenate(turned, axis=-2), variable.attrs)
            fields = kept
        return fields.assign_coords(self._coordinates())

    def card(self) -> dict[str, Any]:
        """What a reader of the dataset must know."""
        words = {
            "plate": "s n = (load, 0) at x = 1, free at y = 1",
            "infinite": "tractions of Kirsch's solution for an infinite plate under load at x = 1 and y = 1",
        }
        return {
            "equation": "div s = 0, s = l tr(e) I + 2 m e, e = (grad u + grad u^T) / 2",
            "parameters": self.stated(),
            "plane": self.plane,
            "domain": "square |x|, |y| <= 1 (m) with an elliptic hole in the middle, semi-axes radius and aspect "
            "radius; the quarter x, y >= 0 is given, the energy is that of the whole, per metre of thickness",
            "boundary_conditions": f"{words[self.outer]}, hole free, u_y = 0 at y = 0, u_x = 0 at x = 0",
            "units": {name: info["units"] for name, info in self.variables().items()},
            "resolution": f"{self.cells} x {self.cells} elements",
            "grid": "fields at the middle of the elements, on rays: angle from the x axis; distance 0 is the hole, 1 "
            "the plate's side, in between the logarithm of the distance from the middle grows evenly; position_x and "
            "position_y are the places, which move with the hole",
            "solver": "biquadratic isoparametric finite elements (scikit-fem), sparse direct solver",
        }

    def run(self, inputs: xr.Dataset) -> xr.Dataset:
        """Simulate every run; see `Simulator.run`."""
        import xarray as xr

        given = self.given(inputs)
        failure = self.faults(given)
        failure = np.where(failure == "", self._hole_fault(given["radius"][:, 0], given["aspect"][:, 0]), failure)
        runs = len(failure)
        shapes = {name: [self.cells] * len(info["dims"]) for name, info in self.variables().items()}
        values = {name: np.zeros((runs, *shape)) for name, shape in shapes.items()}
        for run in np.flatnonzero(failure == ""):
            try:
                with np.errstate(all="ignore"):  # what overflows is reported below
                    solved = self._solve(**{name: float(numbers[run, 0]) for name, numbers in given.items()})
            except RuntimeError as error:  # SuperLU met a pivot that is zero or no number
                failure[run] = f"the equations cannot be solved ({error})"
                continue
            if not all(np.isfinite(value).all() for value in solved.values()):
                failure[run] = "the solution is not finite"
                continue
            for name, value in solved.items():
                values[name][run] = value
            if solved["equilibrium"] > LARGEST_IMBALANCE:
                failure[run] = f"reactions and load differ by {solved['equilibrium']:.1e}, above {LARGEST_IMBALANCE:g}"
        return self.labelled(xr.Dataset(coords=self._coordinates()), values, failure)

    def _solve(self, young: float, poisson: float, load: float, radius: float, aspect: float) -> dict[str, Any]:
        """Outputs of one run by name."""
        material = Material(young, poisson, self.plane)

        def traction(x: np.ndarray, y: np.ndarray, normal: np.ndarray) -> np.ndarray:
            if self.outer == "plate":
                return np.array([load * normal[0], np.zeros_like(x)])
            xx, yy, xy = kirsch.stress(x, y, load, radius)
            return np.array([xx * normal[0] + xy * normal[1], xy * normal[0] + yy * normal[1]])

        body = Body(lambda s, t: positions(s, t, radius, aspect * radius), self.cells)
        matrix, force = body.stiffness(material), body.load(traction)
        u = body.solve(matrix, force)
        place, displacement, gradient = body.at_centres(u)
        stress = material.stress(gradient)
        _, at_vertices = body.at_vertices(u)
        return {
            "displacement_x": displacement[0],
            "displacement_y": displacement[1],
            "stress_x": stress[0],
            "stress_y": stress[1],
            "stress_xy": stress[2],
            "von_mises": material.von_mises(stress),
            "position_x": place[0],
            "position_y": place[1],
            "max_von_mises": material.von_mises(material.stress(at_vertices)).max(),
            "strain_energy": 4 * 0.5 * np.sum(force * u),  # four quarters; half of the work of the load
            "equilibrium": body.imbalance(matrix @ u - force, force),
        }

    def _hole_fault(self, radius: np.ndarray, aspect: np.ndarray) -> np.ndarray:
        low, high = SEMI_AXES
        found = np.full(len(radius), "", dtype=object)
        for name, axis in (("radius", radius), ("aspect radius", aspect * radius)):
            found[(found == "") & ~((axis >= low) & (axis <= high))] = f"{name} is not between {low:g} and {high:g} m"
        return found

    def _coordinates(self) -> dict[str, Any]:
        middle = (np.arange(self.cells) + 0.5) / self.cells
        return {
            "angle": ("angle", 90 * middle, {"units": "degree", "long_name": "angle of the ray from the x axis"}),
            "distance": (
                "distance",
                middle,
                {"units": "1", "long_name": "logarithm of the distance, 0 at the hole and 1 at the side"},
            ),
        }


def _halved(values: np.ndarray) -> np.ndarray:
    """Values at the middle of cells, from those of cells of half the width, along the last axis."""
    pairs = 0.5 * (values[..., 0::2] + values[..., 1::2])
    if values.shape[-1] < 4:
        return pairs
    found = np.empty_like(pairs)
    inner, outer = values[..., 2:-2:2] + values[..., 3:-2:2], values[..., 1:-4:2] + values[..., 4::2]
    found[..., 1:-1] = (9 * inner - outer) / 16
    found[..., 0] = (5 * values[..., 0] + 15 * values[..., 1] - 5 * values[..., 2] + values[..., 3]) / 16
    found[..., -1] = (5 * values[..., -1] + 15 * values[..., -2] - 5 * values[..., -3] + values[..., -4]) / 16
    return found
