"""The simulator's discretisation error: some runs solved again on a refined grid.

For output q on this grid and q_r on the refined one (restricted to this grid where q is a field), the
relative L2 error of a run is ||q - q_r||_2 / ||q_r||_2 over space; it is averaged over runs. For scalars
it is sqrt(sum (q - q_r)^2) / sqrt(sum q_r^2) over the runs. Against a grid twice as fine, a method of
order p shows the share 1 - 2^-p of its whole error: three quarters of it at order 2 (Roache, Annu. Rev.
Fluid Mech. 29, 1997). Fields are stored as float32, so that nothing below 1e-7 can be seen in them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

    from surecast.study.model import Study


def discretisation_error(study: Study, inputs: xr.Dataset, outputs: xr.Dataset) -> dict[str, Any]:
    """Relative L2 error of every output against a refined grid.

    Parameters
    ----------
    study : Study
        The study.
    inputs : xarray.Dataset
        Inputs of the runs that are solved again, as the design holds them, with ``seed``.
    outputs : xarray.Dataset
        The study's outputs of the same runs.

    Returns
    -------
    dict
        Per output ``relative_l2``, ``largest`` (of the runs) and ``runs``; empty if the simulator knows
        no refined grid, if there are no runs, or if all of them failed on the refined grid.
    """
    simulator = study.build_simulator()
    fine = simulator.refined()
    if fine is None or not inputs.sizes["run"]:
        return {}
    law = study.joint_law()
    plain = inputs[[*study.inputs, "seed"]].reset_coords(drop=True)
    fine_inputs = law.realise(plain, fine.grids())
    raw = fine.run(fine_inputs)
    good = np.flatnonzero([str(text) == "" for text in raw["failure"].values])
    if not good.size:
        return {}
    raw, fine_inputs = raw.isel(run=good), fine_inputs.isel(run=good)
    restricted = simulator.restrict(raw)
    coarse_inputs = law.realise(plain.isel(run=good), simulator.grids())
    errors: dict[str, Any] = {}
    for name in study.outputs:
        output = study.build_output(name)
        if output.is_field(simulator):
            reference = output.from_simulation(coarse_inputs, restricted)
        else:
            reference = output.from_simulation(fine_inputs, raw)
        errors[name] = _relative(outputs[name].isel(run=good), reference)
    return errors


def _relative(found: xr.DataArray, reference: xr.DataArray) -> dict[str, Any]:
    truth = reference.transpose(*found.dims).values.reshape(found.sizes["run"], -1).astype(np.float64)
    error = found.values.reshape(truth.shape).astype(np.float64) - truth
    norms, errors = np.sqrt((truth**2).sum(axis=1)), np.sqrt((error**2).sum(axis=1))
    runs = len(truth)
    per_run = [_ratio(float(part), float(whole)) for part, whole in zip(errors, norms, strict=True)]
    if truth.shape[1] == 1:
        mean = _ratio(float(np.sqrt((errors**2).sum())), float(np.sqrt((norms**2).sum())))
    else:
        mean = float(np.mean(per_run))
    return {"relative_l2": mean, "largest": max(per_run), "runs": runs}


def _ratio(part: float, whole: float) -> float:
    """Part of whole; an error where the truth is zero everywhere is infinite, none is none."""
    if whole > 0:
        return part / whole
    return 0.0 if part == 0 else float("inf")
