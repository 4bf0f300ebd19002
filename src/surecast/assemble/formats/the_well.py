"""The HDF5 of The Well.

Root
    Attributes ``dataset_name``, ``grid_type``, ``n_spatial_dims``, ``n_trajectories``, and ``simulation_parameters``,
    which names attributes of the root that are the same for all runs.
``dimensions``
    Attribute ``spatial_dims``; datasets ``time`` and one of each dimension of space, with ``sample_varying`` and, of
    space, ``time_varying``.
``t0_fields``, ``t1_fields``, ``t2_fields``
    Scalar, vector and tensor fields, listed in ``field_names``: (run, time, spatial_dims..., components), without the
    dimensions that ``sample_varying``, ``time_varying`` and ``dim_varying`` say are missing.
``scalars``
    Numbers that vary with run or time or neither, listed in ``field_names``.
``boundary_conditions``
    One group each with ``associated_dims``, ``associated_fields``, ``bc_type`` (periodic, wall or open) and the dataset
    ``mask``, true at the points where it holds.

Units are not in it. From its specification and checker (github.com/PolymathicAI/the_well, ``docs/data_format.md`` and
``scripts/check_thewell_formatting.py``; Ohana et al., NeurIPS 2024).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from surecast.assemble.formats import hdf5
from surecast.assemble.formats.chosen import Chosen, choose
from surecast.assemble.formats.hdf5 import SPACE
from surecast.study.errors import DataError

if TYPE_CHECKING:
    import h5py
    import xarray as xr

RESERVED = ("dataset_name", "grid_type", "n_spatial_dims", "n_trajectories", "simulation_parameters", "source", "card")
"""Attributes of the root that no parameter may be called."""


def read(path: str | Path) -> xr.Dataset:
    """Read a file; fields stay in it until they are asked for.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    xarray.Dataset
        Fields with dimensions (run, time, y, x), fewer where they do not vary; components of vectors along
        ``component``, of tensors along ``row`` and ``column``, or ``row_column`` where the file has them in one.
        Numbers; ``boundary_<name>`` (int8) with the attribute ``bc_type`` where a boundary condition holds, without
        values given on it. Coordinates of space and ``time``; times that vary with the run are ``time_of_run``.
        Parameters and the other attributes of the root as attributes. Units are those that the file has as
        attributes, if any.

    Raises
    ------
    DataError
        If the file cannot be read, lacks something or holds it in another shape, or its grid varies.
    """
    import xarray as xr

    with hdf5.opened(path) as file:
        attributes = {name: hdf5.plain(value) for name, value in file.attrs.items() if name != "n_trajectories"}
        sizes, variables = _dimensions(file)
        space = [dim for dim in sizes if dim not in ("run", "time")]
        for order in range(3):
            node = hdf5.group(file, f"t{order}_fields")
            for name in _names(node):
                variables[name] = _field(path, node, name, sizes, space, order)
        node = hdf5.group(file, "scalars")
        for name in _names(node):
            dims = _varying(hdf5.dataset(node, name))
            if dims:
                found = hdf5.dataset(node, name, [sizes[dim] for dim in dims])
                variables[name] = xr.Variable(dims, hdf5.values(found), hdf5.labels(found))
            elif name not in attributes:
                attributes[name] = hdf5.plain(hdf5.values(hdf5.dataset(node, name)).reshape(-1)[0])
        variables |= _boundaries(hdf5.group(file, "boundary_conditions"), sizes)
    found = hdf5.state_units(xr.Dataset(variables, attrs=attributes))
    return found.set_coords("time_of_run") if "time_of_run" in found else found


def write(
    manifest: str | Path, path: str | Path, outputs: Sequence[str] | None = None, split: str | None = None
) -> list[str]:
    """Write a dataset of surecast, as float32 and run by run.

    Outputs and inputs on the grid become ``t0_fields``, numbers ``scalars``, of which inputs that are the same in all
    runs are ``simulation_parameters`` too. Periodic boundaries become periodic ones; of others The Well has no kind
    that says as much as the card, whose words are the attribute ``boundary_conditions`` of the group.

    Parameters
    ----------
    manifest : str or Path
        ``dataset.json``.
    path : str or Path
        The file, ending in .hdf5 or .h5: The Well looks for no others.
    outputs, split
        See `surecast.assemble.formats.chosen.choose`.

    Returns
    -------
    list of str
        What was left out, in sentences.

    Raises
    ------
    DataError
        If the dataset has changed, or no output is a field; no file is written then.
    """
    if Path(path).suffix not in (".hdf5", ".h5"):
        raise DataError(f"{path}: The Well reads files ending in .hdf5 or .h5 alone.", "name the file so.")
    chosen = choose(manifest, outputs, split)
    fields = [*chosen.fields, *chosen.inputs_on_grid]
    if not chosen.fields:
        raise DataError(f"{manifest}: no output is a field.", "choose a study with an output on a grid.")
    space = tuple(dim for dim in SPACE if any(dim in chosen.dims(name) for name in fields))
    timed = any("time" in chosen.dims(name) for name in [*fields, *chosen.series])
    notes = list(chosen.notes)
    if not timed:
        notes.append("no output has times: the file has one step at 0, and The Well's own loader asks for two")
    with hdf5.created(path) as file:
        _write_dimensions(file, chosen, space, timed)
        _write_scalars(file, chosen)
        _write_fields(file, chosen, fields, space)
        _write_boundaries(file, chosen, space)
    return notes


def _dimensions(file: h5py.File) -> tuple[dict[str, int], dict[str, Any]]:
    """Sizes of run, time and the dimensions of space, and their coordinates."""
    import xarray as xr

    node = hdf5.group(file, "dimensions")
    runs = hdf5.attribute(file, "n_trajectories")
    space = hdf5.attribute(node, "spatial_dims")
    if not isinstance(runs, int) or runs < 1:
        raise DataError(f"{file.filename}: n_trajectories is {runs!r}.", "write the number of runs.")
    if not isinstance(space, list) or len(space) != hdf5.attribute(file, "n_spatial_dims"):
        raise DataError(
            f"{file.filename}: 'spatial_dims' ({space!r}) does not name n_spatial_dims dimensions.",
            "name each of them.",
        )
    times = hdf5.dataset(node, "time")
    sizes = {"run": runs, "time": int(times.shape[-1]) if times.ndim else 0}
    dims, name = (["run", "time"], "time_of_run") if hdf5.attribute(times, "sample_varying") else (["time"], "time")
    times = hdf5.dataset(node, "time", [sizes[dim] for dim in dims])
    variables = {name: xr.Variable(dims, hdf5.values(times), hdf5.labels(times))}
    for dim in map(str, space):
        found = hdf5.dataset(node, dim)
        for key in ("sample_varying", "time_varying"):
            if key in found.attrs and hdf5.attribute(found, key):
                raise DataError(
                    f"{file.filename}: {found.name!r} is {key}, and grids that vary are not read.",
                    "interpolate the fields to one grid.",
                )
        found = hdf5.dataset(node, dim, (None,))
        sizes[dim] = int(found.shape[0])
        variables[dim] = xr.Variable(dim, hdf5.values(found), hdf5.labels(found))
    return sizes, variables


def _names(node: h5py.Group) -> list[str]:
    names = hdf5.attribute(node, "field_names")
    return [str(name) for name in (names if isinstance(names, list) else [names])]


def _varying(node: h5py.HLObject) -> list[str]:
    """Which of run and time something varies with."""
    keys = {"run": "sample_varying", "time": "time_varying"}
    return [dim for dim, key in keys.items() if hdf5.attribute(node, key)]


def _field(
    path: str | Path, parent: h5py.Group, name: str, sizes: dict[str, int], space: list[str], order: int
) -> xr.Variable:
    node = hdf5.dataset(parent, name)
    along = hdf5.attribute(node, "dim_varying")
    if not isinstance(along, list) or len(along) != len(space):
        raise DataError(
            f"{path}: 'dim_varying' of {node.name!r} is {along!r}.",
            f"give one truth value for each of {', '.join(space)}.",
        )
    dims = [*_varying(node), *(dim for dim, varies in zip(space, along, strict=True) if varies)]
    components = ([], ["component"], ["row", "column"])[order]
    shape = [*(sizes[dim] for dim in dims), *[len(space)] * order]
    if order == 2 and node.ndim == len(dims) + 1:
        components, shape = ["row_column"], [*shape[:-2], len(space) ** 2]
    hdf5.dataset(parent, name, shape)
    return hdf5.variable(path, node.name, [*dims, *components], node.shape, node)


def _boundaries(parent: h5py.Group, sizes: dict[str, int]) -> dict[str, xr.Variable]:
    import xarray as xr

    variables = {}
    for name in parent:
        node = hdf5.group(parent, name)
        named = hdf5.attribute(node, "associated_dims")
        dims = [*_varying(node), *(named if isinstance(named, list) else [named])]
        if strange := [dim for dim in dims if dim not in sizes]:
            raise DataError(
                f"{parent.file.filename}: {node.name!r} lies on {strange[0]!r}, which is no dimension.",
                f"name some of {', '.join(sizes)} in 'associated_dims'.",
            )
        mask = hdf5.values(hdf5.dataset(node, "mask", [sizes[dim] for dim in dims]))
        kind = str(hdf5.attribute(node, "bc_type")).lower()
        variables[f"boundary_{name}"] = xr.Variable(dims, mask, {"bc_type": kind, "units": "1"})
    return variables


def _write_dimensions(file: h5py.File, chosen: Chosen, space: tuple[str, ...], timed: bool) -> None:
    file.attrs["dataset_name"] = str(chosen.content["study"])
    hdf5.sign(file, chosen.content)
    file.attrs["grid_type"] = "cartesian"
    file.attrs["n_spatial_dims"] = len(space)
    file.attrs["n_trajectories"] = len(chosen.runs)
    node = file.create_group("dimensions")
    node.attrs["spatial_dims"] = list(space)
    for dim in ("time", *space):
        there = timed or dim != "time"
        points = chosen.coordinate(dim) if there else np.zeros(1)
        found = node.create_dataset(dim, data=points.astype(np.float32))
        # Of the times themselves The Well's checker demands that they vary with time.
        varying = {"sample_varying": False, "time_varying": dim == "time"}
        found.attrs.update(varying | (chosen.labels(dim) if there else {}))


def _write_scalars(file: h5py.File, chosen: Chosen) -> None:
    node = file.create_group("scalars")
    _list(node, "field_names", [*chosen.parameters, *chosen.numbers, *chosen.series])
    parameters = []
    for name in [*chosen.parameters, *chosen.numbers, *chosen.series]:
        values = chosen.values(name).astype(np.float32)
        same = name in chosen.parameters and name not in RESERVED and bool((values == values[0]).all())
        if same:
            parameters.append(name)
            file.attrs[name] = values[0]
        found = node.create_dataset(name, data=values[0] if same else values)
        found.attrs.update({"sample_varying": not same, "time_varying": name in chosen.series} | chosen.labels(name))
    _list(file, "simulation_parameters", parameters)


def _write_fields(file: h5py.File, chosen: Chosen, fields: Sequence[str], space: tuple[str, ...]) -> None:
    for order in range(3):
        node = file.create_group(f"t{order}_fields")
        _list(node, "field_names", fields if order == 0 else [])
        for name in fields if order == 0 else ():
            dims = chosen.dims(name)
            found = node.create_dataset(name, chosen.shape(name), np.float32)
            found.attrs["dim_varying"] = [dim in dims for dim in space]
            found.attrs.update({"sample_varying": True, "time_varying": "time" in dims} | chosen.labels(name))
            for start, block in chosen.blocks(name):
                found[start : start + len(block)] = block


def _write_boundaries(file: h5py.File, chosen: Chosen, space: tuple[str, ...]) -> None:
    node = file.create_group("boundary_conditions")
    words = str(chosen.content["card"].get("boundary_conditions", ""))
    node.attrs["boundary_conditions"] = words
    for dim in space if words == "periodic" else ():
        found = node.create_group(f"{dim}_periodic")
        _list(found, "associated_dims", [dim])
        _list(found, "associated_fields", [])
        found.attrs.update({"bc_type": "PERIODIC", "sample_varying": False, "time_varying": False})
        mask = np.zeros(len(chosen.coordinate(dim)), dtype=bool)
        mask[[0, -1]] = True
        found["mask"] = mask


def _list(node: h5py.HLObject, name: str, texts: Sequence[str]) -> None:
    """A list of texts as an attribute, an empty one of texts as well."""
    import h5py

    node.attrs.create(name, np.array(list(texts), dtype=object), shape=(len(texts),), dtype=h5py.string_dtype())
