"""The run store as a table for people: one row a run, its inputs, scalar outputs, and why it failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from surecast.simulate.store import INPUT, RunStore

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


def runs_table(store: RunStore) -> tuple[pd.DataFrame, dict[str, str]]:
    """Every run of a store.

    Parameters
    ----------
    store : RunStore
        The store.

    Returns
    -------
    table : pandas.DataFrame
        Index ``identity``; a column for every input (an input that is a field has one for each coefficient, ``k[0]``),
        ``seed``, every scalar output and diagnostic (NaN where a run has none), ``failed`` and ``message``. Fields are
        left out. A run in several packs, made for different outputs, is one row.
    units : dict
        Of the columns that have units.
    """
    import pandas as pd

    units: dict[str, str] = {}
    parts = [_of_pack(pack, units) for pack in store.read()]
    if not parts:
        return pd.DataFrame({"failed": np.empty(0, dtype=bool)}), {}
    # The first pack that has a value decides: two that have it agree, as a run's bits are its own.
    table = pd.concat(parts).groupby(level="identity", sort=True).first()
    last = ["failed", "message"]
    return table[[*(column for column in table.columns if column not in last), *last]], units


def _of_pack(pack: xr.Dataset, units: dict[str, str]) -> pd.DataFrame:
    import pandas as pd

    inputs: dict[str, np.ndarray] = {}
    rest: dict[str, np.ndarray] = {}
    for name, variable in pack.data_vars.items():
        text = str(name)
        if variable.dims[:1] != ("run",) or text in ("identity", "failed", "message"):
            continue
        given = text.startswith(INPUT)
        columns = inputs if given else rest
        if variable.ndim == 1:
            columns[text.removeprefix(INPUT)] = variable.values
        elif given and variable.ndim == 2:
            columns |= {f"{text.removeprefix(INPUT)}[{term}]": values for term, values in enumerate(variable.values.T)}
        if variable.ndim == 1 and "units" in variable.attrs:
            units[text.removeprefix(INPUT)] = str(variable.attrs["units"])
    status = {"failed": pack["failed"].values != 0, "message": [str(text) for text in pack["message"].values]}
    index = pd.Index([str(identity) for identity in pack["identity"].values], name="identity")
    return pd.DataFrame({**inputs, **rest, **status}, index=index)
