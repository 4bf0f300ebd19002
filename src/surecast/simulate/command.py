"""The user's own program: whatever reads an input file and writes an output file, in any language.

    simulator:
      kind: command
      arguments: [./beam, "{input}", "{output}"]     # ./ is the study's folder
      template: beam.txt.jinja                       # or input: {format: json}, or netcdf
      output: {format: csv}                          # or json, netcdf, or reader: "module:function"
      outputs: {deflection: {units: m}, bending: {units: m, shape: {x: {low: 0.0, high: 1.0, count: 50}}}}
      time_limit: 60

Every run is one call, without a shell, in a scratch folder of its own, which is removed afterwards. The program's file,
the template and every other file that the settings name are part of a run's identity: a program that is compiled anew
makes its runs anew.
"""

from __future__ import annotations

import shlex
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field, PrivateAttr, ValidationInfo, field_validator, model_validator

from surecast.simulate import exchange, program
from surecast.simulate.exchange import Grid, Returned
from surecast.simulate.process import STDERR, STDOUT, at_once, run_program
from surecast.simulate.program import ProgramInput, ProgramOutput
from surecast.simulate.simulator import Simulator, VariableInfo
from surecast.study import digest, kinds
from surecast.study.component import Problem, refused
from surecast.study.errors import ComponentError, SimulationError
from surecast.study.nearest import suggestion

if TYPE_CHECKING:
    import xarray as xr

    from surecast.study.model import Study

_FILES = threading.Lock()
"""Held while files are written and read: the NetCDF library and a user's function may not bear two threads."""


class Command(Simulator):
    """An outside program, called once a run in a folder of its own; a call that goes wrong is a failed run."""

    arguments: list[str] = Field(
        min_length=1,
        description="The program and its arguments, one item each. {input}, {output}, {study} and {seed} stand for the "
        "two files, the study's folder and the run's seed; {{ and }} for braces.",
    )
    template: str = Field(default="", description="Jinja template of the input file, relative to the study file.")
    input: ProgramInput = Field(default=ProgramInput(), description="The input file, where no template makes it.")
    output: ProgramOutput = Field(default=ProgramOutput(), description="The output file.")
    outputs: dict[str, Returned] = Field(min_length=1, description="What it gives: name to {units, long_name, shape}.")
    fields: dict[str, Annotated[dict[str, Grid], Field(min_length=1)]] = Field(
        default={}, description="Grid on which a gaussian_field is handed over: {name: {y: points, x: points}}."
    )
    files: list[str] = Field(
        default=[], description="Further files that decide a result (sources, meshes), relative to the study file."
    )
    environment: dict[str, str] = Field(default={}, description="Environment variables to set.")
    seeded: bool = Field(
        default=False, alias="stochastic", description="Whether it draws random numbers, from the seed it is given."
    )
    time_limit: float = Field(
        default=3600.0, gt=0, le=1e8, description="Seconds after which a run and all its processes are ended."
    )
    retries: int = Field(default=0, ge=0, le=100, description="Further attempts at a run that failed.")
    parallel: int = Field(default=1, ge=1, le=1024, description="Runs made at once.")
    keep_failed: str = Field(
        default="", description="Folder, relative to the study file, that keeps scratch folders of failed runs."
    )

    _folder: Path = PrivateAttr(default=Path())  # where the study lies
    _digests: dict[str, str] = PrivateAttr(default={})  # of every file that decides a result
    _render: Any = PrivateAttr(default=None)  # from inputs to the text of the input file
    _wanted: tuple[str, ...] = PrivateAttr(default=())  # inputs that the template names

    @field_validator("arguments", mode="before")
    @classmethod
    def _no_shell(cls, arguments: Any) -> Any:
        return program.as_list(arguments)

    @field_validator("outputs")
    @classmethod
    def _named(cls, outputs: dict[str, Returned]) -> dict[str, Returned]:
        exchange.check_names(outputs)
        return outputs

    @model_validator(mode="after")
    def _complete(self, info: ValidationInfo) -> Command:
        self._folder = Path((info.context or {}).get("folder") or "").resolve()
        program.check_arguments(self.arguments, self._folder, self.seeded)
        if self.template and "format" in self.input.model_fields_set:
            raise refused("input.format", "a template makes the input file.", "remove one of the two.")
        if self.output.reader and "format" in self.output.model_fields_set:
            raise refused("output.format", "a function reads the output.", "remove one of the two.")
        for key, name in (("input.file", self.input.file), ("output.file", self.output.file)):
            if name and Path(name).name != name:
                raise refused(key, "is no plain name of a file.", "give the name alone: the folder is the run's own.")
        if self._source in (self._result, STDOUT, STDERR):
            raise refused("input.file", f"{self._source} is written by the program.", "name another file.")
        if self.template:
            self._render, names = program.read_template(self._folder / self.template)
            if "seed" in names and not self.seeded:
                raise refused("template", "the program is given no seed.", "write `stochastic: true` beside it.")
            if self.seeded and "seed" not in names and not any("{seed}" in item for item in self.arguments):
                raise refused("template", "it does not hand over the seed.", "write {{ seed }} in it.")
            self._wanted = tuple(sorted({*names} - {"seed"}, key=lambda name: (name not in self.fields, name)))
            if not self._wanted:
                raise refused("template", "it names no input.", "write {{ name }} where the value of an input goes.")
        self.check()
        self._digests = {name: digest.of_file(self._folder / name) for name in self._deciding_files()}
        return self

    @property
    def stochastic(self) -> bool:
        """Whether the study says so."""
        return self.seeded

    def settings(self) -> dict[str, Any]:
        """The settings that decide a result, with the digest of every file among them."""
        settings = super().settings()
        del settings["parallel"], settings["keep_failed"]
        return settings | {"files": [[name, found] for name, found in self._digests.items()]}

    def input_names(self) -> tuple[str, ...]:
        """What the template names; empty without one: the program is given whatever inputs the study has."""
        return self._wanted

    def grids(self) -> dict[str, dict[str, np.ndarray]]:
        """The grids of `fields`."""
        return {
            name: {dim: exchange.values_of(axis) for dim, axis in grid.items()} for name, grid in self.fields.items()
        }

    def variables(self) -> dict[str, VariableInfo]:
        """What `outputs` declares."""
        return {
            name: {"dims": tuple(item.shape), "units": item.units, "long_name": item.long_name or name}
            for name, item in self.outputs.items()
        }

    def resolution(self) -> dict[str, Any]:
        """Empty: the program's own business."""
        return {}

    def card(self) -> dict[str, Any]:
        """The call, and the files that decide what it gives."""
        return {
            "equation": f"the program {self.arguments[0]}",
            "solver": shlex.join(self.arguments),
            "files": dict(self._digests),
            "units": {name: item.units for name, item in self.outputs.items()},
        }

    def code_targets(self) -> list[str]:
        """This module, and that of the function that reads the output."""
        reader = [self.output.reader.partition(":")[0]] if self.output.reader else []
        return [*super().code_targets(), *reader]

    def problems(self, study: Study) -> Iterable[Problem]:
        """Fields that are no input of the study."""
        for name in self.fields:
            if name not in study.inputs:
                yield f"fields.{name}", "the study has no such input.", suggestion(name, study.inputs)

    def check(self) -> None:
        """Raise `ComponentError` if the program, a file or the function that reads the output is not there."""
        program.find_program(self.arguments[0], self._folder)
        for name in self._deciding_files():
            if not (self._folder / name).is_file():
                noun = "is a folder" if (self._folder / name).is_dir() else "is not there"
                raise ComponentError(f"the file {name} {noun}.", "name files, relative to the study file.")
        if self.output.reader:
            self._reader()

    def most_at_once(self) -> int:
        """`parallel`."""
        return self.parallel

    def at_once(self, runs: int) -> Command:
        """The same program, called for so many runs at once."""
        return self.model_copy(update={"parallel": runs})

    def run(self, inputs: xr.Dataset) -> xr.Dataset:
        """Call the program once a run; see `Simulator.run`.

        Raises
        ------
        SimulationError
            If a file that decides the result has changed since the study was read, or no scratch folder can be made.
        """
        import xarray as xr

        self.require(inputs)
        runs = inputs.sizes["run"]
        if self.stochastic and "seed" not in inputs:
            raise SimulationError("a stochastic simulator needs the variable seed.", "give every run a seed.")
        for name, known in self._digests.items():
            if not (self._folder / name).is_file() or digest.of_file(self._folder / name) != known:
                raise SimulationError(f"{name} has changed while its runs are made.", "start again: runs are kept.")
        left_out = [name for name, value in inputs.coords.items() if "run" in value.dims]
        left_out += [] if self.stochastic or "seed" not in inputs else ["seed"]
        given = inputs.drop_vars(left_out)
        outcomes = at_once(self._one, [given.isel(run=row) for row in range(runs)], self.parallel)
        values = {name: np.full((runs, *item.sizes), np.nan) for name, item in self.outputs.items()}
        failure = np.full(runs, "", dtype=object)
        for row, outcome in enumerate(outcomes):
            if isinstance(outcome, str):
                failure[row] = outcome
            else:
                for name, array in outcome.items():
                    values[name][row] = array
        coordinates = {dim: axis for item in self.outputs.values() for dim, axis in item.coordinates().items()}
        return self.labelled(xr.Dataset(coords=coordinates), values, failure)

    def _one(self, run: xr.Dataset, stop: threading.Event) -> dict[str, np.ndarray] | str:
        outcome: dict[str, np.ndarray] | str = ""
        for attempt in range(self.retries + 1):
            try:
                scratch = Path(tempfile.mkdtemp(prefix="surecast-")).resolve()
                try:
                    outcome = self._attempt(run, scratch, stop)
                    if isinstance(outcome, str) and attempt == self.retries:
                        outcome += f" (at each of {attempt + 1} attempts)" if attempt else ""
                        outcome += self._kept(run, scratch)
                finally:
                    shutil.rmtree(scratch, ignore_errors=True)
            except OSError as error:  # no fault of the run
                raise SimulationError(
                    f"a run cannot be set up: {error}.", "make room, or set TMPDIR to a folder that has some."
                ) from error
            if not isinstance(outcome, str) or stop.is_set():
                break
        return outcome

    def _attempt(self, run: xr.Dataset, scratch: Path, stop: threading.Event) -> dict[str, np.ndarray] | str:
        source, result = scratch / self._source, scratch / self._result
        try:
            with _FILES:
                if self._render is None:
                    exchange.write_input(source, run, self.input.format)
                else:
                    source.write_text(self._render(exchange.plain(run)), encoding="utf-8")
            seed = int(run["seed"]) if self.seeded else None
            places = {"input": source, "output": result, "study": self._folder, "seed": seed}
            called = program.find_program(self.arguments[0], self._folder)
            arguments = [called, *(item.format(**places) for item in self.arguments[1:])]
            problem = run_program(arguments, scratch, source, self.time_limit, self.environment, stop)
            with _FILES:
                return problem or self._read(scratch, result)
        except SimulationError as error:
            return " ".join(error.message.replace(str(scratch), ".").split())

    def _read(self, scratch: Path, result: Path) -> dict[str, np.ndarray]:
        if not self.output.reader:
            found = exchange.read_output(result, self.output.format, self.outputs)
            return exchange.checked(found, self.outputs, rows=self.output.format == "csv")
        return exchange.checked(program.read_by_function(self.output.reader, self._reader(), scratch), self.outputs)

    def _kept(self, run: xr.Dataset, scratch: Path) -> str:
        """Move the folder of a failed run to where it stays, under a name that is the same whenever the run is made."""
        if not self.keep_failed or not scratch.is_dir():  # a program may remove its own folder
            return ""
        name = f"{self.keep_failed}/{digest.of_json([self.settings(), exchange.plain(run)])[:16]}"
        kept = self._folder / name
        shutil.rmtree(kept, ignore_errors=True)
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(scratch, kept)
        return f"; kept in {name}"

    @property
    def _source(self) -> str:
        """Name of the input file."""
        templates = Path(self.template).name.removesuffix(".jinja").removesuffix(".j2")
        return self.input.file or templates or f"input.{exchange.SUFFIXES[self.input.format]}"

    @property
    def _result(self) -> str:
        """Name of the output file."""
        return self.output.file or f"output.{exchange.SUFFIXES[self.output.format]}"

    def _deciding_files(self) -> list[str]:
        template = [self.template] if self.template else []
        return sorted({*program.named_in(self.arguments), *template, *self.files})

    def _reader(self) -> Callable[[Path], Any]:
        function: Callable[[Path], Any] = kinds.resolve("simulator", self.output.reader, self._folder)
        if not callable(function):
            raise ComponentError(f"{self.output.reader} is no callable.", "name a function of the scratch folder.")
        return function
