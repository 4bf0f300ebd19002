"""The finite elements: patch test, rigid motions, Kirsch's solution, balances, Hooke's law."""

import numpy as np
import pytest

from surecast.simulate import kirsch
from surecast.simulate.plane_elasticity import Body, Material
from surecast.simulate.plate_mesh import positions

RADIUS, TENSION = 0.2, 1.0
MATERIAL = Material(2.0, 0.3, "stress")


def plate(cells, semi_axis_y=RADIUS):
    return Body(lambda s, t: positions(s, t, RADIUS, semi_axis_y), cells)


def by_component(body, function):
    """Nodal values of a displacement: function of x and y, (2, ...)."""
    u = np.zeros(body.basis.N)
    for component in range(2):
        index = body.basis.get_dofs(elements=True).all(f"u^{component + 1}")
        u[index] = function(*body.basis.doflocs[:, index])[component]
    return u


def linear(x, y):
    return np.array([0.3 + 0.1 * x - 0.2 * y, -0.1 + 0.05 * x + 0.15 * y])


def test_a_linear_displacement_is_exact():
    """Patch test, on the curved mesh of an ellipse: held at all sides, every node and every stress inside is exact."""
    body = plate(4, 0.35)
    exact = by_component(body, linear)
    sides = [body.dofs(side, part) for side in ("hole", "outer", "x_axis", "y_axis") for part in ("u^1", "u^2")]
    edge = np.unique(np.concatenate(sides))
    assert len(edge) < 0.5 * len(exact)
    matrix = body.stiffness(MATERIAL)
    u = body.solve(matrix, np.zeros(len(exact)), dict(zip(edge.tolist(), exact[edge], strict=True)))
    np.testing.assert_allclose(u, exact, rtol=0, atol=1e-13)
    stress = MATERIAL.stress(body.at_centres(u)[2])
    constant = MATERIAL.stress(np.array([[0.1, -0.2], [0.05, 0.15]]))
    np.testing.assert_allclose(stress, np.tile(constant[:, None, None], (1, 4, 4)), rtol=0, atol=1e-12)
    place, displacement, _ = body.at_centres(u)
    np.testing.assert_allclose(displacement, linear(*place), rtol=0, atol=1e-13)


def test_rigid_motions_take_no_force():
    body = plate(4)
    matrix = body.stiffness(MATERIAL)
    for motion in (
        lambda x, y: np.array([1 + 0 * x, 0 * y]),
        lambda x, y: np.array([0 * x, 1 + 0 * y]),
        lambda x, y: np.array([-y, x]),
    ):
        np.testing.assert_allclose(matrix @ by_component(body, motion), 0.0, rtol=0, atol=1e-13)


def exact_stress(x, y):
    return kirsch.stress(x, y, TENSION, RADIUS)


def exact_displacement(x, y):
    return kirsch.displacement(x, y, TENSION, RADIUS, MATERIAL.shear_modulus, MATERIAL.kolosov)


def traction(x, y, normal):
    xx, yy, xy = exact_stress(x, y)
    return np.array([xx * normal[0] + xy * normal[1], xy * normal[0] + yy * normal[1]])


def exact_energy():
    """Half of the work of the tractions on x = 1 and y = 1."""
    nodes, weights = np.polynomial.legendre.leggauss(40)
    along, weights, one = 0.5 * (nodes + 1), 0.5 * weights, np.ones(40)
    right = (exact_stress(one, along)[[0, 2]] * exact_displacement(one, along)).sum(axis=0)
    top = (exact_stress(along, one)[[2, 1]] * exact_displacement(along, one)).sum(axis=0)
    return 0.5 * weights @ (right + top)


@pytest.fixture(scope="module")
def solutions():
    """Body, matrix, load and displacements on 4, 8 and 16 elements each way."""
    found = []
    for cells in (4, 8, 16):
        body = plate(cells)
        matrix, load = body.stiffness(MATERIAL), body.load(traction)
        found.append((body, matrix, load, body.solve(matrix, load)))
    return found


def norms(body, u):
    """Errors: L2 of the displacement, L2 of the stress (that is H1)."""
    field = body.basis.interpolate(u)
    x, y = np.asarray(body.basis.global_coordinates())
    displacement = ((np.asarray(field) - exact_displacement(x, y)) ** 2).sum(axis=0)
    stress = ((MATERIAL.stress(field.grad) - exact_stress(x, y)) ** 2).sum(axis=0)
    return np.sqrt([(displacement * body.basis.dx).sum(), (stress * body.basis.dx).sum()])


def test_kirschs_solution_is_met_with_the_orders_of_the_theory(solutions):
    """Biquadratic elements: displacements 3 in L2, 2 in H1, energies 4."""
    exact = exact_energy()
    table = np.array([[*norms(body, u), *norms_at(body, u), exact - 0.5 * load @ u] for body, _, load, u in solutions])
    orders = np.log2(table[1] / table[2])
    np.testing.assert_allclose(orders[:2], [3, 2], atol=0.2)
    np.testing.assert_allclose(orders[2], 2, atol=0.25)  # largest stress error over the vertices, at the hole
    np.testing.assert_allclose(orders[3], 4, atol=0.2)
    assert (table[:, 3] > 0).all()  # given loads, a subspace does less work
    assert table[-1, 3] < 1e-6 * exact


def norms_at(body, u):
    """Error of the stress at the vertices, root of the mean of squares."""
    place, gradient = body.at_vertices(u)
    assert place.shape[1] == (body.cells + 1) ** 2
    return [np.sqrt(np.mean((MATERIAL.stress(gradient) - exact_stress(*place)) ** 2))]


def test_work_is_energy_and_reactions_are_loads(solutions):
    for body, matrix, load, u in solutions:
        field = body.basis.interpolate(u)
        gradient = field.grad
        xx, yy, xy = MATERIAL.stress(gradient)
        density = xx * gradient[0, 0] + yy * gradient[1, 1] + xy * (gradient[0, 1] + gradient[1, 0])
        np.testing.assert_allclose((density * body.basis.dx).sum(), load @ u, rtol=1e-12)
        reaction = matrix @ u - load
        pulled = reaction[body.dofs("y_axis", "u^1")].sum()
        # What passes x = 1 and y = 1 in x, by the solution for an infinite plate: s on x = 0 outside the hole.
        y = np.linspace(RADIUS, 1.0, 20_001)
        np.testing.assert_allclose(-pulled, np.trapezoid(exact_stress(0 * y, y)[0], y), rtol=3e-4)
        assert body.imbalance(reaction, load) < 1e-12
        assert body.imbalance(1.01 * reaction, load) > 1e-3


def test_materials():
    """Hooke's law in three dimensions, with no stress (strain) across the plane."""
    young, poisson = 3.0, 0.25
    gradient = np.array([[0.1, 0.3], [-0.1, -0.2]])
    strain = 0.5 * (gradient + gradient.T)
    shear, lame = young / (2 * (1 + poisson)), young * poisson / ((1 + poisson) * (1 - 2 * poisson))
    for plane, zz in (("strain", 0.0), ("stress", -lame / (lame + 2 * shear) * np.trace(strain))):
        full = np.diag([0.0, 0.0, zz])
        full[:2, :2] = strain
        stress = lame * np.trace(full) * np.eye(3) + 2 * shear * full
        material = Material(young, poisson, plane)
        found = material.stress(gradient)
        np.testing.assert_allclose(found, [stress[0, 0], stress[1, 1], stress[0, 1]], rtol=1e-13)
        deviator = stress - np.trace(stress) / 3 * np.eye(3)
        np.testing.assert_allclose(material.von_mises(found), np.sqrt(1.5 * (deviator**2).sum()), rtol=1e-13)
