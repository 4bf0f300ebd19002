"""The four flows' cases: none is learnt from and judged by, each is made; and the error that networks are judged by."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from surecast.papers.cfdbench import NETWORKS, errors, nmse, scaled
from surecast.papers.flows.cases import BEYOND, COARSENING, FRAMES, INSIDE, LEARNT, TRAINING, drawn, flows, simulated
from surecast.study.errors import SurecastError
from surecast.study.seeds import generator

CELLS = 24


@pytest.fixture(scope="module")
def sets():
    """Each flow, for a tenth of its time, with all of its cases."""
    found = {}
    for name, flow in flows(cells=CELLS, steps=2 * FRAMES).items():
        simulator = flow.simulator.model_copy(update={"time": 0.1 * flow.simulator.time})
        found[name] = (flow._replace(simulator=simulator), drawn(flow, generator(5, "test", "cfdbench", name)))
    return found


@pytest.mark.parametrize("name", ["cavity", "tube", "cylinder", "dam"])
def test_cases_are_split_by_case(sets, name):
    """In a case beyond, the parameters of its kind exceed all that is learnt from, the others do not."""
    flow, cases = sets[name]
    part = cases["part"].values
    assert (part[:TRAINING] == "training").all()
    kinds = {law.kind for law in flow.laws.values()}
    counts = {"training": TRAINING, "inside": INSIDE, **dict.fromkeys(kinds, BEYOND)}
    assert {kind: int((part == kind).sum()) for kind in np.unique(part)} == counts
    for key, law in flow.laws.items():
        values = cases[key].values
        assert len(np.unique(values)) == len(values)
        end = law.low * (law.high / law.low) ** LEARNT
        assert ((values >= end) == (part == law.kind)).all()
        assert law.low <= values.min()
        assert values.max() <= law.high


@pytest.mark.parametrize("name", ["cavity", "tube", "cylinder", "dam"])
def test_a_case_of_each_flow_is_made_and_learnt_from(sets, name):
    flow, cases = sets[name]
    few = cases.isel(run=[0, -1])
    store = simulated(flow, few)
    across = CELLS // COARSENING
    assert {store[field].shape for field in flow.fields} == {
        (2, FRAMES, across, (2 if name == "cylinder" else 1) * across)
    }
    assert all(np.array_equal(store[key], few[key]) for key in (*flow.laws, "part"))
    data = scaled(flow, store)
    assert data.states[0, :, -2:].square().mean().item() == pytest.approx(1.0, rel=1e-4)
    assert data.beside.abs().max() <= 1.5 + 1e-6
    for build in NETWORKS.values():
        found = errors(build(data.states.shape[2], data.beside.shape[1], data.states.shape[3:]), data)
        assert found.single.shape == found.rollout.shape == found.still.shape == (2, FRAMES - 1)
        np.testing.assert_allclose(found.single[:, 0], found.rollout[:, 0], rtol=1e-4)


def test_a_failed_case_is_not_left_out(sets):
    flow, cases = sets["cylinder"]
    wide = cases.isel(run=[0, 1]).assign(diameter=("run", [1.0, 9.0]))
    with pytest.raises(SurecastError, match="1 of 2 cases failed: the cylinder does not lie inside the domain"):
        simulated(flow, wide)


def test_the_error_is_that_of_the_velocity_relative_to_the_truth():
    truth = torch.ones(2, 3, 4, 4)
    predicted = truth.clone()
    predicted[:, 0] = 7.0  # the depth
    predicted[1, 1] = 3.0
    assert nmse(predicted, truth).tolist() == [0.0, 2.0]
    assert nmse(5 * predicted, 5 * truth).tolist() == [0.0, 2.0]
