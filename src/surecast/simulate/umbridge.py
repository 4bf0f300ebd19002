"""A model behind UM-Bridge: any program, in any language, that answers over HTTP.

    F : R^n_0 x R^n_1 x ...  ->  R^m_0 x R^m_1 x ...

The study says which inputs make up the vectors of sizes n_k, and which entries of the vectors of sizes m_k are raw
outputs. The protocol is in `surecast.simulate.umbridge_protocol`; several servers of one model share the runs
(`surecast.simulate.shared_runs`). The model must be deterministic: surecast cannot see whether it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import numpy as np
from pydantic import Field, JsonValue, PrivateAttr, field_validator, model_validator

from surecast.simulate.shared_runs import share_out
from surecast.simulate.simulator import Simulator, VariableInfo
from surecast.simulate.umbridge_entries import Entries
from surecast.simulate.umbridge_protocol import PROTOCOL, BadAnswer, ConnectionLost, Server, Sizes
from surecast.study.component import Problem, refused
from surecast.study.errors import ComponentError, SimulationError

if TYPE_CHECKING:
    import xarray as xr

    from surecast.study.model import Study

Number = Annotated[float, Field(allow_inf_nan=False)]
UNDECIDING = ("url", "urls", "time_limit", "reconnect", "runs_per_server")
"""Settings that say how runs are made, not which: no part of a run's identity."""


class UMBridge(Simulator):
    """A model on one or several UM-Bridge servers, protocol 1.0.

    A run fails, with the model's message, where the model answers with an error, not in time, or with something else
    than vectors of the declared sizes. A server that goes away is waited for; another takes over its run.
    """

    url: str = Field(default="", description="Where the server is, for example http://localhost:4242.")
    urls: list[str] = Field(default=[], description="Several servers of the same model, in place of `url`.")
    model: str = Field(min_length=1, description="Name of the model on the server.")
    config: dict[str, JsonValue] = Field(default={}, description="Configuration that is sent with every run.")
    version: str = Field(
        default="",
        description="Version of the model, in your own words, since the protocol has none: another one, other runs.",
    )
    inputs: list[list[str | Number]] | None = Field(
        default=None,
        min_length=1,
        description="The model's input vectors: names of inputs (a field gives its coefficients), and numbers that "
        "stay as they are. May be left out where the study has one input.",
    )
    outputs: dict[str, Entries] = Field(min_length=1, description="Raw outputs by name: entries of the output vectors.")
    time_limit: float = Field(
        default=3600.0, gt=0, le=1e8, description="Time that a run may take before it has failed, waiting included, s."
    )
    reconnect: float = Field(
        default=60.0, ge=0, le=1e8, description="Time for which a server that went away is waited for, s."
    )
    runs_per_server: int = Field(
        default=1, ge=1, le=1024, description="Runs sent to each server at once; more for a load balancer."
    )

    _most: int | None = PrivateAttr(default=None)  # runs at once; None: all servers work

    @field_validator("url", "urls")
    @classmethod
    def _places(cls, given: str | list[str]) -> str | list[str]:
        for url in [given] if isinstance(given, str) else given:
            try:
                place = urlsplit(url)
                fine = place.scheme in ("http", "https") and bool(place.hostname) and place.port != 0
            except ValueError:
                fine = False
            if url and (not fine or place.query or place.fragment):
                raise refused("", f"{url!r} is no address of a server.", "write for example http://localhost:4242.")
        return given

    @field_validator("config")
    @classmethod
    def _finite(cls, config: dict[str, JsonValue]) -> dict[str, JsonValue]:
        try:
            json.dumps(config, allow_nan=False)
        except ValueError as error:
            raise refused("", "a number in it is not finite, which JSON cannot say.", "write a finite one.") from error
        return config

    @model_validator(mode="after")
    def _consistent(self) -> UMBridge:
        if bool(self.url) == bool(self.urls) or "" in self.urls:
            raise refused(
                "url", "either `url` or `urls` says where the model is.", "write `url: http://localhost:4242`."
            )
        if len(set(self.urls)) < len(self.urls):
            raise refused(
                "urls", "a server stands twice.", "name each once; `runs_per_server` sends it more at a time."
            )
        names = [item for vector in self.inputs or [] for item in vector if isinstance(item, str)]
        if len(set(names)) < len(names):
            raise refused("inputs", "an input stands twice.", "name each once.")
        lengths: dict[str, int] = {}
        for name, entries in self.outputs.items():
            if not name.isidentifier() or name == "failure":
                raise refused("outputs", f"{name!r} cannot be the name of an output.", "use letters, digits and '_'.")
            start, stop = entries.span
            if entries.range is not None and lengths.setdefault(self._dim(name), stop - start) != stop - start:
                raise refused("outputs", f"{self._dim(name)!r} has two lengths.", "give each a `dim` of its own.")
        return self

    def settings(self) -> dict[str, Any]:
        """What decides a run: model, configuration, versions and mapping; not where, or how patiently, it is asked."""
        decide = {key: value for key, value in super().settings().items() if key not in UNDECIDING}
        return {**decide, "protocol": PROTOCOL}

    def input_names(self) -> tuple[str, ...]:
        """The names in `inputs`; empty where it is left out."""
        return tuple(item for vector in self.inputs or [] for item in vector if isinstance(item, str))

    def variables(self) -> dict[str, VariableInfo]:
        """The outputs, as the study states them."""
        return {
            name: {
                "dims": () if entries.range is None else (self._dim(name),),
                "units": entries.units,
                "long_name": entries.long_name or name.replace("_", " "),
            }
            for name, entries in self.outputs.items()
        }

    def resolution(self) -> dict[str, Any]:
        """Empty: the model's own business."""
        return {}

    def card(self) -> dict[str, Any]:
        """Model, configuration, version and mapping."""
        return {
            "equation": f"the model {self.model!r} behind UM-Bridge",
            "solver": f"UM-Bridge {PROTOCOL}, model {self.model!r}",
            "version": self.version or "not stated",
            "configuration": json.dumps(self.config, sort_keys=True) if self.config else "none",
            "inputs": " | ".join(", ".join(map(str, vector)) for vector in self.inputs or [["the study's input"]]),
            "outputs": ", ".join(f"{name} = {entries}" for name, entries in self.outputs.items()),
            "units": {name: info["units"] for name, info in self.variables().items()},
        }

    def check(self) -> None:
        """Raise `ComponentError` if a server is not there, or does not serve what the study takes it to."""
        for _, message, remedy in self._faults(None):
            raise ComponentError(message, remedy)

    def problems(self, study: Study) -> Iterator[Problem]:
        """What does not fit the study's inputs, or what the servers say of their model."""
        names = list(self.input_names()) if self.inputs is not None else list(study.inputs)
        if self.inputs is None and len(names) > 1:
            yield "inputs", *_unordered(names)
        elif set(names) <= set(study.inputs):
            yield from self._faults({name: study.build_law(name).dimension for name in names})

    def most_at_once(self) -> int:
        """Servers, times the runs that each is sent at once."""
        return len(self._urls) * self.runs_per_server

    def at_once(self, runs: int) -> UMBridge:
        """The same model, of whose servers so many evaluations are asked at once at most."""
        limited = self.model_copy()
        limited._most = runs
        return limited

    def run(self, inputs: xr.Dataset) -> xr.Dataset:
        """Simulate every run; see `Simulator.run`.

        Raises
        ------
        SimulationError
            If no server answers any more, or one serves another model.
        """
        import xarray as xr

        self.require(inputs)
        vectors = self._vectors(inputs)
        lengths = [vector.shape[1] for vector in vectors]
        asked = np.flatnonzero(np.all([np.isfinite(vector).all(axis=1) for vector in vectors], axis=0))
        servers = [self._server(url) for url in self._urls for _ in range(self.runs_per_server)]
        given = [[vector[row].tolist() for vector in vectors] for row in asked]
        found = share_out(servers, given, lambda sizes: self._misfit(sizes, lengths), self.reconnect, self._most)
        answers = dict(zip(asked.tolist(), found, strict=True))
        failure = np.full(inputs.sizes["run"], "", dtype=object)
        for row in range(len(failure)):
            answer = answers.get(row, "an input is not finite")
            failure[row] = answer if isinstance(answer, str) else ""
        values, raw = {}, xr.Dataset()
        for name, entries in self.outputs.items():
            start, stop = entries.span
            rows = np.full((len(failure), stop - start), np.nan)
            for row, answer in answers.items():
                if not isinstance(answer, str):
                    rows[row] = answer[entries.vector][start:stop]
            values[name] = rows[:, 0] if entries.range is None else rows
            if entries.range is not None:
                about = {"long_name": "place in the range", "units": "1"}
                raw = raw.assign_coords({self._dim(name): (self._dim(name), np.arange(stop - start), about)})
        return self.labelled(raw, values, failure)

    @property
    def _urls(self) -> list[str]:
        return self.urls or [self.url]

    def _server(self, url: str) -> Server:
        return Server(url, self.model, dict(self.config), self.time_limit)

    def _dim(self, name: str) -> str:
        return self.outputs[name].dim or f"{name}_place"

    def _vectors(self, inputs: xr.Dataset) -> list[np.ndarray]:
        """The model's input vectors, each (run, size)."""
        stated: Sequence[Sequence[str | float]] | None = self.inputs
        if stated is None:
            names = [str(name) for name in inputs.data_vars if name != "seed"]
            if len(names) > 1:
                raise SimulationError(*_unordered(names))
            stated = [names]
        runs = inputs.sizes["run"]
        vectors = []
        for items in stated:
            columns = [np.empty((runs, 0))]
            for item in items:
                if not isinstance(item, str):
                    columns.append(np.full((runs, 1), item))
                elif item in inputs:
                    values = inputs[item].transpose("run", ...).values.reshape(runs, -1)
                    columns.append(np.asarray(values, dtype=np.float64))
                else:
                    raise SimulationError(
                        f"the model {self.model!r} lacks its input {item!r}.", f"add {item} to the inputs."
                    )
            vectors.append(np.concatenate(columns, axis=1))
        return vectors

    def _faults(self, sizes: Mapping[str, int] | None) -> Iterator[Problem]:
        """What is wrong with the servers, with the sizes of all inputs where they are known."""
        key, lengths = "urls" if self.urls else "url", None
        if sizes is not None:
            stated: Sequence[Sequence[str | float]] = self.inputs if self.inputs is not None else [list(sizes)]
            lengths = [sum(sizes[item] if isinstance(item, str) else 1 for item in items) for items in stated]
        first: Sizes | None = None
        for url in self._urls:
            server = self._server(url)
            try:
                found = server.sizes()
            except ConnectionLost as lost:
                message = f"no UM-Bridge server answers at {url} ({lost})."
                yield key, message, "start the server, or correct the address."
                continue
            except BadAnswer as bad:
                yield key, f"the server at {url} does not serve the model: {bad}.", "correct the study or the server."
                continue
            finally:
                server.close()
            if first is not None and found != first:
                yield key, f"{url} declares {found}, another server {first}.", "let all serve the same model."
            first = first or found
            if misfit := self._misfit(found, lengths):
                yield misfit

    def _misfit(self, sizes: Sizes, lengths: Sequence[int] | None) -> Problem | None:
        """Why the study's vectors are not those of the model."""
        count = 1 if self.inputs is None else len(self.inputs)
        if (lengths is not None and list(lengths) != list(sizes.inputs)) or count != len(sizes.inputs):
            given = f"{count} of them" if lengths is None else f"vectors of sizes {list(lengths)}"
            return (
                "inputs",
                f"the model {self.model!r} takes input vectors of sizes {list(sizes.inputs)}, not {given}.",
                "write a list for each of its vectors: names of inputs, and numbers that stay.",
            )
        ends = list(sizes.outputs)
        for name, entries in self.outputs.items():
            if entries.vector >= len(ends) or entries.span[1] > ends[entries.vector]:
                return (
                    f"outputs.{name}",
                    f"the output vectors of the model {self.model!r} have sizes {ends}: it is not in them.",
                    "count vectors and entries from 0.",
                )
        return None


def _unordered(names: Sequence[str]) -> tuple[str, str]:
    # The order in the study file would decide the result, and the identity of a run knows names alone.
    return (
        "it is not stated in which order the inputs make up the model's vectors.",
        f"write `inputs: [[{', '.join(names)}]]` beside `kind: umbridge` if it takes one vector of these.",
    )
