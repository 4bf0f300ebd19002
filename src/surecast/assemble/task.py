"""The unit of work: the same shard of some variables that come from the same files.

Every shard has one writer, and every task a record that lets a killed assembly go on after it.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from surecast.assemble.layout import VariableLayout
from surecast.assemble.part_files import NETCDF
from surecast.assemble.shard import shard_writer
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
    """Write one shard of each of some variables.

    Attributes
    ----------
    layouts : list of VariableLayout
        The variables, all with chunks and shards of the same numbers of runs.
    number : int
        Which of their shards.
    source : Source
        Where their runs come from.
    store, records : Path
        The unfinished store, and the folder of records beside it.
    """

    layouts: list[VariableLayout]
    number: int
    source: Source
    store: Path
    records: Path

    def run(self) -> dict[str, ShardResult]:
        """Write the shards, unless the record shows that they have been written and they still are as they were."""
        done = self._done()
        if done is not None:
            return done
        first = self.layouts[0]
        ranges = [first.chunk_range(chunk) for chunk in first.shard_chunks(self.number)]
        moments: dict[str, list[np.ndarray]] = {layout.name: [] for layout in self.layouts}
        with ExitStack() as stack:
            writers = {
                layout.name: stack.enter_context(shard_writer(self.store / layout.shard_path(self.number), layout))
                for layout in self.layouts
            }
            for name, block in self.source.blocks(list(writers), ranges):
                writers[name].append(block)
                # Failed runs are NaN here; they do not count in the statistics.
                with np.errstate(invalid="ignore"):
                    moments[name].append(run_moments(block))
        results = {
            name: ShardResult(writer.digests, np.concatenate(moments[name], axis=1)) for name, writer in writers.items()
        }
        self._write_record(results)
        return results

    @property
    def _record(self) -> Path:
        return self.records / f"{self.layouts[0].name}.{self.number}.nc"

    def _write_record(self, results: dict[str, ShardResult]) -> None:
        import xarray as xr

        content = xr.Dataset(
            {
                "moments": (("variable", "moment", "run"), np.stack([result.moments for result in results.values()])),
                "digests": (("variable", "chunk"), np.array([result.digests for result in results.values()], object)),
            },
            {"variable": np.array(list(results), dtype=object), "moment": np.array(MOMENTS, dtype=object)},
        )
        with NETCDF:
            write_dataset(self._record, content, compress=False)

    def _done(self) -> dict[str, ShardResult] | None:
        if not self._record.exists():
            return None
        try:
            with NETCDF:
                content = read_dataset(self._record)
        except DataError:
            return None  # torn by the kill: the shards are written anew
        results = {
            str(name): ShardResult(
                [str(text) for text in content["digests"].values[row]], content["moments"].values[row]
            )
            for row, name in enumerate(content["variable"].values)
        }
        whole = all(
            layout.name in results and self._digests_on_disk(layout) == results[layout.name].digests
            for layout in self.layouts
        )
        return results if whole else None

    def _digests_on_disk(self, layout: VariableLayout) -> list[str]:
        """Digests of the chunks as they lie in the file of a shard."""
        path = self.store / layout.shard_path(self.number)
        found: list[str] = []
        if not path.exists():
            return found
        with open(path, "rb") as file:
            for place, chunk in enumerate(layout.shard_chunks(self.number)):
                start, stop = layout.chunk_range(chunk)
                file.seek(place * layout.chunk * layout.bytes_per_run)
                data = file.read((stop - start) * layout.bytes_per_run)
                if len(data) < (stop - start) * layout.bytes_per_run:
                    break
                values = np.frombuffer(data, layout.dtype).reshape(stop - start, *layout.shape[1:])
                found.append(digest.of_array(values))
        return found
