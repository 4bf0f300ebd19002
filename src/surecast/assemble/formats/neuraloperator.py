"""neuraloperator's ``.pt`` files: a dict of tensors, ``x`` the input and ``y`` the output of every run.

Darcy flow has ``x`` (run, y, x) and ``y`` (run, y, x), without a dimension for channels; Burgers' equation ``x``
(run, x) and ``y`` (run, time, x), and its viscosity. There are no coordinates, no units and no names, and which of two
axes is which is not said (github.com/neuraloperator/neuraloperator, ``neuralop/data/datasets/pt_dataset.py`` and
``darcy.py``).

Such a file is a pickle inside, which can run code of whoever made it. It is read by torch's own unpickler for
tensors (``weights_only``), which builds nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from surecast.assemble.formats.chosen import choose, one_space
from surecast.study.errors import DataError, SurecastError
from surecast.study.files import written_aside

if TYPE_CHECKING:
    import xarray as xr

FORMS = {(2, 2): "x", (2, 3): "x", (3, 3): "yx"}
"""Numbers of dimensions of ``x`` and ``y`` -> those of space. With more, time, channels and depth look alike."""
SAVE = "save a dict of the tensors x and y with torch.save."


def read(path: str | Path) -> xr.Dataset:
    """Read a file into memory.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    xarray.Dataset
        ``input`` (run, y, x) and ``output`` (run, y, x), or (run, x) and (run, time, x), without coordinates, as the
        file has none; other tensors of one number as attributes. Truth values, which Darcy flow has for the two
        values of its coefficient, are int8.

    Raises
    ------
    DataError
        If the file cannot be read, holds anything but tensors, lacks one or has it in another shape.
    """
    import xarray as xr

    content = _load(path)
    for key in ("x", "y"):
        if key not in content:
            raise DataError(f"{path}: there is no {key!r}; the file holds {', '.join(content) or 'nothing'}.", SAVE)
    x, y = _numbers(path, "x", content["x"]), _numbers(path, "y", content["y"])
    space = FORMS.get((x.ndim, y.ndim))
    if space is None or x.shape[0] != y.shape[0] or x.shape[1:] != y.shape[-len(space) :]:
        raise DataError(
            f"{path}: 'x' has shape {x.shape}, 'y' {y.shape}.",
            "give both one entry a run and one grid (y, x), or (x) with y on (time, x), and no dimension for channels.",
        )
    attributes = {"units": "the layout states no units", "grid": "the layout states no coordinates"}
    for key, value in content.items():
        if key not in ("x", "y"):
            one = _numbers(path, key, value)
            if one.size != 1:
                raise DataError(f"{path}: {key!r} has shape {one.shape} and no known meaning.", f"leave it out: {SAVE}")
            attributes[key] = one.item()
    times = ["time"] if y.ndim > x.ndim else []
    return xr.Dataset({"input": (["run", *space], x), "output": (["run", *times, *space], y)}, attrs=attributes)


def write(
    manifest: str | Path, path: str | Path, outputs: Sequence[str] | None = None, split: str | None = None
) -> list[str]:
    """Write an input on the grid and one output of a dataset of surecast, as float32; both are held in memory.

    Parameters
    ----------
    manifest : str or Path
        ``dataset.json``.
    path : str or Path
        The file, ending in .pt. neuraloperator looks for ``<name>_train_<points>.pt`` and ``<name>_test_<points>.pt``.
    outputs, split
        See `surecast.assemble.formats.chosen.choose`.

    Returns
    -------
    list of str
        What was left out, in sentences.

    Raises
    ------
    DataError
        If the dataset has changed, or there is not one input on the grid and one output; no file is written then.
    """
    import torch

    if Path(path).suffix != ".pt":
        raise DataError(f"{path}: neuraloperator reads files ending in .pt alone.", "name the file so.")
    chosen = choose(manifest, outputs, split)
    space = one_space(manifest, chosen)
    for names, what in ((chosen.fields, "output that is a field"), (chosen.inputs_on_grid, "input on the grid")):
        if len(names) != 1:
            raise DataError(
                f"{manifest}: the layout has a place for one {what}, not for {', '.join(names) or 'none'}.",
                "name the one that goes in (--outputs)." if names else "choose a study with such an input.",
            )
    x, y = chosen.inputs_on_grid[0], chosen.fields[0]
    if chosen.dims(x) != ("run", *space) or (len(chosen.dims(x)), len(chosen.dims(y))) not in FORMS:
        raise DataError(
            f"{manifest}: {x!r} lies on {chosen.dims(x)[1:]}, {y!r} on {chosen.dims(y)[1:]}.",
            "name an input and an output of one grid (--outputs), of two dimensions at most and in two without times.",
        )
    notes = list(chosen.notes)
    if left := [*chosen.parameters, *chosen.numbers, *chosen.series]:
        notes.append(f"{', '.join(left)}: left out, the layout has no place for what is no field of every run")
    notes.append("coordinates and units are left out: the layout has none")
    tensors = {key: torch.from_numpy(_in_order(chosen.values(name), space)) for key, name in (("x", x), ("y", y))}
    try:
        with written_aside(path) as aside, open(aside, "wb") as file:
            torch.save(tensors, file)  # to a file that is open, or its name would be among the bytes
    except (OSError, RuntimeError) as error:
        raise SurecastError(f"{path}: cannot be written ({error}).", "make room, or name another file.") from error
    return notes


def _load(path: str | Path) -> dict[str, Any]:
    import torch

    if not Path(path).is_file():
        raise DataError(f"{path}: there is no such file.", "give the path of a file.")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds of errors on files that are torn, or hold other objects
        # Its text goes on to advise that the file be trusted.
        reason = str(error).strip().partition("\n")[0].partition(" In PyTorch")[0]
        raise DataError(
            f"{path}: cannot be read as tensors alone ({reason}).",
            f"a file that needs more would run code of whoever made it: {SAVE}",
        ) from None
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise DataError(f"{path}: holds no dict of tensors, but {type(content).__name__}.", SAVE)
    return content


def _numbers(path: str | Path, key: str, value: Any) -> np.ndarray:
    import torch

    if not isinstance(value, torch.Tensor) or value.is_complex() or value.layout != torch.strided:
        raise DataError(f"{path}: {key!r} is no tensor of real numbers.", SAVE)
    found = value.detach()
    if found.dtype in (torch.bool, torch.bfloat16, torch.float16):
        found = found.to(torch.int8 if found.dtype == torch.bool else torch.float32)
    return found.numpy()


def _in_order(values: np.ndarray, space: tuple[str, ...]) -> np.ndarray:
    """Values with dimensions of space from the last to the first, as surecast has them, in float32."""
    first = values.ndim - len(space)
    order = [*range(first), *reversed(range(first, values.ndim))]
    return np.ascontiguousarray(values.transpose(order), dtype=np.float32)
