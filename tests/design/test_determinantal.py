"""Determinantal and volume-rescaled designs against what defines them: densities, unbiasedness, determined fits."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from surecast.design.determinantal import WEIGHT, Determinantal, VolumeSampling
from surecast.design.features import PolynomialFeatures, SampledFeatures, feature_values
from surecast.design.make import make_design
from surecast.design.projection import projection_process, weighted_least_squares, weights
from surecast.quantify.given_data import GivenData
from surecast.study.bases import hermite, legendre
from surecast.study.errors import EstimationError, StudyError
from surecast.study.laws.continuous import Normal, Uniform
from surecast.study.laws.joint import JointLaw

COUNTS = {"validation": 4, "test": 4}
LAW = JointLaw({"x": Uniform(low=-1, high=1), "y": Normal(mean=2, standard_deviation=0.5)})


def density_grid(family: str) -> tuple[np.ndarray, np.ndarray]:
    if family == "legendre":
        grid = np.linspace(0, 1, 20_001)
        return grid, np.ones_like(grid)
    grid = np.linspace(-14, 14, 20_001)
    return grid, stats.norm.pdf(grid)


@pytest.mark.parametrize(("family", "degree"), [("legendre", 0), ("legendre", 7), ("hermite", 1), ("hermite", 9)])
def test_draws_of_one_polynomial_follow_its_square(family, degree):
    features = PolynomialFeatures([family], degree)
    features.indices = features.indices[-1:]
    features.size = 1
    drawn = features.draw(np.random.default_rng(degree), 4000)[:, 0]
    grid, law = density_grid(family)
    squared = {"legendre": legendre, "hermite": hermite}[family](grid, degree)[degree] ** 2 * law
    cumulated = np.concatenate([[0.0], np.cumsum(0.5 * (squared[1:] + squared[:-1]) * np.diff(grid))])
    assert cumulated[-1] == pytest.approx(1.0, abs=1e-4)
    assert stats.kstest(drawn, lambda z: np.interp(z, grid, cumulated)).pvalue > 1e-3


def test_each_point_of_a_process_has_the_christoffel_density_and_pairs_repel():
    features = PolynomialFeatures(["legendre"], 3)
    stream = np.random.default_rng(3)
    drawn = np.array([projection_process(features, stream)[:, 0] for _ in range(1500)])
    grid, _ = density_grid("legendre")
    christoffel = np.square(features(grid[:, None])).sum(axis=1) / 4
    cumulated = np.concatenate([[0.0], np.cumsum(0.5 * (christoffel[1:] + christoffel[:-1]) * np.diff(grid))])
    one = drawn[np.arange(1500), stream.integers(4, size=1500)]
    assert stats.kstest(one, lambda u: np.interp(u, grid, cumulated)).pvalue > 1e-3
    # E sum_{i != j} phi(x_i) phi(x_j) = (int phi k)^2 - int int phi phi K^2 for phi = x: the two-point density is
    # k(x) k(y) - K(x, y)^2.
    nodes, mass = np.polynomial.legendre.leggauss(16)
    phi = features(0.5 * (nodes[:, None] + 1)) * np.sqrt(0.5 * mass)[:, None]
    kernel = phi @ phi.T
    wanted = (nodes @ np.diag(kernel)) ** 2 - nodes @ (kernel**2) @ nodes
    x = 2 * drawn - 1
    pairs = x.sum(axis=1) ** 2 - (x**2).sum(axis=1)
    assert abs(pairs.mean() - wanted) < 4 * pairs.std() / np.sqrt(len(pairs))


def test_a_process_has_the_density_of_the_squared_determinant():
    """On six points the probability of every triple is known: det(Phi)^2/6^3 over all orders."""
    values = np.stack([np.ones(60), np.tile([-1.0, 0, 1, 2, 3, 5], 10), np.tile([1.0, 0, 2, 0, 1, 0], 10)], axis=1)
    features = SampledFeatures(values)
    phi = features.values[:6]
    probability = {
        triple: 6 * np.linalg.det(phi[list(triple)]) ** 2 / 6 / 6**3 for triple in itertools.combinations(range(6), 3)
    }
    assert sum(probability.values()) == pytest.approx(1.0)
    stream = np.random.default_rng(5)
    seen = dict.fromkeys(probability, 0)
    for _ in range(3000):
        seen[tuple(sorted(int(row) % 6 for row in projection_process(features, stream)[:, 0]))] += 1
    likely = [triple for triple, p in probability.items() if p > 1e-9]
    assert sum(seen[triple] for triple in likely) == 3000
    expected = [3000 * probability[triple] for triple in likely]
    assert stats.chisquare([seen[triple] for triple in likely], expected).pvalue > 1e-3


def test_volume_sampling_makes_weighted_least_squares_unbiased():
    features = PolynomialFeatures(["legendre"], 4)
    nodes, mass = np.polynomial.legendre.leggauss(60)
    q = 0.5 * (nodes[:, None] + 1)
    function = lambda u: np.exp(3 * u[:, 0]) * np.sin(9 * u[:, 0])  # noqa: E731
    wanted = (features(q) * (0.5 * mass)[:, None]).T @ function(q)
    fitted = []
    for seed in range(800):
        points = VolumeSampling(train=9, **COUNTS).train_points(features, 9, seed)
        fitted.append(weighted_least_squares(features(points), function(points), weights(features, points)))
    error = np.mean(fitted, axis=0) - wanted
    assert (np.abs(error) < 4 * np.std(fitted, axis=0) / np.sqrt(len(fitted))).all()


@pytest.mark.parametrize("kind", [Determinantal, VolumeSampling])
def test_designs_carry_their_weights_and_keep_their_first_runs(kind):
    design = kind(train=40, degree=3, **COUNTS)
    few, many = design.draw(LAW, 3, "train", 15), design.draw(LAW, 3, "train", 40)
    for name in ("x", "y", WEIGHT):
        assert few[name].values.tobytes() == many[name].values[:15].tobytes()
    features, _ = design.basis(LAW, 3)
    points = np.stack([(many["x"].values + 1) / 2, (many["y"].values - 2) / 0.5], axis=1)
    assert np.allclose(many[WEIGHT].values, weights(features, points), rtol=1e-9)
    assert not np.array_equal(design.draw(LAW, 4, "train", 15)["x"].values, few["x"].values)
    # A polynomial of the design's degree is found exactly from as many runs as features.
    values = few["x"].values[:10] ** 2 * few["y"].values[:10] + 3
    fitted = weighted_least_squares(features(points[:10]), values, few[WEIGHT].values[:10])
    assert np.allclose(features(points) @ fitted, many["x"].values ** 2 * many["y"].values + 3)
    other = design.draw(LAW, 3, "test", 4)
    assert (other[WEIGHT].values == 1).all()
    assert not kind.of_the_law


def test_a_function_gives_the_features(make_study, tmp_path):
    (tmp_path / "mine.py").write_text(
        "import numpy as np\n"
        "def last_layer(inputs):\n"
        "    head = inputs['head'].values\n"
        "    return np.stack([np.ones_like(head), np.tanh(head), 2 * np.tanh(head), inputs['well'].values], axis=1)\n"
    )
    study = make_study(kind="determinantal", features="mine:last_layer", train=9, candidates=1000)
    design = make_design(study)
    runs = design.isel(run=design["split"].values == "train")
    assert runs.sizes["run"] == 9
    phi = np.stack([np.ones(9), np.tanh(runs["head"].values), runs["well"].values], axis=1)  # two of four are one
    assert np.linalg.matrix_rank(phi[:3]) == 3
    assert runs[WEIGHT].values.min() > 0
    assert study.build_design().code() == ("mine:last_layer",)


def test_no_estimate_uses_its_training_runs(make_study):
    study = make_study(kind="determinantal", train=60)
    question = GivenData(of="outflow", splits=["train", "test"])
    with pytest.raises(EstimationError, match="correct no estimate"):
        question.with_runs(question.integrand(study.joint_law()), study, "none.json")


def test_what_is_refused(make_study):
    with pytest.raises(StudyError, match="is neither `polynomials` nor a function"):
        make_study(kind="determinantal", features="legendre").check()
    with pytest.raises(StudyError, match="fewer than the 56 features"):
        make_study(kind="determinantal", degree=3, train=20).check()
    with pytest.raises(StudyError, match="are more than 5000"):
        make_study(kind="volume_sampling", degree=40, train=20).check()
    with pytest.raises(StudyError, match="the features returned an array of shape"):
        feature_values(lambda inputs: np.ones(3), LAW.from_uniform(np.full((3, 2), 0.5)))
    with pytest.raises(StudyError, match="the features failed: KeyError"):
        feature_values(lambda inputs: inputs["z"], LAW.from_uniform(np.full((3, 2), 0.5)))
    with pytest.raises(StudyError, match="cannot be told"):
        SampledFeatures(np.zeros((100, 2)))
    with pytest.raises(StudyError, match="finite numbers"):
        SampledFeatures(np.full((100, 2), np.nan))
