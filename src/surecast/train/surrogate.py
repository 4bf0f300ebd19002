"""What every surrogate is: settings in the study file, `fit` on a dataset, and then a call like the simulator's.

A trained surrogate is two files. ``seed0.json`` says what it is (settings, outputs, dataset, digest of the weights);
``seed0.safetensors`` holds its numbers. Nothing is pickled: `load_surrogate` rebuilds it from the study's component.
``seed0.history.nc`` beside them tells how the training went and what it took.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from surecast.study import digest
from surecast.study.component import Component, Problem
from surecast.study.errors import DataError, TrainingError
from surecast.study.files import read_json, write_json, written_aside

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr

    from surecast.study.model import Study

FORMAT = 1
"""Version of the surrogate's files."""


class SurrogateSettings(Component):
    """What a study says of a surrogate; a subclass knows how to `fit` it and how to `restore` it from its files."""

    needs_normals: ClassVar[bool] = False
    """Whether it learns on the standard normals behind the inputs, so that every law must be continuous."""

    learns: ClassVar[Literal["fields", "outputs"]]
    """The setting that names what it learns: ``fields`` of field surrogates, ``outputs`` of scalar ones."""

    def problems(self, study: Study) -> Iterator[Problem]:
        """Outputs and laws that it cannot treat."""
        simulator = study.build_simulator()
        fields = {name for name in study.outputs if study.build_output(name).is_field(simulator)}
        present = [name for name in study.outputs if (name in fields) == (self.learns == "fields")]
        noun = "field" if self.learns == "fields" else "number per run"
        if not present:
            yield ("kind", f"the study has no output that is a {noun}.", "add one to outputs, or remove the surrogate.")
        for name in getattr(self, self.learns) or ():
            if present and name in study.outputs and name not in present:
                yield (self.learns, f"output {name!r} is no {noun}.", f"use {', '.join(present)}.")
        for name, law in study.joint_law().laws.items():
            if self.needs_normals and not law.continuous:
                yield (
                    "kind",
                    f"cannot treat input {name!r}, whose law {law.kind()!r} is discrete.",
                    "use another surrogate, or a continuous law.",
                )

    def seeds(self, study: Study) -> list[int]:
        """Seeds of the trainings: ``[0]`` where the fit is deterministic, ``training.seeds`` for networks."""
        return [0]

    @abstractmethod
    def fit(self, study: Study, name: str, manifest: str | Path, seed: int, checkpoints: str | Path) -> Surrogate:
        """Learn from the training split, select by the validation split, never open the test split.

        Parameters
        ----------
        study : Study
            The study.
        name : str
            Name of the surrogate in the study.
        manifest : str or Path
            ``dataset.json``.
        seed : int
            One of `seeds`.
        checkpoints : str or Path
            Folder where an interrupted training finds itself again; outside the declared outputs.

        Raises
        ------
        TrainingError
            If the dataset does not suit the surrogate, or the training diverges.
        """

    @abstractmethod
    def restore(self, study: Study, name: str, record: dict[str, Any], tensors: dict[str, np.ndarray]) -> Surrogate:
        """Rebuild a trained surrogate from what `Surrogate.record` and `Surrogate.tensors` gave."""


class Surrogate(ABC):
    """A trained surrogate.

    Parameters
    ----------
    study : Study
        The study whose inputs it takes.
    name : str
        Its name there.
    settings : SurrogateSettings
        Its settings.
    outputs : sequence of str
        The study's outputs that it predicts.
    """

    history: xr.Dataset | None = None
    """How the training went; None for a surrogate that was read from its files."""

    def __init__(self, study: Study, name: str, settings: SurrogateSettings, outputs: Sequence[str]) -> None:
        self.study, self.name, self.settings, self.outputs = study, name, settings, tuple(outputs)

    def __call__(self, inputs: xr.Dataset, outputs: Sequence[str] | None = None) -> xr.Dataset:
        """Predict.

        Parameters
        ----------
        inputs : xarray.Dataset
            As the design gives them: dimension ``run``, one variable per input, Gaussian fields by coefficients.
        outputs : sequence of str, optional
            Which outputs; all of `self.outputs` if left out. Asking for scalars only is cheaper in memory.

        Returns
        -------
        xarray.Dataset
            The outputs by name, dimension ``run`` first, fields on the dataset's grid, with units and long names.
            A run's bits do not depend on which other runs are asked for.

        Raises
        ------
        TrainingError
            If an output is asked for that this surrogate does not predict.
        """
        names = self.outputs if outputs is None else tuple(outputs)
        for name in names:
            if name not in self.outputs:
                raise TrainingError(
                    f"The surrogate {self.name!r} does not predict {name!r}.",
                    f"it predicts {', '.join(self.outputs)}.",
                )
        predicted = self.predict(inputs, names)
        if "run" in inputs.coords:
            predicted = predicted.assign_coords(run=inputs["run"])
        return predicted[list(names)]

    @abstractmethod
    def predict(self, inputs: xr.Dataset, outputs: tuple[str, ...]) -> xr.Dataset:
        """What `__call__` returns, for valid output names."""

    @abstractmethod
    def record(self) -> dict[str, Any]:
        """What `SurrogateSettings.restore` needs besides the arrays, as JSON values."""

    @abstractmethod
    def tensors(self) -> dict[str, np.ndarray]:
        """All learnt numbers by name."""

    def save(self, path: str | Path, **about: Any) -> None:
        """Write ``<path>`` (JSON) and the weights beside it (safetensors).

        Parameters
        ----------
        path : str or Path
            For example ``results/groundwater/surrogates/fno/seed0.json``.
        **about
            JSON values to be kept with it, for example ``seed`` and ``dataset``.
        """
        from safetensors.numpy import save_file

        path = Path(path)
        weights = weights_path(path)
        tensors = {key: _contiguous(value) for key, value in sorted(self.tensors().items())}
        with written_aside(weights) as aside:
            save_file(tensors, aside)
        write_json(
            path,
            {
                "format": FORMAT,
                "name": self.name,
                "kind": self.study.surrogates[self.name].kind,
                "settings": self.settings.settings(),
                "outputs": list(self.outputs),
                "weights": {"file": weights.name, "digest": digest.of_file(weights)},
                "learnt_numbers": sum(value.size for value in tensors.values()),
                "record": self.record(),
                **about,
            },
        )


def load_surrogate(path: str | Path, study: Study) -> Surrogate:
    """Read a trained surrogate.

    Parameters
    ----------
    path : str or Path
        The JSON file that `Surrogate.save` wrote.
    study : Study
        The study it was trained for.

    Raises
    ------
    DataError
        If a file is missing or has changed since it was written, or the study's settings are not those of the training.
    """
    from safetensors.numpy import load

    path = Path(path)
    content = read_json(path)
    remake = f"delete it (rm -r {path}) and run snakemake again."
    if content.get("format") != FORMAT:
        raise DataError(f"{path}: holds format {content.get('format')!r}, not {FORMAT}.", remake)
    name = content["name"]
    settings: SurrogateSettings = study.build_surrogate(name)
    asked = {"kind": study.surrogates[name].kind, **settings.settings()}
    trained = {"kind": content["kind"], **content["settings"]}
    if digest.of_json(asked) != digest.of_json(trained):
        differ = sorted(key for key in asked.keys() | trained.keys() if asked.get(key) != trained.get(key))
        raise DataError(f"{path}: was trained with other settings than the study has now: {', '.join(differ)}.", remake)
    weights = path.parent / content["weights"]["file"]
    try:
        data = weights.read_bytes()
    except OSError as error:
        raise DataError(f"{weights}: cannot be read ({error}).", remake) from error
    if digest.of_bytes(data) != content["weights"]["digest"]:
        raise DataError(f"{weights}: weights have changed since they were written.", remake)
    surrogate = settings.restore(study, name, content["record"], load(data))
    if list(surrogate.outputs) != content["outputs"]:
        raise DataError(f"{path}: predicts other outputs than the study has now.", remake)
    return surrogate


def weights_path(path: str | Path) -> Path:
    """Where the weights of ``seed0.json`` lie."""
    return Path(path).with_suffix(".safetensors")


def history_path(path: str | Path) -> Path:
    """Where the history of ``seed0.json`` lies; its attribute ``training_cpu_seconds`` is what the training took."""
    return Path(path).with_suffix(".history.nc")


def _contiguous(array: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.ascontiguousarray(array)
