"""What a job need not import: xarray asks Dask and pint for their types of array, and imports both for the question.

An array can be of a package's type only where that package has been imported. So xarray is told that there is no such
type until then, and asks as ever from then on. This saves every job about a third of its start.
"""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

MODULES = {"dask": "dask.array", "pint": "pint"}
"""Package as xarray names it -> the module that defines its type of array."""


def spare() -> None:
    """Keep xarray from importing Dask and pint itself; where its inner functions have other names, do nothing."""
    from xarray.namedarray import pycompat, utils

    module_of: Any = getattr(pycompat, "_get_cached_duck_array_module", None)
    is_collection: Any = getattr(utils, "is_dask_collection", None)
    if module_of is None or is_collection is None:
        return
    absent = SimpleNamespace(module=None, type=(), available=False)

    def module_of_loaded(name: str) -> Any:
        return absent if MODULES.get(name, "sys") not in sys.modules else module_of(name)

    def is_loaded_collection(value: object) -> bool:
        return "dask.base" in sys.modules and bool(is_collection(value))

    pycompat._get_cached_duck_array_module = module_of_loaded  # type: ignore[assignment]
    utils.is_dask_collection = is_loaded_collection  # type: ignore[assignment]
