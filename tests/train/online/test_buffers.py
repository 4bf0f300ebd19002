from typing import Any

import numpy as np
import pytest

from surecast.train.online.buffers import BUFFERS, Queue, Reservoir


def stream(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64DXSM(seed))


def test_every_run_is_in_a_batch_before_it_is_let_go() -> None:
    reservoir = Reservoir(10, stream())
    seen: set[int] = set()
    new = iter(range(10_000))
    for _ in range(300):
        while reservoir.accepts():
            gone = reservoir.add(next(new))
            assert gone is None or gone in seen
        assert len(reservoir) == 10
        drawn, gone_with_them = reservoir.draw(3)
        assert len(set(drawn)) == 3
        assert gone_with_them == []
        seen.update(drawn)


def test_where_no_run_has_been_in_a_batch_new_ones_wait() -> None:
    reservoir = Reservoir(4, stream())
    for run in range(4):
        assert reservoir.accepts()
        assert reservoir.add(run) is None
    assert not reservoir.accepts()
    (drawn,), _ = reservoir.draw(1)
    assert reservoir.accepts()
    assert reservoir.add(4) == drawn  # the only one that has been in a batch
    assert not reservoir.accepts()


def test_batches_are_uniform_over_all_runs_in_memory() -> None:
    reservoir = Reservoir(8, stream(1))
    for run in range(8):
        reservoir.add(run)
    counts = np.zeros(8)
    for _ in range(4000):
        drawn, _ = reservoir.draw(2)
        counts[drawn] += 1
    # Binomial(4000, 1/4): five standard deviations.
    assert np.abs(counts - 1000).max() < 5 * np.sqrt(4000 * 0.25 * 0.75)


def test_the_run_that_is_let_go_is_uniform_over_those_that_batches_have_had() -> None:
    counts = np.zeros(6)
    for trial in range(3000):
        reservoir = Reservoir(6, stream(trial))
        for run in range(6):
            reservoir.add(run)
        reservoir.draw(6)
        gone = reservoir.add(6)
        assert gone is not None
        counts[gone] += 1
    assert np.abs(counts - 500).max() < 5 * np.sqrt(3000 / 6 * 5 / 6)


def test_a_queue_gives_every_run_once_in_the_order_in_which_they_came() -> None:
    queue = Queue(6, stream())
    for run in range(6):
        queue.add(run)
    assert not queue.accepts()
    assert queue.draw(4) == ([0, 1, 2, 3], [0, 1, 2, 3])
    queue.add(6)
    assert queue.draw(4) == ([4, 5, 6], [4, 5, 6])
    assert len(queue) == 0


@pytest.mark.parametrize("kind", sorted(BUFFERS))
def test_it_goes_on_where_its_state_was_asked(kind: str) -> None:
    def go_on(buffer: Any, first: int) -> list[Any]:
        found = []
        for run in range(first, first + 40):
            if buffer.accepts():
                found.append(buffer.add(run))
            found.append(buffer.draw(2))
        return found

    buffer = BUFFERS[kind](5, stream(3))
    go_on(buffer, 0)
    state = buffer.state_dict()
    again = BUFFERS[kind](5, stream(4))
    again.load_state_dict(state)
    assert go_on(again, 100) == go_on(buffer, 100)
