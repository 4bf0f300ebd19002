"""One shard: the unit of work. It has one writer, and a record that lets a killed assembly go on after it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from surecast.assemble.layout import VariableLayout
from surecast.assemble.shard import write_shard
from surecast.assemble.sources import Source
from surecast.assemble.statistics import MOMENTS, run_moments
from surecast.study import digest
from surecast.study.errors import DataError
from surecast.study.files import read_dataset, write_dataset


@dataclass(frozen=True)
class ShardResult:
    """Digests of the chunks of a shard, and the moments of its runs, shape ``(4, run)``."""

    digests: list[str]
    moments: np.ndarray


@dataclass(frozen=True)
class ShardTask:
    """Write one shard of one variable.

    Attributes
    ----------
    layout : VariableLayout
        The variable.
    number : int
        Which of its shards.
    source : Source
        Where its runs come from.
    store, records : Path
        The unfinished store, and the folder of records beside it.
    """

    layout: VariableLayout
    number: int
    source: Source
    store: Path
    records: Path

    def run(self) -> ShardResult:
        """Write the shard, unless its record shows that it has been written and it still is as it was."""
        record = self.records / f"{self.layout.name}.{self.number}.nc"
        done = self._done(record)
        if done is not None:
            return done
        layout = self.layout
        moments: list[np.ndarray] = []

        def measured() -> Iterator[np.ndarray]:
            ranges = [layout.chunk_range(chunk) for chunk in layout.shard_chunks(self.number)]
            for block in self.source.blocks(ranges):
                # Failed runs are NaN here; they do not count in the statistics.
                with np.errstate(invalid="ignore"):
                    moments.append(run_moments(block))
                yield block

        per_shard = layout.shard // layout.chunk
        digests = write_shard(self.store / layout.shard_path(self.number), measured(), layout.chunk, per_shard)
        result = ShardResult(digests, np.concatenate(moments, axis=1))
        self._write_record(record, result)
        return result

    def _write_record(self, record: Path, result: ShardResult) -> None:
        import xarray as xr

        content = xr.Dataset(
            {
                "moments": (("moment", "run"), result.moments),
                "digests": ("chunk", np.array(result.digests, dtype=object)),
            },
            {"moment": list(MOMENTS)},
        )
        write_dataset(record, content, compress=False)

    def _done(self, record: Path) -> ShardResult | None:
        if not record.exists():
            return None
        try:
            content = read_dataset(record)
        except DataError:
            return None  # torn by the kill: the shard is written anew
        result = ShardResult([str(text) for text in content["digests"].values], content["moments"].values)
        return result if self._digests_on_disk() == result.digests else None

    def _digests_on_disk(self) -> list[str]:
        layout = self.layout
        path = self.store / layout.shard_path(self.number)
        if not path.exists():
            return []
        found = []
        per_run = layout.bytes_per_run
        with open(path, "rb") as file:
            for place, chunk in enumerate(layout.shard_chunks(self.number)):
                start, stop = layout.chunk_range(chunk)
                file.seek(place * layout.chunk * per_run)
                data = file.read((stop - start) * per_run)
                if len(data) < (stop - start) * per_run:
                    return []
                found.append(
                    digest.of_array(np.frombuffer(data, layout.dtype).reshape(stop - start, *layout.shape[1:]))
                )
        return found
