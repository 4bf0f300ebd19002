"""What a dataset says of itself, held against what is in it.

Faults contradict the format (docs/dataset-format.md): content that changed, numbers that are missing or not finite,
units, grids or a card that are not stated, splits that overlap, statistics that are not those of the training runs.
Remarks are what a reader should look at: fields that are constant, frames and runs that repeat, outliers, no
discretisation error. Fields are read once, one chunk at a time; what is small is held in memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from surecast.assemble.checked_store import CheckedStore
from surecast.assemble.contents import BOOKKEEPING, SPLIT_FLAGS
from surecast.assemble.layout import VariableLayout
from surecast.assemble.manifest import Manifest
from surecast.assemble.statistics import MOMENTS, combine, run_moments
from surecast.study import digest
from surecast.study.errors import DataError
from surecast.study.progress import progress
from surecast.study.units import UnitError, check_unit

CARD = ("equation", "solver")
"""What every card states; that of a dataset with fields `grid` too: where on it each variable lies."""
FAR = 20.0
"""Outlier: so many interquartile ranges beyond the quartiles of all runs."""
SHOWN = 3
"""Runs named in one remark."""


@dataclass
class Audit:
    """What was found.

    Attributes
    ----------
    runs, chunks, bytes : int
        Runs of the dataset; chunks that were read, and their size uncompressed.
    faults, remarks : list of str
        One sentence each.
    """

    runs: int = 0
    chunks: int = 0
    bytes: int = 0
    faults: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def audit(manifest_path: str | Path) -> Audit:
    """Check a dataset.

    Parameters
    ----------
    manifest_path : str or Path
        ``dataset.json``, or the folder that it lies in.

    Raises
    ------
    DataError
        If there is no manifest, or it is not what was written: nothing else can be checked then.
    """
    path = Path(manifest_path)
    manifest = Manifest.read(path / "dataset.json" if path.is_dir() else path)
    store = CheckedStore(manifest)
    found = Audit(runs=int(manifest.content["runs"]))
    layouts = {name: manifest.layout(name) for name in manifest.content["variables"]}
    _labels(store, layouts, found)
    _card(manifest, layouts, found)
    if missing := [name for name in BOOKKEEPING if name not in layouts]:
        found.faults.append(f"it has no variable {missing[0]!r}, which every dataset has.")
        return found
    small = _readable({name: layouts[name] for name in BOOKKEEPING}, store, found)
    if small is None:
        return found
    _splits(manifest, small, found)
    looks = _look(store, layouts, small["failed"] != 0, found)
    training = (small["split"] == SPLIT_FLAGS["train"]) & (small["failed"] == 0)
    for name, stated in manifest.content["statistics"].items():
        if looks[name].complete and looks[name].statistics(training) != stated:
            found.faults.append(f"{name}: the statistics stated are not those of the training runs.")
    laws = {name: layout for name, layout in layouts.items() if "law" in store.attributes(name)}
    if inputs := _readable(laws, store, found):
        _repeated_inputs(inputs, small["split"], found)
    if not manifest.content.get("discretisation_error"):
        found.remarks.append(
            "no discretisation error is stated: the simulator knows no refined grid, or dataset.refined_runs is 0."
        )
    return found


def _labels(store: CheckedStore, layouts: dict[str, VariableLayout], found: Audit) -> None:
    """Units and long names; coordinates of every dimension."""
    for name in layouts:
        attributes = store.attributes(name)
        if not str(attributes.get("long_name", "")).strip():
            found.faults.append(f"{name}: has no long_name.")
        if "units" not in attributes:
            if "flag_meanings" not in attributes:
                found.faults.append(f"{name}: has no units (write 1 where it has none).")
            continue
        try:
            check_unit(str(attributes["units"]))
        except UnitError as error:
            found.faults.append(f"{name}: {error.message}")
    for name, layout in layouts.items():
        if "law" in store.attributes(name):
            continue  # of an input that is a field the terms are counted, not placed
        for dim in layout.dims[1:]:
            if dim not in layouts:
                found.faults.append(f"{name}: its dimension {dim!r} has no coordinate.")
    for dim in sorted({dim for layout in layouts.values() for dim in layout.dims[1:]} & set(layouts)):
        values = _readable({dim: layouts[dim]}, store, found)
        if values is None or values[dim].dtype.kind not in "fiu":
            continue  # a text may name what lies along a dimension
        steps = np.diff(values[dim].astype(np.float64))
        if not ((steps > 0).all() or (steps < 0).all()):
            found.faults.append(f"{dim}: the coordinate does not grow from point to point.")


def _card(manifest: Manifest, layouts: dict[str, VariableLayout], found: Audit) -> None:
    card = manifest.content.get("card", {})
    fields = any(len(layout.dims) > 1 and layout.dims[0] == "run" for layout in layouts.values())
    for key in (*CARD, *(["grid"] if fields and "arguments" not in card else [])):
        if not str(card.get(key, "")).strip():
            found.faults.append(f"the card states no {key}.")


def _splits(manifest: Manifest, small: dict[str, np.ndarray], found: Audit) -> None:
    """Splits as stated, none of them sharing a run; failed runs as listed."""
    split, index, failed = small["split"], small["index_in_split"], small["failed"] != 0
    for name, flag in SPLIT_FLAGS.items():
        runs = np.flatnonzero(split == flag)
        stated = manifest.content["splits"].get(name, {})
        if (stated.get("runs"), stated.get("failed")) != (len(runs), int(failed[runs].sum())):
            found.faults.append(f"the split {name} is stated to be {stated}, but has {len(runs)} runs.")
        elif len(runs) and list(range(stated["start"], stated["stop"])) != runs.tolist():
            found.faults.append(f"the split {name} does not lie where it is stated to lie.")
        if len(np.unique(index[runs])) < len(runs):
            found.faults.append(f"the split {name} has two runs of one index.")
    if not np.isin(split, list(SPLIT_FLAGS.values())).all():
        found.faults.append("a run is in no split.")
    listed = [entry["run"] for entry in manifest.content["failed_runs"]]
    if listed != np.flatnonzero(failed).tolist():
        found.faults.append("the failed runs listed are not those that are marked as failed.")


def _repeated_inputs(inputs: dict[str, np.ndarray], split: np.ndarray, found: Audit) -> None:
    """Runs of two splits with the same inputs: what is tested on has been trained on."""
    rows = np.concatenate([values.reshape(len(split), -1).astype(np.float64) for values in inputs.values()], axis=1)
    discrete = all(values.dtype.kind in "iub" for values in inputs.values())
    first: dict[bytes, int] = {}
    pairs = []
    for run, row in enumerate(rows):
        other = first.setdefault(row.tobytes(), run)
        if split[other] != split[run]:
            pairs.append((other, run))
    if pairs:
        one, two = pairs[0]
        text = f"runs of different splits have the same inputs ({len(pairs)} such runs, for example {one} and {two})."
        (found.remarks if discrete else found.faults).append(text)


def _readable(layouts: dict[str, VariableLayout], store: CheckedStore, found: Audit) -> dict[str, np.ndarray] | None:
    """Whole small variables, or None and a fault where one cannot be read."""
    try:
        return {name: store.rows(name, np.arange(layout.shape[0])) for name, layout in layouts.items()}
    except DataError as error:
        if error.message not in found.faults:
            found.faults.append(error.message)
        return None


def _look(
    store: CheckedStore, layouts: dict[str, VariableLayout], failed: np.ndarray, found: Audit
) -> dict[str, _Look]:
    """Read every chunk once."""
    looks = {name: _Look(layout, failed) for name, layout in layouts.items()}
    chunks = [(name, number) for name, layout in layouts.items() for number in range(layout.chunks)]
    for name, number in progress(chunks, "checking chunks"):
        try:
            values = store.chunk(name, number)
        except DataError as error:
            looks[name].complete = False
            if error.message not in found.faults:
                found.faults.append(error.message)
            continue
        found.chunks, found.bytes = found.chunks + 1, found.bytes + values.nbytes
        looks[name].see(values, layouts[name].chunk_range(number)[0])
    for name, look in looks.items():
        if name not in BOOKKEEPING and look.complete:
            look.tell(found)
    return looks


class _Look:
    """What the chunks of one variable show."""

    def __init__(self, layout: VariableLayout, failed: np.ndarray) -> None:
        self.layout, self.failed, self.complete = layout, failed, True
        self.of_runs = layout.dims[:1] == ("run",) and np.dtype(layout.dtype).kind in "fiub"
        self.moments = np.full((len(MOMENTS), layout.shape[0] if self.of_runs else 0), np.nan)
        self.not_finite: list[int] = []
        self.still: list[int] = []
        self.repeated: list[tuple[int, int]] = []
        self._seen: dict[str, int] = {}

    def see(self, values: np.ndarray, start: int) -> None:
        """Take in a chunk whose first run is `start`."""
        if not self.of_runs:
            if values.dtype.kind == "f" and not np.isfinite(values).all():
                self.not_finite.append(start)
            return
        with np.errstate(invalid="ignore"):  # of an infinite value, a fault of its own
            self.moments[:, start : start + len(values)] = run_moments(values)
        for row in np.flatnonzero(~self.failed[start : start + len(values)]):
            run, value = start + int(row), values[row]
            if not np.isfinite(value).all():
                self.not_finite.append(run)
            elif value.size > 1:
                other = self._seen.setdefault(digest.of_array(value), run)
                if other != run:
                    self.repeated.append((other, run))
                if "time" in self.layout.dims and self._stands(value):
                    self.still.append(run)

    def tell(self, found: Audit) -> None:
        """Say what is wrong, and what is odd."""
        name = self.layout.name
        if self.not_finite:
            what = f"runs that did not fail ({_some(self.not_finite)})" if self.of_runs else "the coordinate"
            found.faults.append(f"{name}: NaN or infinite in {what}.")
        if not self.of_runs:
            return
        fine = np.flatnonzero(~self.failed & np.isfinite(self.moments).all(axis=0))
        low, high = self.moments[2:, fine]
        constant = [int(run) for run in fine[low == high]] if len(self.layout.shape) > 1 else []
        if constant:
            found.remarks.append(f"{name}: constant throughout in {_some(constant)}.")
        if still := [run for run in self.still if run not in constant]:
            found.remarks.append(f"{name}: a frame repeats the one before it in {_some(still)}.")
        if repeated := [pair for pair in self.repeated if pair[1] not in constant]:
            one, two = repeated[0]
            found.remarks.append(f"{name}: {len(repeated)} runs repeat another one, for example {two} that of {one}.")
        far = {int(run) for end in (low, high) for run in fine[_outlying(end)]}
        if far:
            found.remarks.append(f"{name}: values far from those of all other runs in {_some(sorted(far))}.")

    def statistics(self, training: np.ndarray) -> dict[str, Any]:
        """Statistics over the training runs (a mask over all runs)."""
        return combine(self.moments[:, np.flatnonzero(training)], int(np.prod(self.layout.shape[1:])))

    def _stands(self, value: np.ndarray) -> bool:
        """Whether a frame of a run is the one before it."""
        frames = np.moveaxis(value, self.layout.dims.index("time") - 1, 0)
        same = frames[1:] == frames[:-1]
        return bool(same.reshape(len(same), -1).all(axis=1).any())


def _outlying(values: np.ndarray) -> np.ndarray:
    """Which of the values lie far beyond the quartiles of all."""
    if len(values) < 4:
        return np.zeros(len(values), dtype=bool)
    low, high = np.quantile(values, [0.25, 0.75])
    reach = FAR * (high - low)
    return (reach > 0) & ((values < low - reach) | (values > high + reach))


def _some(runs: list[int]) -> str:
    """A few of the runs, and how many there are."""
    shown = ", ".join(map(str, runs[:SHOWN]))
    return f"run {shown}" if len(runs) == 1 else f"{len(runs)} runs ({shown}{', ...' if len(runs) > SHOWN else ''})"
