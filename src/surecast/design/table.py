"""Table design: the user's own inputs from a NetCDF or CSV file, with outputs too if already computed.

A CSV file has one row per run and a header of names, each with its unit in brackets if it is not the
study's own: ``head [cm], well, split, outflow``. The terms of a Gaussian field are columns
``name.0, name.1, ...``. A NetCDF file has dimension ``run``, one variable per input or output, units in
the attribute ``units``.

Outputs are imported where a row has all of them; a row with a blank (or NaN) among them is simulated. An infinite
one is imported too: a failed run. A table that holds some of the study's outputs and lacks others is refused.

Splits come from a column ``split`` (train, validation or test in every row; the first runs of each, in
row order, are used), or else by random assignment: rows are ordered by a random key of their own number,
test takes the first, validation the next, training the others; raising ``train`` moves none of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field, ValidationInfo, field_validator

from surecast.design.design import SPLITS, Design, check_split
from surecast.design.table_file import check_inside, column, read_table
from surecast.study import seeds
from surecast.study.component import refused
from surecast.study.errors import StudyError

if TYPE_CHECKING:
    import xarray as xr

    from surecast.study.component import Problem
    from surecast.study.laws.joint import JointLaw
    from surecast.study.model import Study


class Table(Design):
    """Inputs (and outputs, if there) from a table of the user's."""

    file: str = Field(min_length=1, description="NetCDF (.nc) or CSV (.csv) file, relative to the study file.")
    sampling: Literal["undeclared", "independent"] = Field(
        default="undeclared",
        description="`independent` declares that the rows are independent random draws from the laws of the inputs: "
        "only then can questions about these runs (`given_data`) have intervals.",
    )

    @field_validator("file")
    @classmethod
    def _there(cls, file: str, info: ValidationInfo) -> str:
        if info.context and not (Path(info.context["folder"]) / file).is_file():
            raise refused("", "there is no such file.", "give a path relative to the study file.")
        return file

    def deciding_settings(self) -> dict[str, Any]:
        """See `Design.deciding_settings`: the other splits start where test and validation end."""
        settings = super().deciding_settings() | {"test": self.test, "validation": self.validation}
        del settings["sampling"]  # says what the rows are, and chooses none
        return settings

    def problems(self, study: Study) -> Iterator[Problem]:
        """What the table lacks, or holds and may not, found before anything runs."""
        for split, count in self.counts().items():
            try:
                self.draw(study.joint_law(), study.seed, split, count, study.folder)
            except StudyError as error:
                yield "file", error.reason, error.remedy
                return
        table = self._table(study.folder)
        held = [repr(name) for name in study.outputs if name in table]
        lacking = [repr(name) for name in study.outputs if name not in table]
        if held and lacking:
            # The runs would have to be made again, and what the user has computed would not count.
            yield (
                "file",
                f"the table holds {', '.join(held)}, but not {', '.join(lacking)} of the study's outputs.",
                f"add {', '.join(lacking)} to import the runs, or leave {', '.join(held)} out to simulate every row.",
            )

    def draw(self, law: JointLaw, study_seed: int, split: str, count: int, folder: str | Path = ".") -> xr.Dataset:
        """Inputs of the first `count` runs of a split; see `Design.draw`.

        Raises
        ------
        StudyError
            If the file cannot be read, lacks an input or enough rows, has an incompatible unit, or a
            value that the law of its input cannot take.
        """
        import xarray as xr

        table = self._table(folder)
        rows = self.rows(table, study_seed, split, count)
        # The law says what an inputs Dataset looks like: dimensions, units and attributes.
        shape = law.from_uniform(np.full((1, law.dimension), 0.5))
        inputs = xr.Dataset(
            {name: column(table, name, shape[name], self.file).isel(run=rows) for name in law.names},
            attrs=shape.attrs,
        )
        check_inside(inputs, law, self.file, rows)
        return inputs

    def imported(
        self,
        law: JointLaw,
        study_seed: int,
        split: str,
        count: int,
        outputs: Sequence[str],
        units: dict[str, str],
        folder: str | Path = ".",
    ) -> xr.Dataset | None:
        """Outputs that the table already holds.

        Parameters
        ----------
        law, study_seed, split, count, folder
            As for `draw`.
        outputs : sequence of str
            Names of the study's outputs.
        units : dict
            Unit of each output; the table's values are converted to it.

        Returns
        -------
        xarray.Dataset or None
            Outputs with dimension ``run`` and ``computed`` (run,) int8, 1 where the row has a value of every
            output. A blank or NaN is none; an infinity is one, which makes the run a failed one. None if the
            table holds no outputs.
        """
        import xarray as xr

        table = self._table(folder)
        if not outputs or any(name not in table for name in outputs):
            return None
        rows = self.rows(table, study_seed, split, count)
        found = xr.Dataset()
        computed = np.ones(count, dtype=bool)
        for name in outputs:
            shape = xr.DataArray(table[name].isel(run=slice(0, 1)), attrs={"units": units.get(name, "")})
            values = column(table, name, shape, self.file, finite=False).isel(run=rows)
            computed &= ~np.isnan(values.values).reshape(count, -1).any(axis=1)
            found[name] = values
        found["computed"] = ("run", computed.astype(np.int8))
        return found

    def rows(self, table: xr.Dataset, study_seed: int, split: str, count: int) -> np.ndarray:
        """Row numbers of the first `count` runs of a split, shape ``(count,)``."""
        check_split(split)
        total = table.sizes["run"]
        if "split" in table:
            labels = np.array([str(label).strip() for label in table["split"].values], dtype=object)
            if strange := sorted(set(labels) - set(SPLITS)):
                raise self._error(f"column split says {strange[0]!r}", "write train, validation or test in every row.")
            rows = np.flatnonzero(labels == split)
        else:
            keys = np.array([seeds.integer_seed(study_seed, "design", "table", row) for row in range(total)])
            order = np.argsort(keys, kind="stable")
            start = {"test": 0, "validation": self.test, "train": self.test + self.validation}[split]
            stop = {"test": self.test, "validation": self.test + self.validation, "train": total}[split]
            rows = order[start:stop]
        if len(rows) < count:
            raise self._error(
                f"has {len(rows)} rows for {split}, the design asks for {count}", f"lower design.{split} or add rows."
            )
        return np.asarray(rows[:count])

    def _table(self, folder: str | Path) -> xr.Dataset:
        return read_table(Path(folder) / self.file)

    def _error(self, message: str, remedy: str) -> StudyError:
        return StudyError(message, remedy, key="design.file", value=self.file)
