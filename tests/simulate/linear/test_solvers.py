"""Every linear solver on one sequence: the direct solution to its tolerance, the true residual, failures in words."""

import numpy as np
import pytest
import scipy.sparse as sparse
from pydantic import TypeAdapter, ValidationError

from surecast.simulate.conjugate_gradients import solve
from surecast.simulate.linear.chosen import DefiniteSolver
from surecast.simulate.linear.conjugate_directions import conjugate_directions
from surecast.simulate.linear.direct import Direct
from surecast.simulate.linear.five_point import laplacian, solve_shifted, with_zeros
from surecast.simulate.linear.krylov_recycling import KrylovRecycling, Recycled
from surecast.simulate.linear.learned_relaxation import LearnedRelaxation, Relaxed
from surecast.simulate.linear.similarity import solve_sorted
from surecast.simulate.linear.solver import LinearSystem, true_residual

N = 16
ONE = sparse.eye_array(N * N, format="csr")


def systems(shifts=(40.0, 5.0, 300.0, 4.0), start=False):
    rng = np.random.default_rng(0)
    found = []
    for shift in shifts:
        f, guess = rng.standard_normal((2, N * N))
        found.append(LinearSystem((laplacian(N) + shift * ONE).tocsr(), f, (shift,), None, guess if start else None))
    return found


SOLVERS = [
    KrylovRecycling(subspace=20, recycled=6),
    KrylovRecycling(subspace=20, recycled=6, carry=False),
    KrylovRecycling(subspace=20, recycled=0),
    LearnedRelaxation(),
    LearnedRelaxation(context=[10.0, 100.0], relaxations=3),
]


@pytest.mark.parametrize("start", [False, True])
@pytest.mark.parametrize("solver", SOLVERS, ids=lambda solver: solver.words()[:60])
def test_answers_are_the_direct_ones_to_the_tolerance(solver, start):
    given = systems(start=start)
    found = solve_sorted(solver.sequence(), given)
    again = solve_sorted(solver.sequence(), given)
    exact = solve_sorted(Direct().sequence(), given)
    for one, repeated, true, system in zip(found, again, exact, given, strict=True):
        assert one.residual == true_residual(system, one.u) <= solver.tolerance
        assert true.residual < 1e-13
        assert np.linalg.norm(one.u - true.u) <= solver.tolerance * np.linalg.cond(system.matrix.toarray()) * 50
        assert one.u.tobytes() == repeated.u.tobytes()
        assert solver.failure(one) == ""
        assert one.products > 0


def test_a_tolerance_near_rounding_is_met_by_the_true_residual():
    """Recurrences drift; it is the true residual that counts."""
    for solver in (KrylovRecycling(tolerance=2e-14, recycled=6, subspace=20), LearnedRelaxation(tolerance=2e-14)):
        answers = solve_sorted(solver.sequence(), systems())
        assert max(answer.residual for answer in answers) <= 2e-14


@pytest.mark.parametrize(
    "solver",
    [KrylovRecycling(max_products=3, recycled=1, subspace=2), LearnedRelaxation(max_iterations=3)],
    ids=["krylov", "relaxation"],
)
def test_what_does_not_converge_has_failed_and_says_so(solver):
    answer = solver.sequence().solve(systems()[1])
    assert "stopped at relative residual" in solver.failure(answer)
    assert "after 3 products" in solver.failure(answer)


@pytest.mark.parametrize("solver", [Direct(), *SOLVERS[:4]], ids=lambda solver: solver.words()[:30])
def test_what_is_no_number_has_failed(solver):
    system = systems()[0]
    sequence = solver.sequence()
    broken = sequence.solve(system._replace(f=np.full(N * N, np.nan)))
    assert "residual inf" in solver.failure(broken)
    assert solver.failure(sequence.solve(system)) == ""  # and leaves nothing behind
    singular = sparse.csr_array((N * N, N * N))
    if solver.kind in ("direct", "krylov_recycling"):
        assert solver.failure(solver.sequence().solve(system._replace(matrix=singular)))
    nothing = solver.sequence().solve(system._replace(f=np.zeros(N * N)))
    assert nothing.residual == 0.0
    assert not nothing.u.any()


def test_a_space_that_would_cost_more_than_it_saves_is_not_carried():
    system = systems()[1]
    sequence = Recycled(KrylovRecycling(subspace=20, recycled=6))
    sequence.solve(system)
    assert sequence.space.shape == (N * N, 6)
    sequence.solve(system._replace(inverse=lambda v: solve_shifted(N, 5.0, v)))
    assert sequence.space is None


def test_a_relaxation_is_learnt_from_iterations_alone():
    sequence = Relaxed(LearnedRelaxation(low=1.0, high=1.95, relaxations=3))
    system = systems([0.0])[0]
    for _ in range(40):
        sequence.solve(system)
    assert set(sequence.relaxations) == {1.0, 1.475, 1.95}
    cost = {w: np.mean([i for i, own in zip(sequence.iterations, sequence.relaxations, strict=True) if own == w])
            for w in set(sequence.relaxations)}  # fmt: skip
    late = sequence.relaxations[20:]
    assert max(set(late), key=late.count) == min(cost, key=cost.get)


def boxed():
    zero = np.zeros((N, N), dtype=bool)
    zero[4:8, 6:12] = True
    matrix = with_zeros(laplacian(N), zero.reshape(-1))
    f = np.where(zero, 0.0, np.random.default_rng(2).standard_normal((N, N))).reshape(-1)
    return LinearSystem(matrix, f, ())


def test_directions_of_the_inverse_need_one_step():
    system = LinearSystem(laplacian(N), np.random.default_rng(1).standard_normal(N * N), ())
    answer = conjugate_directions(system, lambda r: -3.0 * solve_shifted(N, 0.0, r), 1e-10, 100)
    assert answer.products == 1


def test_directions_of_the_residual_are_conjugate_gradients():
    system = boxed()
    steepest = conjugate_directions(system, np.copy, 1e-8, 1000)

    class Applied:
        def __init__(self, linear):
            self.linear = linear

        def apply(self, u, out):
            out[0] = self.linear(u[0])

    found = solve(Applied(lambda u: system.matrix @ u), system.f[None], Applied(np.copy), tolerance=0.9e-8)
    assert abs(steepest.products - found.iterations[0]) <= 1


@pytest.mark.parametrize("bad", ["zero", "nan", "noise", "across"])
def test_bad_directions_cost_steps_and_never_the_answer(bad):
    rng, system = np.random.default_rng(3), boxed()
    proposals = {
        "zero": lambda r: np.zeros_like(r),
        "nan": lambda r: np.full_like(r, np.nan),
        "noise": lambda r: r + 0.3 * rng.standard_normal(len(r)) / N,
        "across": lambda r: np.roll(r, 1) - r * float(r @ np.roll(r, 1)),
    }
    answer = conjugate_directions(system, proposals[bad], 1e-8, 20_000)
    assert answer.residual == true_residual(system, answer.u) <= 1e-8
    exact = Direct().sequence().solve(system)
    assert np.linalg.norm(answer.u - exact.u) <= 1e-5 * np.linalg.norm(exact.u)


def test_an_indefinite_matrix_fails_instead_of_running_on():
    system = LinearSystem((laplacian(N) - 1e4 * ONE).tocsr(), np.ones(N * N), ())
    assert conjugate_directions(system, np.copy, 1e-8, 50).residual > 1e-8


ADAPTER = TypeAdapter(DefiniteSolver)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "multigrid"}, "direct"),
        ({"kind": "krylov_recycling", "subspace": 10, "recycled": 10}, "not below subspace"),
        ({"kind": "learned_relaxation", "low": 1.5, "high": 1.2}, "above high"),
        ({"kind": "learned_relaxation", "context": [2.0, 1.0]}, "does not ascend"),
        ({"kind": "conjugate_directions", "network": "nowhere.safetensors"}, "no such file"),
        ({"kind": "direct", "tolerance": 1.0}, "less than or equal"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ValidationError, match=message):
        ADAPTER.validate_python(settings)
