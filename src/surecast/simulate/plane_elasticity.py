r"""Linear elasticity in the plane by finite elements: biquadratic, isoparametric quadrilaterals.

    div s = 0,   s = l tr(e) I + 2 m e,   e = (grad u + grad u^T) / 2

u is the displacement, s the stress, l and m Lame's constants: m = E / (2 (1 + nu)), l = E nu / ((1 + nu) (1 - 2 nu)) in
plane strain; in plane stress l is replaced by 2 l m / (l + 2 m). The body is the image of the unit square (coordinates
s and t), symmetric about the images of t = 0 (u_y = 0) and t = 1 (u_x = 0), free on s = 0, with tractions on s = 1:

    integral of s(u) : e(v) = integral over s = 1 of traction . v   for all v that vanish where u is held.

Assembled by scikit-fem (Gustafsson and McBain, J. Open Source Softw. 5 (2020) 2369), solved by SuperLU. Displacements
are of order 3 in L2, stresses of order 2, the strain energy of order 4 (Strang and Fix, An Analysis of the Finite
Element Method, 1973, section 3.1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    import scipy.sparse

Plane = Literal["stress", "strain"]
Mapping = Callable[[np.ndarray, np.ndarray], np.ndarray]
Traction = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""x, y and the outward normal (2, ...) -> traction (2, ...)."""
QUADRATURE = 5  # degree of polynomials that are integrated exactly: three Gauss points each way
CENTRE = (np.array([[0.5], [0.5]]), np.ones(1))
CORNERS = (np.array([[0.0, 1.0, 1.0, 0.0], [0.0, 0.0, 1.0, 1.0]]), np.ones(4))


@dataclass(frozen=True)
class Material:
    """An isotropic elastic material in the plane.

    Parameters
    ----------
    young, poisson : float
        Young's modulus (Pa) and Poisson's ratio.
    plane : str
        ``stress`` (a thin plate) or ``strain`` (a long body).
    """

    young: float
    poisson: float
    plane: Plane

    @property
    def shear_modulus(self) -> float:
        """m above."""
        return self.young / (2 * (1 + self.poisson))

    @property
    def lame(self) -> float:
        """l above."""
        if self.plane == "stress":
            return self.young * self.poisson / (1 - self.poisson**2)
        return self.young * self.poisson / ((1 + self.poisson) * (1 - 2 * self.poisson))

    @property
    def kolosov(self) -> float:
        """Kolosov's constant."""
        return (3 - self.poisson) / (1 + self.poisson) if self.plane == "stress" else 3 - 4 * self.poisson

    def stress(self, gradient: np.ndarray) -> np.ndarray:
        """s_xx, s_yy, s_xy (3, ...) from the gradient of u (2, 2, ...)."""
        trace = self.lame * (gradient[0, 0] + gradient[1, 1])
        shear = self.shear_modulus
        return np.array(
            [
                trace + 2 * shear * gradient[0, 0],
                trace + 2 * shear * gradient[1, 1],
                shear * (gradient[0, 1] + gradient[1, 0]),
            ]
        )

    def von_mises(self, stress: np.ndarray) -> np.ndarray:
        """Von Mises' equivalent stress of s_xx, s_yy, s_xy; in plane strain s_zz = nu (s_xx + s_yy)."""
        xx, yy, xy = stress
        zz = self.poisson * (xx + yy) if self.plane == "strain" else 0.0
        return np.asarray(np.sqrt(0.5 * ((xx - yy) ** 2 + (yy - zz) ** 2 + (zz - xx) ** 2) + 3 * xy**2))


class Body:
    """The image of the unit square in n x n elements.

    Parameters
    ----------
    mapping : callable
        s and t to x and y, shape ``(2, ...)``, with a positive Jacobian.
    cells : int
        Elements along each side.
    """

    def __init__(self, mapping: Mapping, cells: int) -> None:
        import skfem  # half a second, and a study that is only planned solves nothing

        line = np.linspace(0.0, 1.0, cells + 1)
        reference = skfem.MeshQuad2.from_mesh(skfem.MeshQuad.init_tensor(line, line))
        s, t = reference.doflocs
        mesh = skfem.MeshQuad2(mapping(s, t), reference.t)
        self.basis = skfem.Basis(mesh, skfem.ElementVector(skfem.ElementQuad2()), intorder=QUADRATURE)
        middle = reference.p[:, reference.facets].mean(axis=1)
        self._sides = {
            name: np.flatnonzero(middle[axis] == value)
            for name, axis, value in (("hole", 0, 0.0), ("outer", 0, 1.0), ("x_axis", 1, 0.0), ("y_axis", 1, 1.0))
        }
        column, row = np.rint(reference.p[:, reference.t[:4]].mean(axis=1) * cells - 0.5)
        self._order = np.lexsort((column, row))  # elements by t, then by s
        self.cells = cells

    def dofs(self, side: str, component: str) -> np.ndarray:
        """Indices of ``u^1`` (x) or ``u^2`` (y) on a side: hole, outer, x_axis or y_axis."""
        return np.asarray(self.basis.get_dofs(self._sides[side]).all(component))

    def stiffness(self, material: Material) -> scipy.sparse.csr_matrix:
        """The matrix of s(u) : e(v)."""
        import skfem
        from skfem.helpers import ddot, sym_grad, trace

        lame, shear = material.lame, material.shear_modulus

        @skfem.BilinearForm
        def form(u: Any, v: Any, _: Any) -> Any:
            e, d = sym_grad(u), sym_grad(v)
            return lame * trace(e) * trace(d) + 2 * shear * ddot(e, d)

        return form.assemble(self.basis)

    def load(self, traction: Traction) -> np.ndarray:
        """Work of a traction on the outer side in the displacements of the basis."""
        import skfem

        @skfem.LinearForm
        def form(v: Any, w: Any) -> Any:
            x, y = w.x
            force = traction(x, y, w.n)
            return force[0] * v[0] + force[1] * v[1]

        outer = skfem.FacetBasis(self.basis.mesh, self.basis.elem, facets=self._sides["outer"], intorder=QUADRATURE)
        return np.asarray(form.assemble(outer))

    def solve(
        self, matrix: scipy.sparse.csr_matrix, load: np.ndarray, held: dict[int, float] | None = None
    ) -> np.ndarray:
        """Displacements of all nodes, held by symmetry, or where `held` has them (index -> value)."""
        from scipy.sparse.linalg import splu

        u = np.zeros(len(load))
        if held is None:
            fixed = np.union1d(self.dofs("x_axis", "u^2"), self.dofs("y_axis", "u^1"))
        else:
            fixed = np.array(sorted(held))
            u[fixed] = [held[index] for index in fixed]
        free = np.setdiff1d(np.arange(len(load)), fixed)
        rows = matrix[free]
        # Minimum degree on the pattern of a symmetric matrix: two thirds of the fill of the default.
        factors = splu(
            rows[:, free].tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
        )
        u[free] = factors.solve(load[free] - rows[:, fixed] @ u[fixed])
        return u

    def imbalance(self, reaction: np.ndarray, load: np.ndarray) -> float:
        """Sum of the reactions on the lines of symmetry and the load, relative to both, the worse of x and y."""
        worst = 0.0
        size = sum(np.abs(part).sum() for part in (reaction, load)) or 1.0
        for component, side in (("u^1", "y_axis"), ("u^2", "x_axis")):
            every = self.basis.get_dofs(elements=True).all(component)
            total = reaction[self.dofs(side, component)].sum() + load[every].sum()
            worst = max(worst, float(np.abs(total) / size))
        return worst

    def at_centres(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Positions (2, t, s), displacements (2, t, s) and gradients (2, 2, t, s) at the middle of each element."""
        place, value, gradient = self._evaluated(u, CENTRE)
        shape = (self.cells, self.cells)
        return (
            place[:, self._order, 0].reshape(2, *shape),
            value[:, self._order, 0].reshape(2, *shape),
            gradient[:, :, self._order, 0].reshape(2, 2, *shape),
        )

    def at_vertices(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Positions (2, vertices), and gradients (2, 2, vertices), means over the elements that meet there."""
        _, _, gradient = self._evaluated(u, CORNERS)
        mesh = self.basis.mesh
        corners = mesh.t[:4].T
        count = np.zeros(mesh.p.shape[1])
        found = np.zeros((2, 2, mesh.p.shape[1]))
        np.add.at(count, corners, 1.0)
        for i in range(2):
            for j in range(2):
                np.add.at(found[i, j], corners, gradient[i, j])
        used = count > 0
        return mesh.p[:, used], found[:, :, used] / count[used]

    def _evaluated(self, u: np.ndarray, points: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, ...]:
        import skfem

        basis = skfem.Basis(self.basis.mesh, self.basis.elem, quadrature=points)
        field = basis.interpolate(u)
        return np.asarray(basis.global_coordinates()), np.asarray(field), field.grad
