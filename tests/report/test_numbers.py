"""Rounding by the interval, powers of ten, units, durations."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from surecast.report import numbers


@pytest.mark.parametrize(
    ("value", "low", "high", "expected"),
    [
        (1.23456, 1.2333, 1.2357, ("1.2346", "1.2333", "1.2357", "0.0012", "")),
        (1.043e-3, 0.982e-3, 1.104e-3, ("1.043", "0.982", "1.104", "0.061", "× 10⁻³")),
        (123456.0, 122000.0, 125000.0, ("1.235", "1.220", "1.250", "0.015", "× 10⁵")),
        (1234.5, 1200.0, 1270.0, ("1,234", "1,200", "1,270", "35", "")),
        (-0.5, -0.61, -0.39, ("−0.50", "−0.61", "−0.39", "0.11", "")),
        (0.001, -0.05, 0.05, ("0.001", "−0.050", "0.050", "0.050", "")),
        (2 / 3, 2 / 3 - 4e-15, 2 / 3 + 4e-15, ("0.66666667", "0.66666667", "0.66666667", "4.0 × 10⁻¹⁵", "")),
        (0.0, 0.0, 0.0, ("0.00000", "0.00000", "0.00000", "0", "")),
        (2.0, -math.inf, math.inf, ("2.000", "−∞", "∞", "not known", "")),
        (math.nan, math.nan, math.nan, ("not known", "not known", "not known", "not known", "")),
    ],
)
def test_interval_rounds_by_its_half_width(
    value: float, low: float, high: float, expected: tuple[str, str, str, str, str]
) -> None:
    shown = numbers.interval(value, low, high)
    assert (shown.value, shown.low, shown.high, shown.half_width, shown.factor) == expected


@given(st.floats(-1e8, 1e8), st.floats(1e-9, 1e6))
def test_what_is_printed_lies_within_a_tenth_of_the_half_width(value: float, half: float) -> None:
    low, high = value - half, value + half
    assume(high - low > half)  # not lost to rounding
    shown = numbers.interval(value, low, high)
    read = float(shown.value.replace("−", "-").replace(",", "")) * 10.0**shown.exponent
    assert abs(read - value) <= 0.1 * half + 1e-7 * abs(value)  # at most eight digits


@pytest.mark.parametrize(
    ("value", "low", "high", "printed"),
    [
        (1.043e-3, 0.982e-3, 1.104e-3, "0.982 to 1.104 × 10⁻³"),
        (2.0, -math.inf, math.inf, "no interval: unbounded"),
        (2.0, 1.0, math.inf, "at least 1.000"),
        (2.0, -math.inf, 3.0, "at most 3.000"),
        (2.0, math.nan, math.nan, "no interval"),
        (2 / 3, 2 / 3 - 4e-15, 2 / 3 + 4e-15, "within ± 4.0 × 10⁻¹⁵"),
        (0.5, 0.5, 0.5, "within rounding"),
    ],
)
def test_the_interval_in_words(value: float, low: float, high: float, printed: str) -> None:
    assert numbers.interval(value, low, high).span == printed


def test_a_tiny_share_keeps_its_power_of_ten() -> None:
    assert numbers.percent_interval(1e-9, 0.0, 8e-9) == "1.0 × 10⁻⁷ % (0.0 to 8.0 × 10⁻⁷ %)"
    assert numbers.percent_interval(0.5, -math.inf, math.inf) == "50.00 % (no interval: unbounded)"


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("m2/day", "m²/day"),
        ("m**2/day", "m²/day"),
        ("(m2/day)**2", "(m²/day)²"),
        ("(m)**2", "m²"),
        ("m*s^-1", "m s⁻¹"),
        ("1", ""),
        ("dimensionless", ""),
        ("kg", "kg"),
    ],
)
def test_units(written: str, printed: str) -> None:
    assert numbers.units(written) == printed


@pytest.mark.parametrize(
    ("value", "printed"),
    [(0.0238, "2.4 %"), (0.0, "0 %"), (1.5, "150 %"), (0.00082, "0.082 %"), (math.nan, "not known")],
)
def test_percent(value: float, printed: str) -> None:
    assert numbers.percent(value) == printed


@pytest.mark.parametrize(
    ("value", "printed"),
    [(2000, "2,000"), (391234, "390,000"), (0.4, "1"), (12_345_678, "12 million"), (3.21e10, "32 thousand million")],
)
def test_rounded_count(value: float, printed: str) -> None:
    assert numbers.rounded_count(value) == printed


@pytest.mark.parametrize(
    ("value", "printed"),
    [(2.3e-5, "23 µs"), (1.3e-3, "1.30 ms"), (60.5, "60.5 s"), (600.0, "10.0 min"), (7200.0, "2.00 h")],
)
def test_seconds(value: float, printed: str) -> None:
    assert numbers.seconds(value) == printed


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 bytes"), (1000, "1,000 bytes"), (1536, "1.50 KiB"), (2.5 * 2**40, "2.50 TiB")]
)
def test_sizes(count, text):
    assert numbers.size(count) == text
