"""PDEBench's HDF5: arrays with all runs, or one group a run.

Arrays (files ending in ``.hdf5``)
    ``tensor`` (run, time, x[, y]), ``x-coordinate``, ``t-coordinate`` and, in two dimensions, ``y-coordinate``. The
    times are one more than the frames, and the last of them means nothing. Compressible flow has ``density``,
    ``pressure``, ``Vx``, ``Vy`` and ``Vz`` of that form instead of ``tensor``; Darcy flow has ``tensor``
    (run, 1, x, y), ``nu`` (run, x, y) and no times. Parameters of the equation (``beta``, ``Nu``, ``eta`` ...) are
    attributes of the file.
Groups (files ending in ``.h5``)
    ``0000``, ``0001``, ... each with ``data`` (time, x[, y], channel), ``grid/t``, ``grid/x``, ``grid/y`` and the
    settings of the run as YAML in the attribute ``config``.

Of neither are units known, nor the names of channels. The order of axes is that of PDEBench's own readers
(github.com/pdebench/PDEBench, ``models/fno/utils.py`` and ``data_gen_NLE/Data_Merge.py``; Takamoto et al., NeurIPS
2022); its generator of two-dimensional reaction and diffusion writes y before x.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from surecast.assemble.formats import hdf5
from surecast.assemble.formats.chosen import Chosen, choose, one_space
from surecast.assemble.formats.hdf5 import SPACE
from surecast.study.errors import DataError

if TYPE_CHECKING:
    import h5py
    import xarray as xr

FLOW = ("density", "pressure", "Vx", "Vy", "Vz")
"""Fields of compressible flow, which have keys of their own."""
CHANNELS = ("channel", "channel_units")
"""Attributes of a file of groups that name the channels and their units; surecast's own."""


def read(path: str | Path) -> xr.Dataset:
    """Read a file of either kind; fields stay in it until they are asked for.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    xarray.Dataset
        Fields (run, time, y, x) under the names that they have in the file, of groups ``data`` with one more
        dimension ``channel``; coordinates ``time``, ``y``, ``x`` and, of groups, ``sample`` and ``config`` (run);
        the attributes of the file. Units are those that the file has as attributes, if any.

    Raises
    ------
    DataError
        If the file cannot be read, lacks something or holds it in another shape.
    """
    import xarray as xr

    with hdf5.opened(path) as file:
        arrays = [key for key in ("tensor", *FLOW) if key in file]
        if arrays:
            variables = _read_arrays(path, file, arrays)
        elif any("data" in node for node in file.values() if hasattr(node, "values")):
            variables = _read_groups(path, file)
        else:
            there = ", ".join(list(file)[:8]) or "nothing"
            raise DataError(
                f"{path}: there is neither 'tensor' nor 'density' nor a group with 'data'; the file holds {there}.",
                "name the format that the file has.",
            )
        attributes = {name: hdf5.plain(value) for name, value in file.attrs.items() if name not in CHANNELS}
    found = hdf5.state_units(xr.Dataset(variables, attrs=attributes))
    return found.set_coords([name for name in ("sample", "config", "channel_units") if name in found])


def write(
    manifest: str | Path, path: str | Path, outputs: Sequence[str] | None = None, split: str | None = None
) -> list[str]:
    """Write a dataset of surecast, as float32 and run by run.

    One output becomes ``tensor``; outputs of which one is called ``density`` keep their names if all are of
    compressible flow; several others become the channels of one group a run, named in the attribute ``channel``. An
    input on the grid of an output that has no time becomes ``nu``. Inputs that are the same in all runs become
    attributes of the file, and all of them the ``config`` of a group.

    Parameters
    ----------
    manifest : str or Path
        ``dataset.json``.
    path : str or Path
        The file; its ending must be that by which PDEBench tells the two kinds apart.
    outputs, split
        See `surecast.assemble.formats.chosen.choose`.

    Returns
    -------
    list of str
        What was left out, in sentences.

    Raises
    ------
    DataError
        If the dataset has changed, or holds nothing that the layout has a place for; no file is written then.
    """
    chosen = choose(manifest, outputs, split)
    space = one_space(manifest, chosen)
    if space != SPACE[: len(space)]:
        raise DataError(
            f"{manifest}: {chosen.fields[0]!r} lies on {', '.join(space)}, and the layout on x, then y, then z.",
            "name other outputs (--outputs).",
        )
    grouped = len(chosen.fields) > 1 and not (FLOW[0] in chosen.fields and set(chosen.fields) <= set(FLOW))
    wanted = ".h5" if grouped else ".hdf5"
    if Path(path).suffix != wanted:
        raise DataError(
            f"{path}: PDEBench reads {'one group a run' if grouped else 'arrays'} from files ending in {wanted} alone.",
            f"name the file so, or choose {'one output' if grouped else 'several outputs'} (--outputs).",
        )
    notes = [*chosen.notes, *_without_place([*chosen.series, *chosen.numbers])]
    timed = "time" in chosen.dims(chosen.fields[0])
    coefficients = [] if timed or len(chosen.fields) > 1 else list(chosen.inputs_on_grid)
    if len(coefficients) > 1:
        raise DataError(
            f"{manifest}: the layout has a place for one input on the grid, not for {', '.join(coefficients)}.",
            "name the one that is to be 'nu' among the outputs (--outputs).",
        )
    notes += _without_place([name for name in chosen.inputs_on_grid if name not in coefficients])
    if grouped and not timed:
        notes.append("no output has times: every group has one frame at 0")
    with hdf5.created(path) as file:
        hdf5.sign(file, chosen.content)
        varying = _attributes(file, chosen)
        if grouped:
            _write_groups(file, chosen, space)
        else:
            notes += _without_place(varying)
            _write_arrays(file, chosen, space, coefficients)
    return notes


def _read_arrays(path: str | Path, file: h5py.File, arrays: list[str]) -> dict[str, Any]:
    first = hdf5.dataset(file, arrays[0])
    if not 3 <= first.ndim <= 5:
        raise DataError(
            f"{path}: {first.name!r} has shape {first.shape}.", "write it as (run, time, x), with y and z after x."
        )
    space = SPACE[: first.ndim - 2]
    runs, frames = first.shape[:2]
    sizes = dict(zip(space, first.shape[2:], strict=True))
    variables: dict[str, Any] = {
        dim: _coordinate(file, f"{dim}-coordinate", dim, (size,)) for dim, size in sizes.items()
    }
    if frames > 1 or "t-coordinate" in file:
        variables["time"] = _times(hdf5.dataset(file, "t-coordinate", (None,)), frames)
    for key in arrays:
        found = hdf5.dataset(file, key, (runs, frames, *sizes.values()))
        variables[key] = hdf5.variable(path, key, ("run", "time", *space), found.shape, found)
    if "nu" in file:
        found = hdf5.dataset(file, "nu", (runs, *sizes.values()))
        variables["nu"] = hdf5.variable(path, "nu", ("run", *space), found.shape, found)
    return variables


def _read_groups(path: str | Path, file: h5py.File) -> dict[str, Any]:
    import xarray as xr

    samples = sorted(file)
    first = hdf5.dataset(hdf5.group(file, samples[0]), "data")
    if not 3 <= first.ndim <= 5:
        raise DataError(
            f"{path}: {first.name!r} has shape {first.shape}.", "write it as (time, x, channel), with y and z after x."
        )
    space = SPACE[: first.ndim - 2]
    variables: dict[str, Any] = {}
    for sample in samples:
        node = hdf5.group(file, sample)
        hdf5.dataset(node, "data", first.shape)
        grid = hdf5.group(node, "grid")
        found = {dim: _coordinate(grid, dim, dim, (size,)) for dim, size in zip(space, first.shape[1:], strict=False)}
        if first.shape[0] > 1 or "t" in grid:
            found["time"] = _times(hdf5.dataset(grid, "t", (None,)), first.shape[0])
        if differing := [dim for dim in found if dim in variables and not found[dim].equals(variables[dim])]:
            raise DataError(
                f"{path}: {grid.name}/{differing[0][0]} is not that of {samples[0]!r}.",
                "give every group the same grid, or write those of another grid to another file.",
            )
        variables = found | variables
    keys, shape = [f"{sample}/data" for sample in samples], (len(samples), *first.shape)
    variables["data"] = hdf5.variable(path, keys, ("run", "time", *space, "channel"), shape, first)
    variables["sample"] = xr.Variable("run", np.array(samples, dtype=object), {"long_name": "name of the group"})
    if all("config" in file[sample].attrs for sample in samples):
        configs = [str(hdf5.attribute(file[sample], "config")) for sample in samples]
        variables["config"] = xr.Variable("run", np.array(configs, dtype=object), {"long_name": "settings of the run"})
    for key in [key for key in CHANNELS if key in file.attrs]:
        names = hdf5.attribute(file, key)
        if not isinstance(names, list) or len(names) != first.shape[-1]:
            raise DataError(
                f"{path}: the attribute {key!r} is not of {first.shape[-1]} channels.", "name all, or none."
            )
        variables[key] = xr.Variable("channel", np.array(names, dtype=object))
    return variables


def _coordinate(parent: h5py.Group, key: str, dim: str, shape: tuple[int]) -> Any:
    import xarray as xr

    node = hdf5.dataset(parent, key, shape)
    return xr.Variable(dim, hdf5.values(node), hdf5.labels(node))


def _times(node: h5py.Dataset, frames: int) -> Any:
    """Times of the frames: PDEBench's own arrays have one more than there are."""
    import xarray as xr

    if node.shape[0] not in (frames, frames + 1):
        raise DataError(
            f"{node.file.filename}: {node.name!r} has {node.shape[0]} times of {frames} frames.",
            "write as many, or one more.",
        )
    return xr.Variable("time", hdf5.values(node)[:frames], hdf5.labels(node))


def _without_place(names: Sequence[str]) -> list[str]:
    return [f"{', '.join(names)}: left out, the layout has no place for what is no field of every run"] if names else []


def _attributes(file: h5py.File, chosen: Chosen) -> list[str]:
    """Inputs that are the same in all runs, as attributes of the file; the names of the others."""
    varying = []
    for name in chosen.parameters:
        values = chosen.values(name)
        if (values == values[0]).all():
            file.attrs[name] = values[0]
        else:
            varying.append(name)
    return varying


def _write_arrays(file: h5py.File, chosen: Chosen, space: tuple[str, ...], coefficients: list[str]) -> None:
    for dim, (points, labels) in _grid(chosen, space).items():
        if dim == "time":  # with one more than there are frames, as PDEBench has them
            points = np.append(points, 2 * points[-1] - points[max(0, len(points) - 2)])
        node = file.create_dataset(f"{dim[0]}-coordinate", data=points)
        node.attrs.update(labels)
    single = len(chosen.fields) == 1
    for name in chosen.fields:
        shape = chosen.shape(name)
        if "time" not in chosen.dims(name):
            shape = (shape[0], 1, *shape[1:])
        _stream(file, "tensor" if single else name, shape, chosen, name)
    for name in coefficients:
        _stream(file, "nu", chosen.shape(name), chosen, name)


def _stream(file: h5py.File, key: str, shape: tuple[int, ...], chosen: Chosen, name: str) -> None:
    node = file.create_dataset(key, shape, np.float32)
    node.attrs.update(chosen.labels(name))
    for start, block in chosen.blocks(name):
        node[start : start + len(block)] = block.reshape(len(block), *shape[1:])


def _write_groups(file: h5py.File, chosen: Chosen, space: tuple[str, ...]) -> None:
    file.attrs["channel"] = list(chosen.fields)
    file.attrs["channel_units"] = [chosen.labels(name).get("units", "") for name in chosen.fields]
    parameters = {name: chosen.values(name).tolist() for name in chosen.parameters}
    grid = _grid(chosen, space)
    # PDEBench's readers ask every group for its times, and the 24th for its grid.
    grid = {"time": (np.zeros(1, np.float32), {})} | grid
    digits = max(4, len(str(len(chosen.runs) - 1)))
    for place, fields in _together(chosen):
        node = file.create_group(f"{place:0{digits}d}")
        of_run = {name: column[place] for name, column in parameters.items()}
        node.attrs["config"] = json.dumps({"run": int(chosen.runs[place]), "inputs": of_run})
        node["data"] = np.stack(fields, axis=-1).reshape(len(grid["time"][0]), *fields[0].shape[-len(space) :], -1)
        for dim, (points, labels) in grid.items():
            coordinate = node.create_dataset(f"grid/{dim[0]}", data=points)
            coordinate.attrs.update(labels)


def _grid(chosen: Chosen, space: tuple[str, ...]) -> dict[str, tuple[np.ndarray, dict[str, str]]]:
    """Points and labels of the dimensions of the fields."""
    dims = [dim for dim in ("time", *space) if dim in chosen.dims(chosen.fields[0])]
    return {dim: (chosen.coordinate(dim).astype(np.float32), chosen.labels(dim)) for dim in dims}


def _together(chosen: Chosen) -> Iterator[tuple[int, list[np.ndarray]]]:
    """All fields of one run after the other; those of one grid have chunks of as many runs."""
    for parts in zip(*[chosen.blocks(name) for name in chosen.fields], strict=True):
        for row in range(len(parts[0][1])):
            yield parts[0][0] + row, [block[row] for _, block in parts]
