"""The index of a run store: with it no pack is opened, without it or with a torn one the answers are the same."""

from __future__ import annotations

import os
import warnings

import numpy as np
import pytest
import xarray as xr

from surecast.simulate import listed_packs, pack_index
from surecast.simulate import store as stores
from surecast.simulate.listed_packs import DEFINITION, INPUT
from surecast.simulate.runs_table import runs_table
from surecast.simulate.store import RunStore


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """An index file for every four packs, of inputs of at most three coefficients."""
    monkeypatch.setattr(stores, "PACKS", 4)
    monkeypatch.setattr(listed_packs, "MOST_TERMS", 3)


@pytest.fixture
def opened(monkeypatch):
    """Names of the packs that are opened."""
    names = []
    whole, part = stores.read_dataset, stores.opened
    monkeypatch.setattr(stores, "read_dataset", lambda path: names.append(path.name) or whole(path))
    monkeypatch.setattr(stores, "opened", lambda path: names.append(path.name) or part(path))
    return names


def names(numbers):
    return np.array([f"{number:032x}" for number in numbers])


def add(store, numbers, terms=2, definition="d"):
    """A pack of runs y = a^2 with a field u; above 90 they fail."""
    a = np.asarray(numbers, dtype=float)
    runs = xr.Dataset(
        {
            "y": ("run", np.where(a > 90, np.nan, a**2), {DEFINITION: definition, "units": "m"}),
            "u": (("run", "x"), np.outer(a, [1.0, 2.0]).astype(np.float32), {DEFINITION: definition}),
            "failed": ("run", (a > 90).astype(np.int8), {"flag_values": np.array([0, 1], dtype=np.int8)}),
            "message": ("run", np.where(a > 90, "too large: µ", "").astype(object)),
        }
    )
    inputs = {"a": ("run", a, {"units": "kg"}), "k": (("run", "term"), np.outer(a, np.arange(terms)))}
    store.add(names(numbers), runs, xr.Dataset({**inputs, "seed": ("run", np.asarray(numbers) + 2**60)}))


def filled(folder, packs, **more):
    store = RunStore(folder)
    for pack in range(packs):
        add(store, [2 * pack, 2 * pack + 1], **more)
    return store


def index_files(store):
    return sorted((store.folder / "index").glob("*.nc"))


def values(store, numbers):
    blocks, place = store.find(names(numbers), {"y": "d", "u": "d"})
    joined = xr.concat(blocks, "run", data_vars="all")
    rows = [place[name] for name in names(numbers)]
    np.testing.assert_array_equal(joined["u"].values[rows, 1], 2 * np.asarray(numbers, dtype=np.float32))
    return joined["y"].values[rows].tolist()


def test_what_is_indexed_is_found_without_opening_other_packs(tmp_path, opened):
    store = filled(tmp_path, 8)
    assert index_files(store)
    fresh = RunStore(tmp_path)
    assert len(fresh) == 16
    assert fresh.find(names([99]), {"y": "d"}) == ([], {})
    assert opened == []
    assert values(fresh, [5, 14]) == [25.0, 196.0]
    assert len(opened) == 2
    assert fresh.find(names([5]), {"y": "other"}) == ([], {})


def test_the_table_is_that_of_the_packs(tmp_path, opened):
    store = filled(tmp_path, 7)
    add(store, [91, 95])
    indexed, units = runs_table(RunStore(tmp_path))
    assert opened == []
    for file in index_files(store):
        file.unlink()
    plain, plain_units = runs_table(RunStore(tmp_path))
    assert len(opened) == 8
    assert indexed.equals(plain)
    assert units == plain_units == {"y": "m", "a": "kg"}
    assert indexed["seed"].tolist() == [number + 2**60 for number in [*range(14), 91, 95]]
    assert indexed["message"].tolist()[-1] == "too large: µ"


def test_index_files_stay_few_and_hold_every_pack_once(tmp_path):
    store = filled(tmp_path, 20)
    held = [pack for listed in pack_index.PackIndex(tmp_path / "index").every() for pack in listed.packs]
    assert len(held) == len(set(held)) == 20
    assert len(index_files(store)) <= 3  # of 16 packs and of 4
    assert values(RunStore(tmp_path), [0, 21, 39]) == [0.0, 441.0, 1521.0]


def test_packs_of_several_forms(tmp_path, opened):
    store = filled(tmp_path, 4)
    filled(tmp_path, 4, definition="other")
    fresh = RunStore(tmp_path)
    assert len(index_files(store)) == 2
    assert len(fresh) == 8
    assert values(fresh, [3]) == [9.0]
    assert fresh.find(names([3]), {"y": "other"})[1] == {names([3])[0]: 0}
    assert len(opened) == 2


def test_long_inputs_are_listed_from_the_packs(tmp_path):
    filled(tmp_path, 4, terms=5)
    table, _ = runs_table(RunStore(tmp_path))
    assert table["k[4]"].tolist() == [4.0 * number for number in range(8)]


@pytest.mark.parametrize("damage", ["torn", "empty", "flipped", "other version", "missing"])
def test_a_damaged_index_is_made_again(tmp_path, damage, opened):
    store = filled(tmp_path, 4)
    (file,) = index_files(store)
    content = bytearray(file.read_bytes())
    if damage == "torn":
        file.write_bytes(content[: len(content) // 2])
    elif damage == "empty":
        file.write_bytes(b"")
    elif damage == "flipped":
        place = bytes(content).index(np.array([0.0, 1.0, 4.0, 9.0]).tobytes())
        content[place + 12] ^= 1
        file.write_bytes(content)
    elif damage == "other version":
        changed = xr.load_dataset(file, decode_times=False).assign_attrs(version=0)
        del changed.attrs["digest"]
        pack_index.write_dataset(file, changed)
    else:
        file.unlink()
    fresh = RunStore(tmp_path)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        assert len(fresh) == 8
    assert [
        str(warning.message) for warning in told if "removed, its packs will be read again" not in str(warning.message)
    ] == []
    assert len(told) == (damage != "missing")
    assert len(opened) == 4
    assert len(index_files(store)) == 1
    opened.clear()
    assert values(RunStore(tmp_path), [0, 7]) == [0.0, 49.0]
    assert len(opened) == 2


@pytest.mark.parametrize("damage", ["truncated", "flipped"])
def test_a_torn_pack_that_the_index_knows_is_set_aside_and_its_runs_made_again(tmp_path, damage):
    store = filled(tmp_path, 4)
    pack = sorted(tmp_path.glob("*.nc"))[0]
    lost = [int(name, 16) for name in xr.load_dataset(pack)["identity"].values]
    content = bytearray(pack.read_bytes())
    if damage == "truncated":
        del content[len(content) // 2 :]
    else:
        content[bytes(content).index(np.outer(lost, [1.0, 2.0]).astype("<f4").tobytes()) + 6] ^= 1
    pack.write_bytes(content)
    fresh = RunStore(tmp_path)
    with pytest.warns(RuntimeWarning, match="set aside"):
        _, place = fresh.find(names(range(8)), {"y": "d"})
    assert set(place) == set(names(range(8))) - set(names(lost))
    add(fresh, lost)
    assert values(RunStore(tmp_path), list(range(8))) == [float(number) ** 2 for number in range(8)]
    assert len(runs_table(RunStore(tmp_path))[0]) == 8
    assert store.folder.joinpath(f"{pack.name}.torn").exists()


def test_the_table_does_without_a_truncated_pack(tmp_path):
    filled(tmp_path, 4)
    pack = sorted(tmp_path.glob("*.nc"))[0]
    pack.write_bytes(pack.read_bytes()[:2000])
    with pytest.warns(RuntimeWarning, match="set aside"):
        table, _ = runs_table(RunStore(tmp_path))
    assert len(table) == 6


def test_packs_that_are_gone_are_not_found(tmp_path):
    store = filled(tmp_path, 4)
    gone = sorted(tmp_path.glob("*.nc"))[0]
    held = xr.load_dataset(gone)["identity"].values.tolist()
    gone.unlink()
    for one in (store, RunStore(tmp_path)):
        assert len(one) == 6
        assert one.find(held, {"y": "d"}) == ([], {})
    assert len(runs_table(RunStore(tmp_path))[0]) == 6


def test_an_index_that_another_process_replaces_meanwhile_hides_nothing(tmp_path, monkeypatch):
    """Between the names and the content of its files: they have been put together into a larger one."""
    filled(tmp_path, 4)
    reader = RunStore(tmp_path)
    files = pack_index.PackIndex._files

    def replaced(self):
        found = files(self)
        monkeypatch.setattr(pack_index.PackIndex, "_files", files)
        for name in found:
            os.rename(self.folder / name, self.folder / f"larger-{name}")
        return found

    monkeypatch.setattr(pack_index.PackIndex, "_files", replaced)
    assert len(reader) == 8
    monkeypatch.setattr(pack_index.PackIndex, "_files", replaced)
    assert len(runs_table(reader)[0]) == 8


def test_the_same_packs_indexed_twice_end_in_one_file(tmp_path, monkeypatch):
    monkeypatch.setattr(stores, "PACKS", 10**6)
    filled(tmp_path, 4)
    one, two = RunStore(tmp_path), RunStore(tmp_path)
    assert len(one) == len(two) == 8
    for store in (one, two):
        store._index.write(list(store._unindexed.values()), store._definitions)
        store._unindexed.clear()
    assert len(index_files(one)) == 2
    assert len(RunStore(tmp_path)) == len(runs_table(RunStore(tmp_path))[0]) == 8
    monkeypatch.setattr(stores, "PACKS", 4)
    third = RunStore(tmp_path)
    for number in (50, 51, 52, 53):
        add(third, [number])
    assert len(third) == 12
    (file,) = index_files(third)
    assert len(pack_index.PackIndex(tmp_path / "index")._read(file.name).packs) == 8


def test_a_store_that_may_not_be_written_is_read(tmp_path, monkeypatch):
    filled(tmp_path, 3)

    def refused(*_, **__):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(stores, "PACKS", 1)
    monkeypatch.setattr(pack_index, "write_dataset", refused)
    assert values(RunStore(tmp_path), [4]) == [16.0]
    assert not (tmp_path / "index").exists()


def test_the_name_of_an_input_is_kept_apart_from_that_of_an_output(tmp_path):
    filled(tmp_path, 4)
    (listed,) = pack_index.PackIndex(tmp_path / "index").news()
    assert f"{INPUT}a" in listed.runs
    assert "u" not in listed.runs
    assert listed.definitions == {"y": "d", "u": "d"}
