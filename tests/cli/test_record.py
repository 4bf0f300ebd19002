"""Records of jobs: what they were made from, and the digests of what they made."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import xarray as xr

from surecast.cli.record import stamp, verify, write_record
from surecast.study import digest
from surecast.study.errors import DataError
from surecast.study.files import read_json, write_dataset, write_json


class Files(list):
    """Stands for Snakemake's named files."""

    def __init__(self, **named):
        super().__init__(named.values())
        self.__dict__.update(named)


def test_stamp_is_the_digest_that_a_file_states(tmp_path):
    stated = write_dataset(tmp_path / "a.nc", xr.Dataset({"a": ("run", [1.0, 2.0])}))
    write_json(tmp_path / "a.json", {"a": 1})
    (tmp_path / "a.csv").write_text("a\n1\n")
    assert stamp(tmp_path / "a.nc") == stated == verify(tmp_path / "a.nc")
    assert stamp(tmp_path / "a.json") == read_json(tmp_path / "a.json")["digest"]
    assert stamp(tmp_path / "a.csv") == digest.of_file(tmp_path / "a.csv")


@pytest.mark.parametrize("name", ["a.nc", "a.json", "a.csv"])
def test_missing_file_is_told(tmp_path, name):
    with pytest.raises(DataError, match=name):
        stamp(tmp_path / name)


def test_foreign_file_is_told(tmp_path):
    xr.Dataset({"a": 1.0}).to_netcdf(tmp_path / "a.nc")
    with pytest.raises(DataError, match="not written by surecast"):
        stamp(tmp_path / "a.nc")


def test_verify_reads_the_content(tmp_path):
    from netCDF4 import Dataset

    write_dataset(tmp_path / "a.nc", xr.Dataset({"a": ("run", [1.0, 2.0])}))
    with Dataset(tmp_path / "a.nc", "a") as file:
        file["a"][0] = 3.0
    stamp(tmp_path / "a.nc")  # states its digest still
    with pytest.raises(DataError, match="has changed since it was written"):
        verify(tmp_path / "a.nc")


def test_record_names_inputs_and_outputs(tmp_path):
    used, made = tmp_path / "used.json", tmp_path / "made.nc"
    write_json(used, {"a": 1})
    stated = write_dataset(made, xr.Dataset({"a": ("run", [1.0])}))
    (tmp_path / "figures").mkdir()
    job = SimpleNamespace(
        rule="simulate",
        wildcards={"study": "mine", "part": "test-0000"},
        params=SimpleNamespace(fingerprint={"settings": "s", "code": "c", "lock": "l"}),
        input=Files(used=str(used)),
        output=Files(made=str(made), figures=str(tmp_path / "figures"), record=str(tmp_path / "record.json")),
    )
    write_record(job)
    record = read_json(tmp_path / "record.json")
    assert record["stage"] == "simulate"
    assert record["inputs"] == {str(used): stamp(used)}
    assert record["outputs"] == {str(made): stated}
    assert record["fingerprint"]["code"] == "c"
