import numpy as np

from surecast.train.guess import LinearGuess


def test_affine_dependence_is_found_exactly_in_blocks_of_any_size() -> None:
    rng = np.random.default_rng(1)
    scalars, coefficients = rng.normal(size=(40, 2)), rng.normal(size=(3, 2, 5, 6))
    fields = np.einsum("nj,j...->n...", np.concatenate((np.ones((40, 1)), scalars), axis=1), coefficients)
    for size in (40, 7):
        blocks = [(scalars[i : i + size], fields[i : i + size]) for i in range(0, 40, size)]
        guess = LinearGuess.fit(blocks)
        np.testing.assert_allclose(guess.coefficients, coefficients, atol=1e-12)
        np.testing.assert_allclose(guess(scalars), fields, atol=1e-5)


def test_without_scalars_it_is_the_mean() -> None:
    fields = np.random.default_rng(2).normal(size=(12, 1, 4))
    guess = LinearGuess.fit([(np.empty((12, 0)), fields)])
    np.testing.assert_allclose(guess(np.empty((3, 0))), np.repeat(fields.mean(axis=0)[None], 3, axis=0), atol=1e-6)


def test_a_scalar_that_never_varies_does_no_harm() -> None:
    fields = np.random.default_rng(3).normal(size=(12, 1, 4))
    guess = LinearGuess.fit([(np.zeros((12, 1)), fields)])
    np.testing.assert_allclose(guess(np.zeros((1, 1)))[0], fields.mean(axis=0), atol=1e-6)


def test_a_run_has_the_same_bits_whatever_its_neighbours() -> None:
    rng = np.random.default_rng(4)
    guess = LinearGuess(rng.normal(size=(4, 2, 3, 3)))
    scalars = rng.normal(size=(20, 3))
    assert all((guess(scalars[i : i + 1])[0] == guess(scalars)[i]).all() for i in range(20))
