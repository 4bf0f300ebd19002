"""A record beside the results for every job: what it was made from and with, and the digests of what it made.

Snakemake's own knowledge lies in ``.snakemake/`` and goes with it; the records stay with the results, so that
`surecast doctor` can tell a result that is out of date or was changed by hand.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from surecast.study import digest
from surecast.study.errors import DataError
from surecast.study.files import read_dataset, read_json, write_json


def stamp(path: str | Path) -> str:
    """Digest that a file states of itself (NetCDF, JSON), or that of its bytes.

    Raises
    ------
    DataError
        If the file cannot be read.
    """
    path = Path(path)
    try:
        if path.suffix == ".nc":
            return _stated(path)
        if path.suffix == ".json":
            return str(read_json(path)["digest"])
        return digest.of_file(path)
    except OSError as error:
        message = f"{path}: cannot be read ({error})."
        raise DataError(message, "run snakemake again: it makes what is missing.") from error


def _stated(path: Path) -> str:
    from netCDF4 import Dataset

    with Dataset(path) as file:
        if "digest" not in file.ncattrs():
            raise DataError(f"{path}: has no digest, so it was not written by surecast.", f"delete it (rm {path}).")
        return str(file.getncattr("digest"))


def verify(path: str | Path) -> str:
    """Read a whole file, check it against the digest it states, and return that.

    Raises
    ------
    DataError
        If the content is not what was written.
    """
    path = Path(path)
    if path.suffix == ".nc":
        return str(read_dataset(path).attrs["digest"])
    return stamp(path)


def write_record(snakemake: Any) -> None:
    """Write ``snakemake.output.record`` for a job that has just made its other outputs."""
    fingerprint = dict(snakemake.params.fingerprint)
    made = [name for name in _names(snakemake.output) if name != str(snakemake.output.record)]
    write_json(
        str(snakemake.output.record),
        {
            "stage": snakemake.rule,
            "item": dict(snakemake.wildcards.items()),
            "fingerprint": fingerprint,
            "inputs": {name: stamp(name) for name in _names(snakemake.input)},
            "outputs": {name: stamp(name) for name in made},
        },
    )


def _names(files: Any) -> list[str]:
    """Paths of a rule's inputs or outputs; folders are left out, the manifest beside each speaks for it."""
    return [str(name) for name in files if not Path(name).is_dir()]
