"""Numbers as a reader wants them: as many digits as the interval supports, powers of ten, units."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
UNKNOWN = "not known"
MOST_DIGITS = 8
"""Of a value: more than any simulator supports, however narrow the interval."""


@dataclass(frozen=True)
class Interval:
    """A value and its interval as text, with one common power of ten.

    Attributes
    ----------
    value, low, high : str
        Mantissas with a common number of decimals.
    half_width : str
        Half the width of the interval, as a mantissa.
    exponent : int
        Power of ten that multiplies all four.
    """

    value: str
    low: str
    high: str
    half_width: str
    exponent: int

    @property
    def factor(self) -> str:
        """The power of ten as text (``× 10⁻³``), empty for exponent 0."""
        return f"× {power_of_ten(self.exponent)}" if self.exponent else ""

    @property
    def span(self) -> str:
        """The interval in words: ``0.98 to 1.10 × 10⁻³``, ``no interval: unbounded``, ``within ± 2 × 10⁻¹⁵``."""
        ends = [self.low.strip("−") == "∞", self.high == "∞"]
        if UNKNOWN in (self.low, self.high):
            return "no interval"
        if all(ends):
            return "no interval: unbounded"
        if any(ends):
            text = f"at most {self.high}" if ends[0] else f"at least {self.low}"
        elif self.low == self.high:
            return f"within ± {self.half_width}" if self.half_width != "0" else "within rounding"
        else:
            text = f"{self.low} to {self.high}"
        return f"{text} {self.factor}".rstrip()


def power_of_ten(exponent: int) -> str:
    """``10⁻³`` for -3."""
    return "10" + str(exponent).translate(_SUPERSCRIPTS)


def _signed(text: str) -> str:
    # "-0.00" says nothing that "0.00" does not; the typographic minus lines up with the digits.
    return text.lstrip("-") if not text.strip("-0.,") else text.replace("-", "−")


def interval(value: float, low: float, high: float, most: int = MOST_DIGITS) -> Interval:
    """Round a value by its interval: half the width keeps two significant digits.

    Values below 0.01 or from 10⁵ on are given with a power of ten. A missing bound reads ``not known``;
    an interval of no width keeps six significant digits, a value without an interval four, and no value more than
    `most`: where that is too few to tell both ends apart, `half_width` is given in full, power of ten and all.
    """
    finite = [abs(number) for number in (value, low, high) if math.isfinite(number)]
    largest = max(finite, default=0.0)
    magnitude = math.floor(math.log10(largest)) if largest > 0 else 0
    exponent = magnitude if magnitude < -2 or magnitude >= 5 else 0
    scale = 10.0 ** (-exponent) if abs(exponent) < 300 else 1.0
    half = (high - low) / 2 * scale if math.isfinite(low) and math.isfinite(high) else 0.0
    digits = 6 if math.isfinite(low) and math.isfinite(high) else 4
    decimals = 1 - math.floor(math.log10(half)) if half > 0 else digits - 1 - (magnitude - exponent)
    decimals = min(max(decimals, 0), most - 1 - (magnitude - exponent))

    def text(number: float) -> str:
        if math.isinf(number):
            return "∞" if number > 0 else "−∞"
        return _signed(f"{number * scale:,.{decimals}f}") if math.isfinite(number) else UNKNOWN

    width = text(half / scale) if half > 0 else UNKNOWN if not math.isfinite(high - low) else "0"
    if half > 0 and text(low) == text(high):
        width = number(half / scale, 2)
    return Interval(text(value), text(low), text(high), width, exponent)


def number(value: float, digits: int = 3) -> str:
    """A number without an interval, to `digits` significant digits."""
    if not math.isfinite(value):
        return UNKNOWN
    if value == 0:
        return "0"
    magnitude = math.floor(math.log10(abs(value)))
    if magnitude < -3 or magnitude >= 6:
        mantissa = _signed(f"{value / 10.0**magnitude:.{digits - 1}f}")
        return f"{mantissa} × {power_of_ten(magnitude)}"
    return _signed(f"{value:,.{max(digits - 1 - magnitude, 0)}f}")


def percent(share: float, digits: int = 2) -> str:
    """A share as per cent: 0.0238 gives ``2.4 %``."""
    return UNKNOWN if not math.isfinite(share) else f"{number(100 * share, digits)} %"


def percent_interval(value: float, low: float, high: float) -> str:
    """A share with its interval: ``61 % (58 to 64 %)``."""
    shown = interval(100 * value, 100 * low, 100 * high, most=5)
    return (
        f"{shown.value} {shown.factor}".rstrip()
        + f" % ({shown.span}{'' if shown.span[:2] == 'no' or shown.span == 'within rounding' else ' %'})"
    )


def count(value: float) -> str:
    """A count of runs: exact below a million, rounded above."""
    if not math.isfinite(value):
        return UNKNOWN
    if value < 1e6:
        return f"{round(value):,}"
    for size, word in ((1e9, "thousand million"), (1e6, "million")):
        if size <= value < 1e12:
            return f"{number(value / size, 2)} {word}"
    return number(value, 2)


def rounded_count(value: float) -> str:
    """A count that is itself an estimate, to two significant digits."""
    if not math.isfinite(value):
        return UNKNOWN
    if value < 1:
        return "1"
    magnitude = math.floor(math.log10(value))
    return count(round(value, 1 - magnitude))


def seconds(value: float) -> str:
    """A duration in the unit that reads best."""
    if not math.isfinite(value):
        return UNKNOWN
    for size, unit in ((86400.0, "d"), (3600.0, "h"), (120.0, "min"), (1.0, "s"), (1e-3, "ms")):
        if value >= size:
            size = 60.0 if unit == "min" else size
            return f"{number(value / size, 3 if value / size < 100 else 2)} {unit}"
    return f"{number(value / 1e-6, 2)} µs"


def size(count: float) -> str:
    """A number of bytes in the unit that reads best."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{number(count)} {unit}"
        count /= 1024
    return f"{number(count)} TiB"


def units(text: str) -> str:
    """Units as printed: ``m2/day`` and ``m**2/day`` give ``m²/day``; dimensionless gives nothing."""
    if text in ("", "1", "dimensionless"):
        return ""
    text = re.sub(r"(?:\*\*|\^)\s*(-?\d+)", lambda match: match[1].translate(_SUPERSCRIPTS), text)
    text = re.sub(r"(?<=[A-Za-z])(-?\d+)", lambda match: match[1].translate(_SUPERSCRIPTS), text)
    text = re.sub(r"\((\w+)\)", r"\1", text)  # (m)² is m²
    return re.sub(r"\s*\*\s*", " ", text)
