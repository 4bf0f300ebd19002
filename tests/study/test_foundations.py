"""Seeds, digests, files, errors, paths, progress, provenance: what everything else stands on."""

from __future__ import annotations

import json
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from surecast.study import digest, files, seeds
from surecast.study.errors import DataError, StudyError, SurecastError
from surecast.study.paths import Paths
from surecast.study.progress import progress
from surecast.study.provenance import provenance


def dataset() -> xr.Dataset:
    return xr.Dataset(
        {
            "a": (("run", "x"), np.arange(6.0).reshape(2, 3), {"units": "m", "long_name": "a"}),
            "message": ("run", ["", "failed"]),
        },
        coords={"run": np.arange(2)},
        attrs={"title": "t"},
    )


def test_streams_are_keyed_by_identity() -> None:
    """The same identity gives the same numbers; others, and another study, other ones."""
    first = seeds.generator(1, "train", "fno", 0).random(4)
    assert (seeds.generator(1, "train", "fno", 0).random(4) == first).all()
    for other in (seeds.generator(1, "train", "fno", 1), seeds.generator(2, "train", "fno", 0)):
        assert not (other.random(4) == first).any()
    assert seeds.integer_seed(1, "1") != seeds.integer_seed(1, 1)
    assert 0 <= seeds.integer_seed(0, "a") < 2**63


def test_streams_are_pinned() -> None:
    """These numbers may never change: every result of every study follows from them."""
    assert seeds.integer_seed(1, "design", "train") == 1768434395643525729


def test_digests_see_values_not_layout() -> None:
    """Order of keys, memory layout and byte order do not matter; type, shape and values do."""
    assert digest.of_json({"a": 1, "b": [2.0]}) == digest.of_json({"b": [2.0], "a": 1})
    array = np.arange(6.0).reshape(2, 3)
    assert digest.of_array(array) == digest.of_array(np.asfortranarray(array)) == digest.of_array(array.astype(">f8"))
    assert len({digest.of_array(item) for item in (array, array.ravel(), array.astype("f4"), array + 1)}) == 4


def test_a_file_reads_back(tmp_path: Path) -> None:
    """Values, text, attributes; the digest is kept with them."""
    stated = files.write_dataset(tmp_path / "a.nc", dataset())
    found = files.read_dataset(tmp_path / "a.nc")
    xr.testing.assert_equal(found, dataset())
    assert found.attrs["digest"] == stated == digest.of_dataset(found)
    assert [path.name for path in tmp_path.iterdir()] == ["a.nc"]


def test_changed_bytes_are_noticed(tmp_path: Path) -> None:
    """In NetCDF, torn or edited, and in JSON."""
    path = tmp_path / "a.nc"
    files.write_dataset(path, dataset(), compress=False)
    data = path.read_bytes()
    place = data.index(np.float64(5.0).tobytes())
    path.write_bytes(data[:place] + np.float64(5.5).tobytes() + data[place + 8 :])
    with pytest.raises(DataError, match="content has changed"):
        files.read_dataset(path)
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(DataError, match="cannot be read as NetCDF"):
        files.read_dataset(path)
    files.write_json(tmp_path / "a.json", {"value": 1.5})
    assert files.read_json(tmp_path / "a.json")["value"] == 1.5
    text = (tmp_path / "a.json").read_text()
    (tmp_path / "a.json").write_text(text.replace("1.5", "1.6"))
    with pytest.raises(DataError, match="content has changed"):
        files.read_json(tmp_path / "a.json")
    (tmp_path / "a.json").write_text(json.dumps({"value": 1}))
    with pytest.raises(DataError, match="has no digest"):
        files.read_json(tmp_path / "a.json")


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    """Nothing half-written, nothing left aside."""
    path = tmp_path / "a.txt"
    files.write_text(path, "before")

    def torn() -> None:
        with files.written_aside(path) as aside:
            aside.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        torn()
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_errors_survive_a_process_boundary() -> None:
    """With message, place and all that they list."""
    one = StudyError("is wrong.", "right it.", file="s.yaml", line=3, key="a.b", value=2)
    assert str(one) == "s.yaml:3: a.b = 2: is wrong. Remedy: right it."
    both = StudyError.of([one, StudyError("too.", file="s.yaml", line=4, key="c")])
    back = pickle.loads(pickle.dumps(both))
    assert str(back) == str(both)
    assert [error.key for error in back.errors] == ["a.b", "c"]
    assert pickle.loads(pickle.dumps(one)).line == 3
    assert isinstance(one, SurecastError)
    assert (one.exit_code, DataError("x").exit_code) == (2, 1)


def test_paths() -> None:
    """Where things lie."""
    paths = Paths("burgers")
    assert str(paths.part("train-0003")) == "results/burgers/runs/train-0003.nc"
    assert str(paths.surrogate("fno", 1)) == "results/burgers/surrogates/fno/seed1.json"
    assert str(paths.estimate("averages", "csv")) == "results/burgers/estimates/averages.csv"


def test_progress_in_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    """One line each interval, all items passed on."""
    assert list(progress([1, 2, 3], "counting", interval=0.0)) == [1, 2, 3]
    assert "counting: 2 of 3" in capsys.readouterr().err


def test_torch_is_installed_first_without_hash_and_named_with_its_build() -> None:
    """Its builds differ by machine: pinned apart from the lock file, told by the provenance."""
    import torch

    root = Path(__file__).resolve().parents[2]
    installs = re.findall(r"^\t\$\(PIP\) install (.*)$", (root / "Makefile").read_text(), re.MULTILINE)
    assert installs[0] == "-r envs/torch.txt"
    assert installs[1] == "--no-deps --require-hashes -r envs/requirements.lock"
    pinned = (root / "envs" / "torch.txt").read_text()
    assert re.search(r"^torch==[\d.]+$", pinned, re.MULTILINE)
    assert "--hash" not in pinned
    locked = (root / "envs" / "requirements.lock").read_text()
    assert not re.search(r"^torch==", locked, re.MULTILINE)
    assert "--hash" in locked
    found = provenance(study_seed=7, command="snakemake")
    assert found["packages"]["torch"] == torch.__version__, "with its build, for example 2.13.0+cpu"


def test_provenance_says_what_is_needed_to_repeat() -> None:
    """Versions, seed, digests, command, and no time."""
    found = provenance(study_seed=7, command="snakemake", code="abc")
    assert found["packages"]["numpy"] == np.__version__
    assert (found["study_seed"], found["digests"], found["command"]) == (7, {"code": "abc"}, "snakemake")
    assert found == provenance(study_seed=7, command="snakemake", code="abc")
    json.dumps(found)


def test_writing_netcdf_imports_no_cluster(tmp_path: Path) -> None:
    """Dask's distributed scheduler is slow to import, and every job writes a file."""
    code = (
        "import sys, xarray as xr\nfrom surecast.study.files import read_dataset, write_dataset\n"
        "write_dataset(sys.argv[1], xr.Dataset({'a': ('run', [1.0, 2.0])}))\nread_dataset(sys.argv[1])\n"
        "print('distributed' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.nc")], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_files_are_those_that_xarray_writes(tmp_path: Path) -> None:
    """Coordinates, texts, attributes, whole numbers and compression as by `to_netcdf`."""
    dataset = xr.Dataset(
        {"u": (("run", "x"), np.arange(6.0).reshape(2, 3), {"units": "m", "flag_values": np.int8([0, 1])}),
         "message": ("run", np.array(["", "broke"], dtype=object)), "failed": ("run", np.int8([0, 1]))},
        coords={"run": [4, 5], "x": [0.0, 0.5, 1.0], "split": ("run", np.array(["test", "train"]))},
        attrs={"long_name": "a part"},
    )  # fmt: skip
    files.write_dataset(tmp_path / "ours.nc", dataset)
    dataset.to_netcdf(tmp_path / "xarrays.nc", engine="netcdf4")
    with xr.open_dataset(tmp_path / "ours.nc") as ours, xr.open_dataset(tmp_path / "xarrays.nc") as xarrays:
        del ours.attrs["digest"]
        xr.testing.assert_identical(ours.load(), xarrays.load())
        assert ours["u"].encoding["zlib"]
        assert ours["failed"].dtype == np.int8
