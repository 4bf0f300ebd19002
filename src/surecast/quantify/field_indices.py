r"""Generalised Sobol indices and Shapley effects of fields: how much of the variance of the whole field inputs drive.

    S_u = sum_p Cov_u(p)/sum_p V(p)

over the points p of the field (Lamboni, Monod and Makowski 2011; Gamboa et al. 2014, equation 3): the indices of
scalars with inner products <y, z> = sum_p y(p) z(p) in place of products. Of a row only its inner products are kept,
chunk by chunk, never its fields: memory does not grow with rows times points. They are taken about a fixed reference
field c, the mean of the first rows observed, which only tames the cancellation: the square of the mean about it is
<a - c, b - c>, A and B being independent. Points all count alike; weigh a non-uniform grid by an output of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from surecast.quantify.pick_freeze import SobolIntegrand
from surecast.quantify.sampling import all_failed

if TYPE_CHECKING:
    import xarray as xr

REFERENCE_ROWS = 16


class FieldSobolIntegrand(SobolIntegrand):
    """Indices of fields; scalars among the outputs are fields of one point."""

    @property
    def fields(self) -> bool:
        """See `SobolIntegrand.fields`."""
        return True

    @property
    def column_outputs(self) -> tuple[str, ...]:
        """See `Integrand.column_outputs`: columns are inner products."""
        return ()

    def values(self, outputs: xr.Dataset) -> np.ndarray:
        """All fields flattened, (runs, points), NaN throughout where a run failed.

        Raises
        ------
        EstimationError
            If not one run so far has come back to show what a field looks like.
        """
        if any(name not in outputs for name in self.outputs):
            raise all_failed(outputs.sizes["run"])
        parts = [np.asarray(outputs[name].values, dtype=np.float64) for name in self.outputs]
        parts = [part.reshape(len(part), -1) for part in parts]
        self.ends = np.cumsum([part.shape[1] for part in parts])[:-1]
        values = np.concatenate(parts, axis=1)
        failed = ~np.isfinite(values).all(axis=1)
        if "failed" in outputs:
            failed |= outputs["failed"].values.astype(bool)
        values[failed] = np.nan
        return values

    def settled(self, uniforms: np.ndarray, observed: np.ndarray) -> np.ndarray:
        """Squares of the runs and, with the first run, the row's other inner products: (n, runs, 1 + products, K)."""
        order = super().settled(uniforms, observed[:, :, :1])[:, self.runs_per_row :, 0].astype(np.int64)
        done = ~np.isnan(observed).any(axis=2)
        if not hasattr(self, "reference"):
            first = observed[done.all(axis=1)][:REFERENCE_ROWS]
            if len(first):
                self.reference = first.mean(axis=(0, 1))
        rows = np.where(done[:, :, None], observed, 0.0) - getattr(self, "reference", 0.0)
        found = []
        for part in np.split(rows, self.ends, axis=2):
            found.append(self.inner(part.transpose(0, 2, 1), order))
        products = np.stack(found, axis=1)  # (n, K, columns)
        kept = np.zeros((len(rows), self.runs_per_row, len(self.outputs) * (1 + products.shape[2] - self.runs_per_row)))
        table = kept.reshape(*kept.shape[:2], len(self.outputs), -1)
        table[:, :, :, 0] = products[:, :, : self.runs_per_row].transpose(0, 2, 1)
        table[:, 0, :, 1:] = products[:, :, self.runs_per_row :]
        kept[~done] = np.nan
        return kept

    def inner(self, fields: np.ndarray, order: np.ndarray) -> np.ndarray:
        """Inner products (n, columns) of fields (n, points, runs), a few rows at a time."""
        step = max(1, 2**20 // max(1, fields.shape[1] * fields.shape[2]))
        blocks = []
        for start in range(0, len(fields), step):
            block = fields[start : start + step]
            blocks.append(self.products(block, block, order[start : start + step]).sum(axis=1))
        return np.concatenate(blocks)

    def summands(self, rows: np.ndarray) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
        """See `Integrand.summands`."""
        outputs, width = len(self.outputs), self.runs_per_row
        table = rows.reshape(len(rows), width, outputs, -1)
        columns = np.concatenate([table[..., 0].transpose(0, 2, 1), table[:, 0, :, 1:]], axis=2)
        scale = np.maximum(columns[:, :, :width].mean(axis=(0, 2), keepdims=True), np.finfo(float).tiny)
        columns = columns / scale
        size = columns.shape[2]

        # Every product less the square of the mean; the increments of a chain are differences already.
        central = np.ones(size, dtype=bool)
        if self.chained:
            stop = size - self.noisy
            central[stop - len(self.groups) : stop] = False

        def function(means: np.ndarray) -> np.ndarray:
            products = means.reshape(*means.shape[:-1], outputs, size)
            products = products - np.where(central, products[..., width : width + 1], 0.0)
            return self.answers(np.zeros_like(products[..., :width]), products)[0]

        return columns.reshape(len(rows), -1), function
