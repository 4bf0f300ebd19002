"""The truth on call: the study's outputs of any runs, from the run store or newly simulated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from surecast.simulate import gates
from surecast.simulate.forms import Forms
from surecast.simulate.identity import run_identities
from surecast.simulate.outputs import Output
from surecast.simulate.packs import Packs
from surecast.simulate.side_by_side import SideBySide
from surecast.simulate.simulator import Simulator
from surecast.simulate.store import DEFINITION, RunStore
from surecast.simulate.workers import Workers
from surecast.study import digest
from surecast.study.errors import SimulationError

if TYPE_CHECKING:
    import xarray as xr

    from surecast.study.model import Study


class Truth:
    """The simulator as a function from inputs to the study's outputs.

    Parameters
    ----------
    study : Study
        The study.
    outputs : sequence of str, optional
        Outputs wanted; default: all. Others are neither computed nor stored.
    store : RunStore, optional
        Where runs are looked for and kept; default: nowhere.
    fields : bool
        Whether the default set of outputs includes fields.
    simulator : Simulator, optional
        The study's simulator on another grid; default: as the study has it.
    workers : int
        Cores of the job. Long work is shared out to so many processes, or to fewer where a run needs several cores
        (`resources` of the study's simulator); programs and models on servers, if the study says what a run needs,
        make as many runs at once from this process. 1: no other process.
    scheduler : str, optional
        Address of a Dask scheduler that long work goes to instead.
    deadline : float, optional
        Time (seconds since 1970) at which the job is ended from outside.

    Attributes
    ----------
    runs_found : int
        Runs found in the store (or repeated within a call) so far.
    """

    def __init__(
        self,
        study: Study,
        outputs: Sequence[str] | None = None,
        store: RunStore | None = None,
        fields: bool = True,
        simulator: Simulator | None = None,
        workers: int = 1,
        scheduler: str | None = None,
        deadline: float | None = None,
    ) -> None:
        from surecast.study.code import code_digest

        self.study = study
        self.store = store
        self.simulator: Simulator = simulator or study.build_simulator()
        named: dict[str, Output] = {name: study.build_output(name) for name in study.outputs}
        if outputs is None:
            outputs = [name for name in named if fields or not named[name].is_field(self.simulator)]
        if unknown := [name for name in outputs if name not in named]:
            raise SimulationError(f"the study has no output {unknown[0]!r}.", f"use one of {', '.join(named)}.")
        self.outputs = {name: named[name] for name in outputs}
        # Whether a run failed must not depend on the outputs that are asked for, so the gates see every field of the
        # study; on another grid a slice that nobody asks for may not exist.
        own = simulator is None
        self._gated = {name: output for name, output in named.items() if own and output.is_field(self.simulator)}
        self.code = code_digest(self.simulator.code_targets(), study.folder)
        self.definitions = {
            name: digest.of_json(
                [type(output).__qualname__, output.settings(), code_digest([type(output).__module__], study.folder)]
            )
            for name, output in self.outputs.items()
        }
        self.runs_found = 0
        self._forms = Forms(self.outputs, self.simulator)
        # Workers build the study's own simulator: another one stays here.
        needs, least, seconds = study.simulator.resources, 1, None
        if needs is not None:
            workers = needs.at_once(workers)
            seconds = None if needs.minutes is None else 60.0 * needs.minutes
            if scheduler is None and isinstance(self.simulator, SideBySide):
                self.simulator, least = self.simulator.at_once(workers), workers
                workers, seconds = 1, None if seconds is None else seconds / least
        shared = (workers > 1 or scheduler is not None) and simulator is None
        self._workers = Workers(study, list(self.outputs), workers, scheduler) if shared else None
        self._packs = Packs(self.simulate, store, self.definitions, self._workers, deadline, least, seconds)

    @property
    def runs_made(self) -> int:
        """Runs simulated so far."""
        return self._packs.runs_made

    @property
    def runs_per_call(self) -> int:
        """Runs to ask for at once, so that all workers have something to do."""
        return 256 if self._workers is None else self._workers.runs_per_call

    def close(self) -> None:
        """End the processes that it has started."""
        if self._workers is not None:
            self._workers.close()

    def __call__(self, inputs: xr.Dataset) -> xr.Dataset:
        """Outputs of runs.

        Parameters
        ----------
        inputs : xarray.Dataset
            Inputs as the study's joint law gives them, dimension ``run``; ``seed`` (run,) where the
            simulator draws random numbers.

        Returns
        -------
        xarray.Dataset
            The outputs by name, dimension ``run`` and the run coordinates of `inputs`; scalars float64,
            fields float32, NaN where the run failed; ``failed`` (run,) int8 and ``message`` (run,) str. A field
            of a user's function is left out if no run so far has come back to show its dimensions.

        Raises
        ------
        TimeLimitError
            If the next runs would not be made before the deadline; those made are in the store.
        """
        realised = self.realise(inputs)
        identities = run_identities(self.simulator, self.code, realised)
        blocks, place = ([], {}) if self.store is None else self.store.find(identities, self.definitions)
        missing: dict[str, int] = {}
        for row, identity in enumerate(map(str, identities)):
            if identity not in place:
                missing.setdefault(identity, row)
        rows = np.array(list(missing.values()), dtype=np.int64)
        before = self.runs_made
        given = inputs[[name for name in [*self.study.inputs, "seed"] if name in inputs]]
        for chosen, made in self._packs.make(given, realised, identities, rows):
            place |= {str(identities[row]): len(place) + count for count, row in enumerate(chosen)}
            blocks.append(made)
        self.runs_found += len(identities) - (self.runs_made - before)
        return self._together(blocks, [place[str(identity)] for identity in identities], inputs)

    def identities(self, inputs: xr.Dataset) -> np.ndarray:
        """Identities of runs, shape (run,); see `surecast.simulate.identity`."""
        return run_identities(self.simulator, self.code, self.realise(inputs))

    def realise(self, inputs: xr.Dataset) -> xr.Dataset:
        """Inputs as the simulator sees them: fields on its grid; the seed only where it matters."""
        names = [name for name in self.study.inputs if name in inputs]
        if self.simulator.stochastic and "seed" in inputs:
            names.append("seed")
        chosen = inputs[names].reset_coords(drop=True)
        grids = self.simulator.grids()
        return self.study.joint_law().realise(chosen, grids) if grids else chosen

    def simulate(self, realised: xr.Dataset) -> xr.Dataset:
        """Outputs of runs whose inputs are as the simulator sees them (see `realise`), without the store."""
        import xarray as xr

        raw = self.simulator.run(realised)
        if "failure" in raw and all(str(text) for text in raw["failure"].values) and len(raw.data_vars) == 1:
            return self._all_failed(raw["failure"].values)  # no call of a user's function came back
        computed: dict[str, xr.DataArray] = {}
        for name, output in self.outputs.items():
            array = output.from_simulation(realised, raw)
            self._check_dimensions(name, output, array)
            array.attrs[DEFINITION] = self.definitions[name]
            computed[name] = array
        looked_at = dict(computed)
        for name in self._gated.keys() - computed.keys():
            looked_at[name] = self._gated[name].from_simulation(realised, raw)
        outputs = {f"output {name}": array.variable for name, array in looked_at.items()}
        message = gates.messages(
            raw.assign(outputs), self.study.failures.largest, self.simulator.diagnostics, list(outputs)
        )
        failed = message != ""
        made = xr.Dataset()
        for name, array in computed.items():
            kept = array.astype(np.float32 if array.ndim > 1 else np.float64, keep_attrs=True)
            made[name] = kept.where(xr.DataArray(~failed, dims="run"))
            made[name].attrs = array.attrs
        for name in self.simulator.diagnostics:
            made[name] = raw[name].astype(np.float64, keep_attrs=True)
        return made.assign(_status(failed, message))

    def _all_failed(self, failure: np.ndarray) -> xr.Dataset:
        import xarray as xr

        made = xr.Dataset(self._forms.unknown(len(failure)))
        for name, definition in self.definitions.items():
            made[name].attrs[DEFINITION] = definition
        return made.assign(_status(np.ones(len(failure), dtype=bool), failure))

    def _check_dimensions(self, name: str, output: Output, array: xr.DataArray) -> None:
        stated, found = output.dimensions(self.simulator), tuple(str(dim) for dim in array.dims[1:])
        if set(stated) != set(found):
            raise SimulationError(
                f"output {name!r} has the dimensions {found}, not {stated} as stated.",
                f"write outputs.{name}.dims: [{', '.join(found)}], or reduce it.",
            )

    def _together(self, blocks: list[xr.Dataset], rows: list[int], inputs: xr.Dataset) -> xr.Dataset:
        import xarray as xr

        wanted = [*self.outputs, *self.simulator.diagnostics, "failed", "message"]
        blocks = self._forms.complete([block[wanted] for block in blocks])
        joined = xr.concat(
            blocks,
            "run",
            join="override",
            data_vars="all",
            coords="minimal",
            compat="override",
            combine_attrs="override",
        )
        joined = joined.isel(run=rows)
        for variable in joined.variables.values():
            variable.attrs.pop(DEFINITION, None)
        joined = joined.transpose("run", ...)
        joined.attrs = {}
        return joined.assign_coords({name: value for name, value in inputs.coords.items() if value.dims == ("run",)})


def _status(failed: np.ndarray, message: np.ndarray) -> dict[str, tuple[str, np.ndarray, dict[str, Any]]]:
    flags = {"flag_values": np.array([0, 1], dtype=np.int8), "flag_meanings": "fine failed"}
    return {
        "failed": (
            "run",
            np.asarray(failed).astype(np.int8),
            {"long_name": "whether the run failed", "units": "1", **flags},
        ),
        "message": ("run", np.asarray(message, dtype=object), {"long_name": "why the run failed"}),
    }
