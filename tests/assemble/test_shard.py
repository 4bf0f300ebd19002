"""Shards written here, read by the zarr package: the format's own judge."""

from __future__ import annotations

import numpy as np
import pytest
import zarr

from surecast.assemble.layout import VariableLayout, base_runs, lay_out
from surecast.assemble.shard import MappedShard, shard_writer
from surecast.assemble.zarr_store import create
from surecast.study import digest


@pytest.mark.parametrize("dtype", ["f4", "f8", "i8", "i1"])
@pytest.mark.parametrize(("runs", "rest"), [(1, ()), (10, (3, 4)), (37, (5,)), (64, (2, 2))])
def test_zarr_and_the_map_read_what_is_written(tmp_path, dtype, runs, rest):
    values = np.random.default_rng(0).integers(-100, 100, (runs, *rest)).astype(dtype)
    layout = lay_out("v", ("run", *"yx"[: len(rest)]), values.shape, dtype, {"units": "m"}, 4, 1e-9, 1e-9)
    layout = type(layout)(**(vars(layout) | {"chunk": min(4, runs), "shard": 3 * min(4, runs)}))
    create(tmp_path / "store", [layout], {})
    digests = []
    for number in range(layout.shards):
        with shard_writer(tmp_path / "store" / layout.shard_path(number), layout) as writer:
            for chunk in layout.shard_chunks(number):
                writer.append(values[slice(*layout.chunk_range(chunk))])
        digests += writer.digests
    array = zarr.open_group(str(tmp_path / "store"), mode="r")["v"]
    assert array.metadata.zarr_format == 3
    np.testing.assert_array_equal(array[:], values)
    for number in range(layout.shards):
        shard = MappedShard(tmp_path / "store" / layout.shard_path(number), layout, number)
        rows = slice(number * layout.shard, (number + 1) * layout.shard)
        np.testing.assert_array_equal(shard.values[: len(values[rows])], values[rows])
        shard.fetch(0, 1)
        shard.release(0, len(shard.values))
        np.testing.assert_array_equal(shard.values[: len(values[rows])], values[rows])
        assert not shard.values.flags.writeable
    for chunk, found in enumerate(digests):
        assert found == digest.of_array(array[slice(*layout.chunk_range(chunk))])


@pytest.mark.parametrize(("cells", "runs"), [(64, 200_000), (256, 5_000), (16, 3_000_000)])
def test_chunks_are_of_whole_runs_and_1_to_64_mib_and_files_are_few(cells, runs):
    layout = lay_out("p", ("run", "y", "x"), (runs, cells, cells), "f4", {}, base_runs(cells * cells * 4, 4), 4, 256)
    assert 1 <= layout.chunk * layout.bytes_per_run / 2**20 <= 64
    assert layout.shard % layout.chunk == 0
    assert layout.shards <= runs * layout.bytes_per_run / 2**20 / 128 + 1


def test_a_run_larger_than_a_chunk_is_a_chunk_of_its_own():
    layout = lay_out("p", ("run", "x"), (10, 2**25), "f4", {}, base_runs(2**27, 4), 4, 256)
    assert (layout.chunk, layout.shard) == (1, 2)


def test_chunks_of_different_variables_are_aligned():
    base = base_runs(64 * 64 * 4, 4)
    for bytes_per_run in (8, 128, 4096):
        assert lay_out("s", ("run", "x"), (10**7, bytes_per_run // 8), "f8", {}, base, 4, 256).chunk % base == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content[:-1], r"0 has 83 bytes, not 84"),
        (lambda content: content + b"x", r"0 has 85 bytes, not 84"),
        (lambda content: b"", r"0 has 0 bytes, not 84"),
        (lambda content: content[:-4] + b"abcd", r"the index of 0 is not the one"),
        (lambda content: content[:50] + b"1" + content[51:], r"the index of 0 is not the one"),
    ],
)
def test_a_torn_shard_is_not_mapped(tmp_path, change, message):
    layout = VariableLayout("v", ("run",), (6,), "<f8", {}, 3, 6)
    with shard_writer(tmp_path / "0", layout) as writer:
        for start in (0, 3):
            writer.append(np.arange(start, start + 3.0))
    (tmp_path / "0").write_bytes(change((tmp_path / "0").read_bytes()))
    with pytest.raises(ValueError, match=message):
        MappedShard(tmp_path / "0", layout, 0)


def test_a_failure_leaves_no_shard(tmp_path):
    layout = lay_out("v", ("run",), (4,), "f8", {}, 4, 4, 4)

    def fail():
        with shard_writer(tmp_path / "v" / "c" / "0", layout) as writer:
            writer.append(np.zeros(4))
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert not list((tmp_path / "v" / "c").iterdir())
