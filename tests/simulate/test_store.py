"""The run store: found by identity, torn packs, processes that write at once."""

import multiprocessing
import sys

import numpy as np
import pytest
import xarray as xr

from surecast.simulate import store as stores
from surecast.simulate.runs_table import runs_table
from surecast.simulate.store import DEFINITION, RunStore


def runs(numbers, definition="d"):
    numbers = np.asarray(numbers, dtype=float)
    return xr.Dataset(
        {
            "y": ("run", numbers**2, {DEFINITION: definition}),
            "u": (("run", "x"), np.outer(numbers, [1.0, 2.0]).astype(np.float32), {DEFINITION: definition}),
            "failed": ("run", (numbers > 90).astype(np.int8)),
            "message": ("run", np.where(numbers > 90, "too large", "").astype(object)),
        }
    )


def names(numbers):
    return np.array([f"{number:032d}" for number in numbers])


@pytest.fixture
def store(tmp_path):
    store = RunStore(tmp_path / "store")
    store.add(names(range(5)), runs(range(5)))
    store.add(names(range(5, 9)), runs(range(5, 9)))
    return store


def test_finds_by_identity(store):
    blocks, place = RunStore(store.folder).find(names([7, 2, 30]), {"y": "d", "u": "d"})
    joined = xr.concat(blocks, "run", data_vars="all")
    assert set(place) == set(names([7, 2]))
    for number in (7, 2):
        run = joined.isel(run=place[f"{number:032d}"])
        assert float(run["y"]) == number**2
        np.testing.assert_array_equal(run["u"], [number, 2 * number])
        assert str(run["message"].values) == ""


def test_a_failed_run_is_found_with_its_message(store):
    store.add(names([95]), runs([95]))
    (block,), place = RunStore(store.folder).find(names([95]), {"y": "d"})
    assert int(block["failed"][0]) == 1
    assert str(block["message"].values[0]) == "too large"
    assert place == {f"{95:032d}": 0}


def test_a_changed_or_missing_output_is_not_found(store):
    assert store.find(names([1]), {"y": "other"}) == ([], {})
    assert store.find(names([1]), {"y": "d", "z": "d"}) == ([], {})
    assert store.find(names([1]), {})[1]


def test_an_empty_store(tmp_path):
    store = RunStore(tmp_path / "nowhere")
    assert len(store) == 0
    assert store.find(names([1]), {"y": "d"}) == ([], {})
    assert not store.folder.exists()


def test_a_run_in_two_packs_counts_once(store):
    store.add(names([3, 20]), runs([3, 20]))
    assert len(RunStore(store.folder)) == 10
    blocks, place = store.find(names([3, 20, 4]), {"y": "d"})
    joined = xr.concat(blocks, "run", data_vars="all")
    assert sorted(place.values()) == [0, 1, 2]
    assert [float(joined["y"][place[name]]) for name in names([3, 20, 4])] == [9.0, 400.0, 16.0]


def test_sees_packs_of_others(store):
    other = RunStore(store.folder)
    assert len(other) == 9
    store.add(names([50]), runs([50]))
    assert other.find(names([50]), {"y": "d"})[1]
    for pack in store.folder.glob("*.nc"):
        pack.unlink()
    assert len(other) == 0


@pytest.mark.parametrize("damage", ["truncated", "empty", "flipped"])
@pytest.mark.parametrize("known", [False, True])
def test_a_torn_pack_is_set_aside(store, damage, known):
    pack = sorted(store.folder.glob("*.nc"))[0]
    content = bytearray(pack.read_bytes())
    lost = xr.load_dataset(pack)["identity"].values
    reader = RunStore(store.folder)
    if known:  # the reader has seen the pack whole
        assert len(reader) == 9
    if damage == "truncated":
        del content[len(content) // 2 :]
    elif damage == "empty":
        content.clear()
    else:
        values = xr.load_dataset(pack)["u"].values.astype("<f4").tobytes()
        place = bytes(content).index(values)
        content[place + 6] ^= 1
    pack.write_bytes(content)
    with pytest.warns(RuntimeWarning, match="set aside"):
        _, place = reader.find(names(range(9)), {"y": "d", "u": "d"})
    assert set(place) == set(names(range(9))) - set(lost)
    assert not pack.exists()
    assert pack.with_name(f"{pack.name}.torn").exists()
    reader.add(lost, runs([int(name) for name in lost]))
    assert len(RunStore(store.folder)) == 9


def write(folder, me, begin):
    """Five packs of runs: two of its own each, and one that all make."""
    stores.PACKS = 3  # index files too are written, put together and removed by all at once
    store = RunStore(folder)
    begin.wait(60)
    for start in range(0, 10, 2):
        numbers = [2000 * me + start, 2000 * me + start + 1, start]
        store.add(names(numbers), runs(numbers))
        assert set(store.find(names(numbers), {"y": "d"})[1]) == set(names(numbers))


@pytest.mark.skipif(sys.platform != "linux", reason="writers are forks, which need not import everything anew")
def test_processes_write_at_once(tmp_path):
    context = multiprocessing.get_context("fork")
    begin = context.Barrier(3)
    writers = [context.Process(target=write, args=(tmp_path / "store", me, begin)) for me in (1, 2, 3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(300)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    store = RunStore(tmp_path / "store")
    assert len(store) == 3 * 10 + 5
    expected = [2000 * me + number for me in (1, 2, 3) for number in range(10)] + list(range(0, 10, 2))
    blocks, place = store.find(names(expected), {"y": "d"})
    joined = xr.concat(blocks, "run", data_vars="all")
    assert [float(joined["y"][place[name]]) for name in names(expected)] == [float(number) ** 2 for number in expected]
    rows = [place[name] for name in names(expected)]
    np.testing.assert_array_equal(joined["u"].values[rows, 1], 2 * np.array(expected))
    table, _ = runs_table(store)
    assert sorted(table["y"]) == sorted(float(number) ** 2 for number in expected)
    assert list((tmp_path / "store" / "index").glob("*.nc"))
    assert not [path for path in (tmp_path / "store").rglob("*") if path.suffix in (".torn", ".aside")]
