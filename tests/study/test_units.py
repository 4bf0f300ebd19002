"""Units by pint, in the spellings of NetCDF files too."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from surecast.study.units import UnitError, check_unit, compatible, convert, parse


@pytest.mark.parametrize(
    "text", ["m", "m2/day", "m**2/day", "m^2/day", "kg m-3", "W/m2", "1", "", "dimensionless", "1/s"]
)
def test_units(text: str) -> None:
    """Units as people write them."""
    check_unit(text)


@pytest.mark.parametrize("text", ["furlongz", "m/", "m//s", "import os", "3 +", "m2/dayy"])
def test_no_units(text: str) -> None:
    """What is no unit is refused with an example of one."""
    with pytest.raises(UnitError, match="m2/day") as caught:
        check_unit(text)
    assert repr(text) in str(caught.value)


def test_powers() -> None:
    """m2 is a square metre in each spelling, and m-3 one over a cubic one."""
    assert convert(1.0, "m2/day", "m**2/day") == 1.0
    assert convert(2.0, "kg m-3", "g/cm**3") == pytest.approx(2e-3)
    assert convert(1.0, "km2", "m^2") == pytest.approx(1e6)


def test_convert() -> None:
    """Values, scalars and arrays, offsets too."""
    np.testing.assert_allclose(convert(np.array([0.0, 24.0]), "m/day", "m/h"), [0, 1])
    assert convert(25.0, "degC", "K") == pytest.approx(298.15)
    assert compatible("m/day", "mm/s")
    assert not compatible("m", "m2")
    with pytest.raises(UnitError, match="cannot be converted"):
        convert(1.0, "m", "s")


def test_plain_units_are_known_without_pint() -> None:
    """The commonest units are let through without reading pint's definitions; each of them is one of pint's."""
    names = ["m", "mm", "cm", "km", "s", "h", "day", "kg", "g", "K", "N", "J", "W", "Pa", "kPa", "MPa"]
    plain = [*names, *(f"{name}2" for name in names), *(f"{name}2/{other}3" for name in names for other in names)]
    code = (
        "import sys\nfrom surecast.study.units import check_unit\n"
        f"for unit in {plain!r}: check_unit(unit)\nprint('pint' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
    for unit in plain:
        parse(unit)
    for power in range(10):
        parse(f"m{power}/day")
