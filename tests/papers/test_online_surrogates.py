"""The paper's two problems against their equations, and its streams against what they are to be."""

from __future__ import annotations

import itertools

import numpy as np

from surecast.papers.online_surrogates import (
    BATCH,
    CLIENTS,
    FRAMES,
    PROBLEMS,
    as_simulated,
    burgers,
    direct,
    from_queue,
    from_reservoir,
    heat,
)


def test_the_bar_begins_as_stated_and_ends_between_its_ends():
    parameters = np.array([[0.9, 0.2, 0.6, 0.3, 1.0]])
    left, right, start, bump, _ = 2 * parameters[0] - 1
    fine = heat(parameters, points=16, modes=4000)
    x = (np.arange(16) + 0.5) / 16
    assert np.abs(fine[0, 0] - (start + bump * np.sin(np.pi * x))).max() < 5e-3
    # The slowest mode has decayed by exp(-0.2 pi^2) = 0.14 at the end.
    assert np.abs(fine[0, -1] - left - (right - left) * x).max() < 0.14 * 4 / np.pi * 2


def test_the_bar_conducts_heat():
    """u_t = D u_xx, by differences of second order."""
    parameters = np.random.default_rng(3).random((4, 5))
    u = heat(parameters, points=200)[:, 10:13]
    rate = (u[:, 2] - u[:, 0]) * FRAMES / 2
    curvature = np.diff(u[:, 1], 2, axis=1) * 200**2
    diffusivity = 0.11 + 0.09 * (2 * parameters[:, 4:] - 1)
    assert np.abs(rate[:, 1:-1] - diffusivity * curvature).max() < 0.03 * np.abs(rate).max()


def test_the_flow_is_that_of_a_finer_grid():
    parameters = np.random.default_rng(3).random((3, 5))
    coarse, fine = burgers(parameters), burgers(parameters, points=96)[..., ::2]
    assert coarse.shape == (3, FRAMES + 1, 48)
    assert np.linalg.norm(coarse - fine) < 2e-3 * np.linalg.norm(fine)


def runs():
    """Each state is the number of its run and of its time."""
    for run in itertools.count():
        yield np.full(5, run), np.stack([np.arange(FRAMES + 1), np.full(FRAMES + 1, run)], axis=1)


def test_simulations_beside_each_other_send_their_time_steps_in_turn():
    problem = PROBLEMS["perceptron"]._replace(samples=lambda parameters, states: (states[1:], states[1:]))
    first = [state.tolist() for _, state in itertools.islice(as_simulated(runs(), problem), 2 * CLIENTS)]
    assert first == [[1, run] for run in range(CLIENTS)] + [[2, run] for run in range(CLIENTS)]


def test_a_queue_gives_what_came_together_and_a_reservoir_what_came_at_any_time():
    samples = ((np.zeros(1), np.array(number)) for number in itertools.count())
    for number, batch in enumerate(itertools.islice(from_queue(samples), 3)):
        assert [int(one) for _, one in batch] == list(range(number * BATCH, (number + 1) * BATCH))
    spans = []
    for batch in itertools.islice(from_reservoir(samples, 0), 200):
        numbers = [int(one) for _, one in batch]
        assert len(set(numbers)) == BATCH
        spans.append(max(numbers) - min(numbers))
    assert np.mean(spans[100:]) > 50 * BATCH


def test_what_a_network_sees_is_of_order_one():
    parameters = np.random.default_rng(0).random((64, 5))
    states = heat(parameters)
    seen = np.stack([direct(one, run)[0] for one, run in zip(parameters, states, strict=True)])
    assert seen.shape == (64, FRAMES, 6)
    assert np.abs(seen).max() <= 1
