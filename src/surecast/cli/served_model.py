"""A study's simulator, or a trained surrogate of it, as a map from vectors to vectors.

input 0     all inputs of the study in its order, a field by its coefficients
input 1     the seed of the run, where the simulator draws random numbers (a surrogate takes none)
output k    the k-th output of the study, or of the surrogate: one number, or a field row by row
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from surecast.study.errors import SimulationError, SurecastError
from surecast.study.paths import Paths

if TYPE_CHECKING:
    import xarray as xr

    from surecast.study.model import Study

LARGEST_SEED = 2**53
"""Whole numbers up to it are the same in every language."""
PROBES = (0.5, 0.25, 0.75, 0.1, 0.9)
"""Quantiles of all inputs at which the form of the outputs is looked at: at the first where a run does not fail."""


class InvalidInput(Exception):
    """Vectors that are no inputs of the model."""


class FailedRun(Exception):
    """The model has no output for these inputs."""


class ServedModel:
    """Base of what is served.

    Parameters
    ----------
    study : Study
        The study whose inputs it takes.
    name, about : str
        Its name, and what it is in words.
    seeded : bool
        Whether it takes a seed.
    call : callable
        From inputs of one run to its outputs; raises `FailedRun`.
    inside : bool
        Whether it may be asked only where the inputs' laws have a density.

    Attributes
    ----------
    input_sizes, output_sizes : list of int
        Lengths of its vectors.
    """

    def __init__(
        self,
        study: Study,
        name: str,
        about: str,
        seeded: bool,
        call: Callable[[xr.Dataset], xr.Dataset],
        inside: bool = False,
    ) -> None:
        self.study, self.name, self.about = study, name, about
        self._seeded, self._call, self._inside = seeded, call, inside
        self._law = study.joint_law()
        self._form = self._law.from_uniform(np.full((1, self._law.dimension), 0.5))
        if seeded:
            self._form["seed"] = ("run", np.zeros(1, dtype=np.int64))
        self.input_sizes = [sum(self._form[name].size for name in study.inputs), *([1] if seeded else [])]
        self._example = self._probe()
        self.output_sizes = [variable.size for variable in self._example.data_vars.values()]

    def evaluate(self, vectors: Any) -> list[list[float]]:
        """Output vectors of one run.

        Raises
        ------
        InvalidInput
            If `vectors` are none that it takes.
        FailedRun
            If the run fails.
        """
        outputs = self._call(self._inputs(vectors))
        found = [outputs[name].values.astype(np.float64).reshape(-1) for name in self._example.data_vars]
        if not all(np.isfinite(vector).all() for vector in found):
            raise FailedRun("an output is not finite")
        return [vector.tolist() for vector in found]

    def description(self) -> list[str]:
        """One line for each vector."""
        inputs = [f"{name} ({self._form[name].attrs['units']})" for name in self.study.inputs]
        lines = [f"input 0    {_count(self.input_sizes[0])}: {', '.join(inputs)}"]
        lines += ["input 1    1 number: seed of the run"] if self._seeded else []
        for place, (name, variable) in enumerate(self._example.data_vars.items()):
            grid = ", ".join(f"{dim} {size}" for dim, size in list(variable.sizes.items())[1:])
            unit = f"{variable.attrs['units']}{'; ' if grid else ''}{grid}"
            lines.append(f"output {place}   {_count(variable.size)}: {name} ({unit})")
        return lines

    def _probe(self) -> xr.Dataset:
        failure = None
        for quantile in PROBES:
            inputs = self._law.from_uniform(np.full((1, self._law.dimension), quantile))
            if self._seeded:
                inputs["seed"] = self._form["seed"]
            try:
                return self._call(inputs)
            except FailedRun as failed:
                failure = failure or failed
        raise SimulationError(
            f"runs fail at every one of {len(PROBES)} inputs that were tried; the first said: {failure}",
            "run the simulator on one of these inputs by hand.",
        )

    def _inputs(self, vectors: Any) -> xr.Dataset:
        wanted = self.input_sizes
        if not isinstance(vectors, list) or not all(isinstance(vector, list) for vector in vectors):
            raise InvalidInput("the input is no list of vectors.")
        if [len(vector) for vector in vectors] != wanted:
            raise InvalidInput(f"the input vectors have sizes {[len(vector) for vector in vectors]}, not {wanted}.")
        for number in (number for vector in vectors for number in vector):
            if isinstance(number, bool) or not isinstance(number, (int, float)) or not abs(number) < 1e300:
                raise InvalidInput(f"the input holds {number!r}, which is no finite number.")
        inputs, start = self._form.copy(), 0
        for name, law in self._law.laws.items():
            form = self._form[name]
            values = np.array(vectors[0][start : start + form.size], dtype=np.float64).reshape(form.shape)
            start += form.size
            if form.dtype.kind in "iu" and (values != np.round(values)).any():
                raise InvalidInput(f"the input {name} takes whole numbers, not {values.ravel()[0]:g}.")
            values = values.astype(form.dtype)
            if self._inside and not (law.log_density(values) > -np.inf).all():
                raise InvalidInput(
                    f"the input {name} lies where its law has no density: the surrogate has learnt nothing there."
                )
            inputs[name] = form.copy(data=values)
        if self._seeded:
            seed = vectors[1][0]
            if seed != int(seed) or not 0 <= seed <= LARGEST_SEED:
                raise InvalidInput(f"the seed is a whole number from 0 to 2^53, not {seed!r}.")
            inputs["seed"] = ("run", np.array([int(seed)], dtype=np.int64))
        return inputs


def simulator_of(study: Study) -> ServedModel:
    """The study's simulator with its outputs.

    Raises
    ------
    SimulationError
        If it cannot be run at all.
    """
    from surecast.simulate.truth import Truth

    truth = Truth(study)

    def call(inputs: xr.Dataset) -> xr.Dataset:
        made = truth.simulate(truth.realise(inputs))
        if made["failed"].item():
            raise FailedRun(str(made["message"].item()))
        return made[list(truth.outputs)]

    about = f"the simulator {study.simulator.kind}"
    return ServedModel(study, study.name, about, bool(truth.simulator.stochastic), call)


def surrogate_of(study: Study, name: str, seed: int | None = None, results: str = "results") -> ServedModel:
    """A trained surrogate, by name and seed of its training (the first if left out).

    Raises
    ------
    StudyError
        If the study has no such surrogate.
    SurecastError
        If it has not been trained, with that seed or at all.
    DataError
        If its files are not what was written, or of other settings than the study has now.
    """
    from surecast.train.surrogate import load_surrogate

    seeds = study.build_surrogate(name).seeds(study)
    seed = seeds[0] if seed is None else seed
    path = Paths(study.name, results).surrogate(name, seed)
    if seed not in seeds:
        raise SurecastError(
            f"the surrogate {name!r} is not trained with the seed {seed}.", f"use one of {', '.join(map(str, seeds))}."
        )
    if not path.is_file():
        raise SurecastError(
            f"the surrogate {name!r} has not been trained here: there is no {path}.",
            "run `snakemake` on the study, in this working directory, first.",
        )
    surrogate = load_surrogate(path, study)
    about = f"the surrogate {name} ({study.surrogates[name].kind}, seed {seed})"
    return ServedModel(study, f"{study.name}/{name}", about, False, surrogate, inside=True)


def _count(size: int) -> str:
    return f"{size} number{'s'[: size != 1]}"
