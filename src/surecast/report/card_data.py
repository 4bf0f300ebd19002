"""What the card of a dataset reads of it: its manifest, what is small, and some runs of what is large."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from surecast.assemble.checked_store import CheckedStore
from surecast.assemble.contents import BOOKKEEPING, SPLIT_FLAGS
from surecast.assemble.layout import VariableLayout
from surecast.assemble.manifest import Manifest
from surecast.study.errors import DataError


class CardData:
    """A dataset as its card shows it.

    Parameters
    ----------
    manifest : str or Path
        ``dataset.json``.

    Attributes
    ----------
    content : dict
        The manifest.
    layouts : dict of str to VariableLayout
        Every variable.
    unreadable : list of str
        Variables that were asked for and cannot be read: the checker says what is wrong with them.

    Raises
    ------
    DataError
        If manifest or metadata are not what was written: then nothing can be shown.
    """

    def __init__(self, manifest: str | Path) -> None:
        self.manifest = Manifest.read(manifest)
        self.content: dict[str, Any] = self.manifest.content
        self.layouts: dict[str, VariableLayout] = {
            name: self.manifest.layout(name) for name in self.content["variables"]
        }
        self.unreadable: list[str] = []
        self._store = CheckedStore(self.manifest)

    def attributes(self, name: str) -> dict[str, Any]:
        """Attributes of a variable."""
        return self._store.attributes(name)

    def values(self, name: str, rows: np.ndarray | None = None) -> np.ndarray | None:
        """A variable, or some of its rows; None where it cannot be read."""
        if name in self.unreadable:
            return None
        try:
            return self._store.rows(name, np.arange(self.layouts[name].shape[0]) if rows is None else rows)
        except DataError:
            self.unreadable.append(name)
            return None

    def good_runs(self) -> dict[str, np.ndarray]:
        """Runs of each split that did not fail, splits without any left out."""
        split, failed = self.values("split"), self.values("failed")
        if split is None or failed is None:
            return {}
        runs = {name: np.flatnonzero((split == flag) & (failed == 0)) for name, flag in SPLIT_FLAGS.items()}
        return {name: found for name, found in runs.items() if found.size}

    def scalars(self) -> list[str]:
        """Numbers of which each run has one: inputs first, then outputs and diagnostics."""
        found = [
            name
            for name, layout in self.layouts.items()
            if layout.dims == ("run",) and name not in BOOKKEEPING and np.dtype(layout.dtype).kind in "fiub"
        ]
        return sorted(found, key=lambda name: "law" not in self.attributes(name))

    def fields(self) -> list[str]:
        """Variables over a grid, inputs first; the coefficients of an input that is a field are none."""
        found = [
            name
            for name, layout in self.layouts.items()
            if layout.dims[0] == "run" and len(layout.dims) > 1 and not layout.dims[1].endswith("_term")
            if np.dtype(layout.dtype).kind in "fiu" and min(layout.shape[1:]) > 0
        ]
        return sorted(found, key=lambda name: not name.endswith("_field"))
