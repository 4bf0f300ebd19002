"""Gates: what makes a run a failed one, and when too many of them stop the study."""

import numpy as np
import pytest
import xarray as xr

from surecast.simulate import gates
from surecast.study.errors import SimulationError


def raw():
    values = np.ones((4, 3))
    return xr.Dataset({"u": (("run", "x"), values), "y": ("run", np.ones(4))})


def test_fine_runs_have_no_message():
    assert gates.messages(raw(), 1e12).tolist() == [""] * 4


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.nan, "u is NaN in 1 of 3 places"),
        (np.inf, "u is infinite in 1 of 3 places"),
        (-np.inf, "u is infinite in 1 of 3 places"),
        (1e31, r"u has the magnitude 1e+31, above 1e+12"),
        (-2e12, r"u has the magnitude 2e+12, above 1e+12"),
    ],
)
def test_a_bad_value_in_a_field(value, message):
    given = raw()
    given["u"][2, 1] = value
    assert gates.messages(given, 1e12).tolist() == ["", "", message, ""]


def test_a_bad_scalar():
    given = raw()
    given["y"][0] = np.nan
    assert gates.messages(given, 1e12).tolist() == ["y is NaN", "", "", ""]


def test_all_zero_fields_are_a_failure_zero_scalars_are_not():
    given = raw()
    given["u"][1] = 0.0
    given["y"][2] = 0.0
    assert gates.messages(given, 1e12).tolist() == ["", "every field is zero throughout", "", ""]
    given["v"] = (("run", "x"), np.ones((4, 3)))  # one field of two may well be zero
    assert gates.messages(given, 1e12).tolist() == [""] * 4


def test_zeros_in_every_field_that_is_kept_are_a_failure():
    given = raw()
    given["kept"], given["other"] = given["u"].copy(deep=True), given["u"].copy(deep=True)
    given["number"] = given["y"].copy(deep=True)
    given["kept"][1:3] = 0.0
    given["other"][2] = 0.0
    given["number"][3] = 0.0
    told = "every field that the study keeps is zero throughout"
    assert gates.messages(given, 1e12, kept=["kept", "number"]).tolist() == ["", told, told, ""]
    assert gates.messages(given, 1e12, kept=["kept", "other", "number"]).tolist() == ["", "", told, ""]
    assert gates.messages(given, 1e12, kept=["number"]).tolist() == [""] * 4


def test_the_simulators_own_message_comes_first():
    given = raw()
    given["u"][3] = np.nan
    given["failure"] = ("run", np.array(["", "broke", "", "burst"], dtype=object))
    assert gates.messages(given, 1e12).tolist() == ["", "broke", "", "burst"]


def test_diagnostics_are_not_looked_at():
    given = raw().assign(residual=("run", np.full(4, np.nan)))
    assert gates.messages(given, 1e12, ("residual",)).tolist() == [""] * 4


def runs(failed):
    flags = np.zeros(20, dtype=np.int8)
    flags[:failed] = 1
    return xr.Dataset(
        {
            "head": ("run", np.linspace(0.5, 1.5, 20), {"law": "{}"}),
            "seed": ("run", np.arange(100, 120)),
            "peak": ("run", np.ones(20)),
            "failed": ("run", flags),
            "message": ("run", np.array(["peak is NaN"] * failed + [""] * (20 - failed), dtype=object)),
        },
        coords={"run": np.arange(40, 60)},
    )


def test_a_bearable_share():
    gates.stop_if_too_many(runs(1), 20, 0.05)
    gates.stop_if_too_many(runs(10), 200, 0.05)  # a bad part of a large design decides nothing yet


def test_too_many_failed_runs_are_listed():
    with pytest.raises(SimulationError) as caught:
        gates.stop_if_too_many(runs(8), 20, 0.05)
    text = str(caught.value)
    assert "8 of 20 runs failed" in text
    assert "failures.max_share = 0.05" in text
    assert "run 40 (head = 0.5, seed = 100): peak is NaN" in text
    assert text.count("peak is NaN") == gates.WORST_SHOWN
    assert "and 3 more" in text
    assert "Remedy" in text


def test_the_worst_are_listed_first():
    """No result at all, NaN and infinity by how much of a field, magnitudes by size, zeros last; made by the gates."""
    u = np.ones((20, 4))
    u[0] = 0.0
    u[1, 0], u[2, 1], u[3, :2], u[4, :3], u[5, 0] = 1e13, 1e20, np.inf, np.nan, np.nan
    failure = np.array([""] * 6 + ["the pump broke"] + [""] * 13, dtype=object)
    message = gates.messages(xr.Dataset({"u": (("run", "x"), u), "failure": ("run", failure)}), 1e12)
    given = runs(7).assign(message=("run", message))
    with pytest.raises(SimulationError, match="; the worst:") as caught:
        gates.stop_if_too_many(given, 20, 0.05)
    listed = [line.partition(": ")[2] for line in str(caught.value).splitlines() if line.startswith("  run")]
    assert listed == [message[row] for row in (6, 4, 5, 3, 2)]
    assert "and 2 more" in str(caught.value)
