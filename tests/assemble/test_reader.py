"""Batches: every run once an epoch, the same order for the same seed, and a position that can be taken up again."""

from __future__ import annotations

import gc
import json
import shutil
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from surecast.assemble.epoch import plan_epoch
from surecast.assemble.layout import VariableLayout
from surecast.assemble.manifest import FORMAT, VERSION, describe
from surecast.assemble.open import open_dataset
from surecast.assemble.reader import BatchReader
from surecast.assemble.shard import shard_writer
from surecast.assemble.zarr_store import create, metadata_digests
from surecast.study.errors import DataError
from surecast.study.files import write_json

RUNS, CELLS, CHUNK = 2000, 2048, 32
"""16 MiB of a field, in chunks of 256 KiB."""
FAILED, OTHER = (7, 40, 1999), slice(1000, 1010)
"""Runs that failed, and those of another split."""


def reader(made, **changes):
    arguments = {"variables": ["u", "top"], "split": "train", "batch": 8, "seed": 1} | changes
    return BatchReader(made.paths.manifest, **arguments)


def field(runs):
    """The field of some runs: no two values of two runs are the same."""
    return (runs[:, None] + np.arange(CELLS) / CELLS).astype(np.float32)


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A dataset of 63 chunks of a field in four files, and of two variables whose chunks are longer."""
    folder = tmp_path_factory.mktemp("stored")
    runs = np.arange(RUNS)
    split, failed = np.zeros(RUNS, np.int8), np.zeros(RUNS, np.int8)
    split[OTHER], failed[list(FAILED)] = 1, 1
    content = {
        "u": (field(runs), CHUNK, 16 * CHUNK),
        "half": (field(runs)[:, : CELLS // 2], 3 * CHUNK, 6 * CHUNK),
        "number": (runs, RUNS, RUNS),
        "split": (split, RUNS, RUNS),
        "failed": (failed, RUNS, RUNS),
    }
    layouts = [
        VariableLayout(name, ("run", "x")[: values.ndim], values.shape, values.dtype.str, {}, chunk, shard)
        for name, (values, chunk, shard) in content.items()
    ]
    create(folder / "d.zarr", layouts, {})
    variables = {}
    for layout in layouts:
        digests = []
        for number in range(layout.shards):
            with shard_writer(folder / "d.zarr" / layout.shard_path(number), layout) as writer:
                for chunk in layout.shard_chunks(number):
                    writer.append(content[layout.name][0][slice(*layout.chunk_range(chunk))])
            digests += writer.digests
        variables[layout.name] = describe(layout, digests)
    body = {"format": FORMAT, "version": VERSION, "store": "d.zarr", "runs": RUNS, "variables": variables}
    write_json(folder / "d.json", body | {"metadata": metadata_digests(folder / "d.zarr")})
    return folder / "d.json"


GOOD = np.setdiff1d(np.arange(RUNS), [*FAILED, *range(RUNS)[OTHER]])


def of(manifest, **changes):
    """A reader whose windows are four chunks, an eighth of what is in the file."""
    arguments = {"variables": ["u"], "split": "train", "batch": 16, "seed": 1, "memory_mib": 2, "workers": 0} | changes
    return BatchReader(manifest, **arguments)


def an_epoch(batches):
    return np.concatenate([next(batches)["run"] for _ in range(batches.batches_per_epoch)])


def counted(batches):
    """What a reader reads from now on: variable, first and last run, in order."""
    seen, fetch = [], batches._store.fetch

    def fetch_and_count(name, start, stop):
        seen.append((name, start, stop))
        return fetch(name, start, stop)

    batches._store.fetch = fetch_and_count
    return seen


def test_an_epoch_holds_every_good_run_of_the_split_once(made):
    batches = reader(made, batch=1)
    dataset = open_dataset(made.paths.manifest)
    good = np.flatnonzero((made.design["split"].values == "train") & (dataset["failed"].values == 0))
    first, second = an_epoch(batches), an_epoch(batches)
    assert sorted(first) == sorted(second) == good.tolist()
    assert not np.array_equal(first, second)
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


@pytest.mark.parametrize("taken", [1, 5, 30, 61, 62, 100])
def test_a_position_between_windows_too(stored, taken):
    ranks = {"rank": 1, "ranks": 2, "drop_last": False}
    batches = of(stored, workers=1, **ranks)
    for _ in range(taken):
        next(batches)
    resumed = of(stored, workers=3, **ranks)
    next(resumed)  # it has read elsewhere before
    resumed.load_state_dict(json.loads(json.dumps(batches.state_dict())))
    for _ in range(20):
        wanted, found = next(batches), next(resumed)
        assert np.array_equal(wanted["run"], found["run"])
        assert np.array_equal(wanted["u"], found["u"])


@pytest.mark.parametrize("change", [{"batch": 4}, {"rank": 1, "ranks": 2}, {"drop_last": False}, {"seed": 2}])
def test_a_position_of_another_reader_is_refused(made, change):
    with pytest.raises(DataError, match=r"saved position is of a reader with \w+ .*, this one has .*Remedy"):
        reader(made, **change).load_state_dict(reader(made).state_dict())


def test_windows_of_chunks_give_every_run_once_from_few_chunks_at_a_time(stored):
    batches = of(stored)
    for _ in range(2):
        seen, chunks = [], []
        for _ in range(batches.batches_per_epoch):
            batch = next(batches)
            np.testing.assert_array_equal(batch["u"], field(batch["run"]))
            seen.append(batch["run"])
            chunks.append(set((batch["run"] // CHUNK).tolist()))
        seen = np.concatenate(seen)
        assert len(np.unique(seen)) == len(seen) == len(GOOD) // 16 * 16
        assert set(seen) <= set(GOOD)
        # Four chunks make a window: the first seven batches lie in one, and most hold runs of all its chunks.
        assert len(set.union(*chunks[:7])) == 4
        assert np.mean([len(one) >= 4 for one in chunks]) > 0.8


def test_each_chunk_is_read_once_an_epoch(stored):
    batches = of(stored, variables=["u", "number"])
    fetched = counted(batches)
    for _ in range(2):
        fetched.clear()
        an_epoch(batches)
        for name in ("u", "number"):
            assert sorted(start for seen, start, _ in fetched if seen == name) == list(range(0, RUNS, CHUNK))


def test_what_fits_into_the_memory_is_read_once_and_shuffled_as_one(stored):
    batches = of(stored, memory_mib=17, workers=2)
    fetched = counted(batches)
    first = an_epoch(batches)
    an_epoch(batches)
    assert sorted(start for _, start, _ in fetched) == list(range(0, RUNS, CHUNK))
    assert len(np.unique(first[:128] // CHUNK)) > 40


def test_the_number_of_workers_changes_no_batch(stored):
    readers = [of(stored, workers=workers, variables=["u", "half", "number"]) for workers in (0, 1, 3)]
    for _ in range(2 * readers[0].batches_per_epoch + 5):
        one, *others = [next(batches) for batches in readers]
        assert np.array_equal(one["number"], one["run"])
        assert np.array_equal(one["half"], one["u"][:, : CELLS // 2])
        for other in others:
            assert all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("ranks", [1, 2, 3, 7])
def test_ranks_share_the_chunks_and_give_every_run_once(stored, ranks):
    sizes, epochs = [], [[], []]
    for rank in range(ranks):
        batches = of(stored, rank=rank, ranks=ranks, drop_last=False)
        fetched = counted(batches)
        for seen in epochs:
            fetched.clear()
            seen.append(an_epoch(batches))
            # A chunk where two shares meet is read by both.
            assert len({start for _, start, _ in fetched}) == len(fetched) <= -(-63 // ranks) + 2
        sizes.append(len(epochs[0][-1]))
    for seen in epochs:
        assert np.array_equal(np.sort(np.concatenate(seen)), GOOD)
    assert max(sizes) - min(sizes) <= 1
    if ranks > 1:  # which runs are a rank's changes from epoch to epoch
        assert len(np.intersect1d(epochs[0][0], epochs[1][0])) < 0.8 * sizes[0]


def test_ranks_have_as_many_batches(stored):
    counts = {of(stored, batch=64, rank=rank, ranks=7).batches_per_epoch for rank in range(7)}
    assert counts == {len(GOOD) // 7 // 64}


def test_the_last_batch_may_be_smaller(stored):
    batches = of(stored, drop_last=False)
    lengths = [len(next(batches)["run"]) for _ in range(batches.batches_per_epoch)]
    assert lengths == [16] * (len(GOOD) // 16) + [len(GOOD) % 16]


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_a_changed_byte_is_noticed_by_the_rank_that_reads_it_and_no_other(stored, tmp_path, workers):
    shutil.copytree(stored.parent, tmp_path / "copy")
    path = tmp_path / "copy" / "d.zarr" / "u" / "c" / "1" / "0"
    content = bytearray(path.read_bytes())
    content[5 * CHUNK * CELLS * 4 + 77] ^= 1  # chunk 21
    path.write_bytes(bytes(content))
    noticed = []
    for rank in range(3):
        batches = of(tmp_path / "copy" / "d.json", workers=workers, rank=rank, ranks=3, drop_last=False)
        holds = bool((batches._plan(0).order // CHUNK == 21).any())
        if not holds:
            assert 21 not in an_epoch(batches) // CHUNK
            continue
        for _ in range(2):  # again where one goes on
            with pytest.raises(DataError, match=r"chunk 21 of 'u' has changed.*Remedy: delete the dataset"):
                an_epoch(batches)
        noticed.append(rank)
    assert 1 <= len(noticed) <= 2


def test_workers_read_one_window_ahead_and_no_further(stored):
    batches = of(stored, workers=3)
    fetched = counted(batches)
    next(batches)
    for futures in batches._windows.values():
        for coming in futures:
            coming.result()
    first, second, *_ = batches._plan(0).windows
    assert sorted(start // CHUNK for _, start, _ in fetched) == sorted([*first, *second])


def mapped(folder):
    """Bytes of the dataset's files that are in the memory of this process."""
    total, inside = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        word, _, rest = line.partition(" ")
        if "-" in word and not word.endswith(":"):
            inside = str(folder) in rest
        elif inside and word == "Rss:":
            total += int(rest.split()[0]) * 1024
    return total


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="the system does not say what is mapped")
@pytest.mark.parametrize("workers", [0, 2])
def test_memory_is_bounded_whatever_the_size_of_the_dataset(stored, workers):
    limit = 4 << 20  # a quarter of the dataset
    batches = of(stored, memory_mib=4, workers=workers, variables=["u", "number"])
    gc.collect()  # readers of other tests
    largest = 0
    for count in range(2 * batches.batches_per_epoch):
        next(batches)
        if count % 23 == 0:
            largest = max(largest, mapped(stored.parent))
    assert limit / 3 <= largest <= limit + (64 << 10)  # and a page of the index of each file
    tracemalloc.start()
    an_epoch(batches)
    own = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert own < 1 << 20  # batches of 128 KiB, and the plan
    an_epoch(whole := of(stored, memory_mib=17, workers=workers))
    assert mapped(stored.parent) > 15 << 20, "what was measured is what is in memory"
    del whole


def test_threads_end_with_the_reader(stored):
    batches = of(stored, workers=3)
    an_epoch(batches)
    threads = set(batches._pool._threads)
    assert threads
    del batches
    gc.collect()
    for thread in threads:
        thread.join(timeout=30)
    assert not any(thread.is_alive() for thread in threads)


def test_a_plan_cuts_between_ranks_within_a_chunk():
    runs = np.arange(100)
    plans = [plan_epoch(runs, 10, 4, np.random.default_rng(5), rank, 4) for rank in range(4)]
    assert [len(plan.order) for plan in plans] == [25] * 4
    assert sorted(np.concatenate([plan.order for plan in plans])) == list(range(100))
    chunks = [{chunk for window in plan.windows for chunk in window} for plan in plans]
    assert [len(one) for one in chunks] == [3, 3, 3, 3]
    assert len(chunks[0] & chunks[1]) == len(chunks[2] & chunks[3]) == 1
    assert not chunks[1] & chunks[2]
    for plan in plans:
        assert plan.stops[-1] == 25
        for place, run in enumerate(plan.order):
            assert run // 10 in plan.windows[plan.window(place)]


def test_a_split_smaller_than_a_batch_gives_all_of_it(made):
    assert len(next(reader(made, split="validation", batch=1000))["run"]) == len(reader(made, split="validation").runs)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"variables": ["v"]}, "no variable 'v'"),
        ({"variables": []}, "no variables"),
        ({"split": "training"}, "no split 'training'"),
        ({"rank": 2, "ranks": 2}, "no rank 2 of 2.*count ranks from 0"),
        ({"rank": 0, "ranks": 0}, "no rank 0 of 0"),
        ({"split": "validation", "rank": 0, "ranks": 100}, "validation runs were asked for by 100 ranks"),
        ({"batch": 0}, "batches of 0 of"),
        ({"workers": -1}, "-1 workers"),
        ({"memory_mib": 0}, "0 MiB of memory"),
    ],
)
def test_bad_arguments_are_refused(made, change, message):
    with pytest.raises(DataError, match=message):
        reader(made, **change)
