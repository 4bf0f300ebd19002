"""Batches: every run once an epoch, the same order for the same seed, and a position that can be taken up again."""

from __future__ import annotations

import json

import numpy as np
import pytest

from surecast.assemble.open import open_dataset
from surecast.assemble.reader import BatchReader
from surecast.study.errors import DataError


def reader(made, **changes):
    arguments = {"variables": ["u", "top"], "split": "train", "batch": 8, "seed": 1} | changes
    return BatchReader(made.paths.manifest, **arguments)


def test_an_epoch_holds_every_good_run_of_the_split_once(made):
    batches = reader(made, batch=1)
    dataset = open_dataset(made.paths.manifest)
    good = np.flatnonzero((made.design["split"].values == "train") & (dataset["failed"].values == 0))
    first = [int(next(batches)["run"][0]) for _ in good]
    second = [int(next(batches)["run"][0]) for _ in good]
    assert sorted(first) == sorted(second) == good.tolist()
    assert first != second
    assert batches.epoch == 1


def test_values_belong_to_the_runs(made):
    batch = next(reader(made))
    np.testing.assert_allclose(batch["u"], made.truth()[batch["run"]], rtol=1e-6)
    np.testing.assert_allclose(batch["top"], (made.design["a"] + made.design["b"]).values[batch["run"]], rtol=1e-12)
    assert batch["u"].shape == (8, 32)


def test_the_order_follows_from_the_seed(made):
    runs = [np.concatenate([next(batches)["run"] for _ in range(12)]) for batches in (reader(made), reader(made))]
    assert np.array_equal(*runs)
    assert not np.array_equal(runs[0][:8], next(reader(made, seed=2))["run"])


@pytest.mark.parametrize("taken", [0, 3, 7, 8, 20])
def test_a_saved_position_goes_on_with_the_same_batches(made, taken):
    batches = reader(made)
    for _ in range(taken):
        next(batches)
    state = json.loads(json.dumps(batches.state_dict()))
    resumed = reader(made)
    resumed.load_state_dict(state)
    for _ in range(12):
        wanted, found = next(batches), next(resumed)
        assert all(np.array_equal(wanted[name], found[name]) for name in wanted)


def test_a_position_of_another_reader_is_refused(made):
    with pytest.raises(DataError, match=r"a reader with batch 8, this one has 4.*Remedy"):
        reader(made, batch=4).load_state_dict(reader(made).state_dict())


def test_small_groups_of_chunks_still_give_every_run_once(make, pieces):
    made = make()
    made.assemble()
    small = reader(made, variables=["u"], memory_mib=2 / 1024)  # two chunks
    truth = made.truth()
    for _ in range(2):
        batches = [next(small) for _ in range(small.batches_per_epoch)]
        seen = np.concatenate([batch["run"] for batch in batches])
        assert len(np.unique(seen)) == len(seen) == len(small.runs) // 8 * 8
        for batch in batches:
            np.testing.assert_allclose(batch["u"], truth[batch["run"]], rtol=1e-6)
    # Two chunks of eight runs at a time: the first sixteen or fewer runs come from two chunks.
    assert len(np.unique(small._groups()[0] // 8)) == 2
    assert len(small._groups()) == 4


def test_a_split_smaller_than_a_batch_gives_all_of_it(made):
    assert len(next(reader(made, split="validation", batch=1000))["run"]) == len(reader(made, split="validation").runs)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"variables": ["v"]}, "no variable 'v'"),
        ({"variables": []}, "no variables"),
        ({"split": "training"}, "no split 'training'"),
    ],
)
def test_bad_arguments_are_refused(made, change, message):
    with pytest.raises(DataError, match=message):
        reader(made, **change)
