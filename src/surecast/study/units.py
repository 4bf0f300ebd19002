"""Units, parsed by pint (imported when first used)."""

from __future__ import annotations

import functools
import re
from typing import Any

import numpy as np

from surecast.study.errors import SurecastError

_DIMENSIONLESS = ("", "1", "-", "dimensionless")
_PLAIN = re.compile(r"(?:{0})\d?(?:/(?:{0})\d?)?".format("m|mm|cm|km|s|h|day|kg|g|K|N|J|W|Pa|kPa|MPa"))
"""Units that are known to be some, without pint: reading its definitions takes a quarter of a second in every job."""


class UnitError(SurecastError):
    """A unit that pint cannot read, or two that do not measure the same thing."""

    exit_code = 2


@functools.cache
def _registry() -> Any:
    import pint

    return pint.UnitRegistry(cache_folder=None)


@functools.lru_cache(maxsize=1024)
def parse(text: str) -> Any:
    """The pint unit of a text such as ``m2/day``, ``kg m-3`` or ``1``.

    Raises
    ------
    UnitError
        If pint cannot read it.
    """
    if text.strip() in _DIMENSIONLESS:
        return _registry().Unit("")
    try:
        if "//" in text:  # Python's floor division, to pint
            raise ValueError("'//' is no operation on units")
        return _registry().Unit(_with_powers(text))
    except Exception as error:  # pint raises its own errors, tokenize's and Python's on odd texts
        raise UnitError(
            f"{text!r} is no unit ({error}).", "write for example m, m2/day, kg/m**3, or 1 for none."
        ) from error


def _with_powers(text: str) -> str:
    """``m2/day`` and ``m-3`` (UDUNITS) as pint wants them: ``m**2/day``, ``m**-3``."""
    return re.sub(r"([A-Za-zµΩ°%])\^?(-?\d+)(?![\w.])", r"\1**\2", text)


def check_unit(text: str) -> None:
    """Raise `UnitError` unless `text` is a unit."""
    if text.strip() not in _DIMENSIONLESS and not _PLAIN.fullmatch(text):
        parse(text)


def compatible(first: str, second: str) -> bool:
    """Whether two units measure the same thing."""
    if first.strip() == second.strip() and (first.strip() in _DIMENSIONLESS or _PLAIN.fullmatch(first)):
        return True
    return bool(parse(first).is_compatible_with(parse(second)))


def convert(values: Any, source: str, target: str) -> Any:
    """Values of one unit in another.

    Raises
    ------
    UnitError
        If the units are not compatible.
    """
    if source == target:
        return values
    if not compatible(source, target):
        raise UnitError(f"{source!r} cannot be converted to {target!r}.", f"use a unit compatible with {target!r}.")
    converted = _registry().Quantity(np.asarray(values, dtype=np.float64), parse(source)).to(parse(target)).magnitude
    return float(converted) if np.ndim(values) == 0 else converted
