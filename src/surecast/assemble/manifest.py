"""``dataset.json``: what the dataset is, and the digest of everything in it.

Keys: ``format`` and ``version``; ``study``, ``study_seed``; ``store`` (the Zarr folder, relative to the
manifest); ``runs``; ``variables`` (per variable ``dims``, ``shape``, ``dtype``, ``chunk``, ``shard`` and
``chunks``, the digest of the decoded content of every chunk); ``metadata`` (digest of every zarr.json);
``splits`` (per split ``start``, ``stop``, ``runs``, ``failed``); ``failed_runs`` (run, split,
index_in_split, seed, inputs, message); ``statistics`` (training runs that did not fail: mean, std,
minimum, maximum, runs, values); ``card``; ``code``; ``discretisation_error``; ``design`` (its digest).

Nothing in it depends on the size of parts, the number of workers, the machine's clock or the command.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from surecast.assemble.layout import VariableLayout
from surecast.study.errors import DataError
from surecast.study.files import read_json

FORMAT = "surecast dataset"
VERSION = 1


@dataclass(frozen=True)
class Manifest:
    """A manifest that has been read and checked against its own digest.

    Attributes
    ----------
    path : Path
        Where it lies.
    content : dict
        The JSON content.
    """

    path: Path
    content: dict[str, Any]

    @classmethod
    def read(cls, path: str | Path) -> Manifest:
        """Read a manifest.

        Raises
        ------
        DataError
            If it is missing, changed, no manifest, or of another version.
        """
        content = read_json(path)
        if content.get("format") != FORMAT:
            raise DataError(f"{path}: is no manifest of a dataset.", "give the dataset.json of a study.")
        if content.get("version") != VERSION:
            raise DataError(
                f"{path}: is of version {content.get('version')}, this surecast reads version {VERSION}.",
                f"delete it (rm {path}) and run snakemake again.",
            )
        return cls(Path(path), content)

    @property
    def store(self) -> Path:
        """The Zarr folder."""
        return self.path.parent / str(self.content["store"])

    @property
    def digest(self) -> str:
        """Digest of the manifest, and by its digests of chunks that of the whole dataset."""
        return str(self.content["digest"])

    def layout(self, name: str) -> VariableLayout:
        """How a variable lies in the store.

        Raises
        ------
        DataError
            If the dataset has no such variable.
        """
        variables = self.content["variables"]
        if name not in variables:
            raise DataError(
                f"{self.path}: the dataset has no variable {name!r}.", f"use one of {', '.join(sorted(variables))}."
            )
        entry = variables[name]
        dims, shape = tuple(entry["dims"]), tuple(entry["shape"])
        return VariableLayout(name, dims, shape, entry["dtype"], {}, entry["chunk"], entry["shard"])

    def chunk_digests(self, name: str) -> list[str]:
        """Digests of the decoded chunks of a variable, in order."""
        return list(self.content["variables"][name]["chunks"])


def describe(layout: VariableLayout, digests: list[str]) -> dict[str, Any]:
    """The entry of one variable."""
    return {
        "dims": list(layout.dims),
        "shape": list(layout.shape),
        "dtype": layout.dtype,
        "chunk": layout.chunk,
        "shard": layout.shard,
        "chunks": digests,
    }
